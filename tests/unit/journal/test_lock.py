"""One writer per folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from journal.errors import LedgerLockedError, LogUnavailableError
from journal.lock import WriterLock

REPOSITORY = Path(__file__).parents[3]
HOLDER = """
import sys
from pathlib import Path
from time import sleep
from journal.lock import WriterLock

lock = WriterLock(Path(sys.argv[1]))
print("held", flush=True)
sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "writer.lock"


def test_a_second_writer_is_told_who_holds_the_lock(path: Path) -> None:
    with WriterLock(path), pytest.raises(LedgerLockedError, match=f"process {os.getpid()} on "):
        WriterLock(path)


def test_a_closed_lock_can_be_taken_again(path: Path) -> None:
    lock = WriterLock(path)
    lock.close()
    lock.close()

    WriterLock(path).close()


def test_a_refused_writer_leaves_the_holder_as_it_was(path: Path) -> None:
    with WriterLock(path):
        for _ in range(2):
            with pytest.raises(LedgerLockedError):
                WriterLock(path)


def test_the_lock_of_a_killed_process_is_free(path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(LedgerLockedError, match=f"process {child.pid} on "):
        WriterLock(path)

    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()

    WriterLock(path).close()


def test_a_folder_that_is_not_there_is_said(path: Path) -> None:
    with pytest.raises(LogUnavailableError, match="cannot open"):
        WriterLock(path / "nowhere" / "writer.lock")
