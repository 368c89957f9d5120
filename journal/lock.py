"""One writer per folder: an exclusive lock on a file, held until it is closed or its process ends.

The lock is the kernel's (`flock`), so it is gone with its holder, however that ended; the file stays and
says who held it last. It is advice among well-behaved processes of one machine: what keeps a journal
whole under rivals is the hash link (`journal.chain`), the lock only keeps them from getting in each
other's way. A process that forks shares its locks with the child.
"""

import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from journal.errors import LedgerLockedError, LogUnavailableError

_HOLDER_SIZE_MAX = 300


class WriterLock:
    """Holds the lock on `path` from construction to `close`; also a context manager."""

    def __init__(self, path: Path) -> None:
        """Take the lock at once or not at all.

        Raises:
            LedgerLockedError: Somebody else has it; the error names the process.
            LogUnavailableError: The file cannot be made, written or locked.
        """
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LogUnavailableError(f"cannot open {path}: {error.strerror}") from error
        try:
            self._take()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the lock back; closing twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"process {os.getpid()} on {_host()}\n".encode(), 0)
        except BlockingIOError as error:
            raise LedgerLockedError(str(self.path), self._holder()) from error
        except OSError as error:
            raise LogUnavailableError(f"cannot lock {self.path}: {error.strerror}") from error

    def _holder(self) -> str:
        """What the holder wrote; empty for the instant between its lock and its writing."""
        text = os.pread(self._descriptor, _HOLDER_SIZE_MAX, 0).decode(errors="replace").strip()
        return text or "another process"


def _host() -> str:
    return socket.gethostname()[: _HOLDER_SIZE_MAX // 2]
