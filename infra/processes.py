"""Child processes that never outlive us, and ports for them.

A child gets SIGKILL from the kernel when the thread that started it ends (PR_SET_PDEATHSIG, here by way
of `setpriv`, so that no Python runs between fork and exec). "Thread", not "process": a broker that a test
restarts from a short-lived thread would die with it. So all children are started by one thread that lives
as long as this process.
"""

import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from typing import Final

_PORTS: Final = range(12_000, 30_000)
"""Below the range that the kernel takes for outgoing connections, so a port stays ours over a restart."""

_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

Process = subprocess.Popen[bytes]


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Process:
    """Start `command` in `folder`, its output appended to `log`; it ends when we end.

    A session of its own: Ctrl-C in our terminal reaches us alone, and we stop it in order.
    """
    with log.open("ab") as output:
        return _spawner.submit(
            subprocess.Popen,
            [*_guard(user), *command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ).result()


def stop(process: Process, *, grace_seconds: float, how: signal.Signals = signal.SIGTERM) -> None:
    """Ask a process to end, then make it; returns when it is gone."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now; somebody may by the time they are used."""
    candidates = secrets.SystemRandom().sample(_PORTS, len(_PORTS))
    return [port for port, _ in zip(filter(_is_free, candidates), range(count), strict=False)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _guard(user: str | None) -> list[str]:
    setpriv = which("setpriv")
    if setpriv is None:
        return [] if user is None else ["runuser", "-u", user, "--"]
    identity = [] if user is None else [f"--reuid={user}", f"--regid={user}", "--init-groups"]
    return [setpriv, *identity, "--pdeathsig", "KILL", "--"]
