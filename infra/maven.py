"""Maven, which fetches jars: into folders that are complete or not there, by one process at a time."""

import fcntl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree, which
from tempfile import mkdtemp
from typing import Final

from infra.errors import InfrastructureError, MissingProgramError

_TIMEOUT_SECONDS: Final = 900


def fetch_once(target: Path, fetch: Callable[[Path], None]) -> Path:
    """The folder `target`, complete; what is not there is fetched, by one process while others wait.

    Args:
        target: It appears under this name when it is complete.
        fetch: Fills the empty folder it is given.
    """
    if not target.exists():
        with only_one(target.with_name(f"{target.name}.lock")):
            if not target.exists():
                _fetch(target, fetch)
    return target


def run_maven(*arguments: str) -> None:
    """Run Maven to its end, quietly.

    Raises:
        MissingProgramError: It is not installed.
        InfrastructureError: It failed, or took more than 15 minutes.
    """
    maven = which("mvn")
    if maven is None:
        raise MissingProgramError("Maven (mvn)", install="apt-get install maven")
    try:
        done = subprocess.run(  # noqa: S603
            [maven, "-q", "-B", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"Maven took more than {_TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise InfrastructureError(
            f"Maven failed at {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        )


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Wait until no other process holds `lock`, and hold it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(target: Path, fetch: Callable[[Path], None]) -> None:
    unfinished = Path(mkdtemp(prefix=f"{target.name}-", dir=target.parent))
    try:
        fetch(unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(target)
    finally:
        rmtree(unfinished, ignore_errors=True)
