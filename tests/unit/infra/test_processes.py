"""Children end with us, however we end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

from infra.processes import Process, free_ports, spawn, stop

REPOSITORY = Path(__file__).parents[3]
PARENT = """
import sys, time
from pathlib import Path
from infra.processes import spawn

folder = Path(sys.argv[1])
print(spawn(["sleep", "600"], log=folder / "log", folder=folder).pid, flush=True)
time.sleep(600)
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    while Path(f"/proc/{child}/comm").read_text() != "sleep\n":
        time.sleep(0.01)  # until then the guard is not set

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert _ends(child)


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[Process] = []
    thread = Thread(
        target=lambda: started.append(
            spawn(["sleep", "600"], log=tmp_path / "log", folder=tmp_path)
        )
    )
    thread.start()
    thread.join()
    time.sleep(0.2)

    assert started[0].poll() is None
    stop(started[0], grace_seconds=5)


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    command = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    child = spawn(command, log=tmp_path / "log", folder=tmp_path)
    while "ready" not in (tmp_path / "log").read_text():
        time.sleep(0.01)

    stop(child, grace_seconds=0.3)

    assert child.returncode == -signal.SIGKILL


def test_free_ports_are_different() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process_id}/status").read_text()
    return "State:\tZ" not in status


def _ends(process_id: int) -> bool:
    for _ in range(100):
        if not _is_running(process_id):
            return True
        time.sleep(0.05)
    return False
