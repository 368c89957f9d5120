"""Small files that survive a crash at any moment: the old content or the new one, never a part."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from journal.errors import LedgerLockedError

LOCK_SECONDS_MAX: Final = 10.0
_LOCK_PAUSE: Final = 0.005


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` into `path`, readable by its owner alone unless `mode` says more; durable then.

    Two fsyncs: of the new file before it takes the name, and of the folder after.

    Raises:
        OSError: It was not; the old content is still there, or already the new one.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable.

    Raises:
        OSError: The folder cannot be synced.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the kernel's lock on a file (made if it is not there) against other processes and threads.

    Raises:
        LedgerLockedError: Somebody held it for `LOCK_SECONDS_MAX`.
        OSError: The file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS_MAX
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LedgerLockedError(str(path), "another process") from None
            time.sleep(_LOCK_PAUSE)
        else:
            return
