"""JSON lines into a file or to standard output.

The file is its own note of how far it got: its last line names the revision, and what a killed exporter
left of a line is cut off before the next one is written. So each revision stands in it exactly once.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from journal.errors import ConfigurationError, IntegrityError, StoreUnavailableError
from journal.lock import WriterLock
from streams.declarations import Declarations
from streams.lines import LineFormat
from streams.planning import RevisionChange
from streams.progress import Progress
from streams.records import Position
from streams.sinks import Batch, Tombstone

_TAIL_SIZE: Final = 64 * 1024


class FileSink:
    """One file that only grows; one process at a time writes it."""

    def __init__(self, path: Path, ledger: str, declarations: Declarations) -> None:
        """Nothing is opened yet."""
        self._path, self._ledger = path, ledger
        self._format = LineFormat(ledger, declarations)
        self._file: BinaryIO | None = None
        self._lock: WriterLock | None = None

    def open(self) -> Progress | None:
        """Lock the file, cut a torn last line off, and read how far it got.

        Raises:
            LedgerLockedError: Another process writes it.
            ConfigurationError: It cannot be opened.
            IntegrityError: Its last line is none of ours, or another ledger's.
        """
        self.close()
        try:
            self._lock = WriterLock(self._path.with_name(f"{self._path.name}.lock"))
            self._file = self._path.open("a+b")
        except OSError as error:
            raise ConfigurationError(f"cannot write {self._path}: {error.strerror}") from error
        last = _last_line(self._file)
        if last is None:
            return None
        position = self._position_in(last)
        return Progress(position=position, bookmark=None, tables=())

    def deliver(self, batch: Batch) -> None:
        """Append the batch's lines; they are on the disk when this returns.

        Raises:
            StoreUnavailableError: The disk is full or fails.
        """
        assert self._file is not None
        lines = [
            self._format.line(change) for change in batch.changes if type(change) is RevisionChange
        ]
        if not lines:
            return
        try:
            self._file.write(b"\n".join(lines) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreUnavailableError(f"cannot write {self._path}: {error.strerror}") from error

    def deliver_state(self, items: Iterable[RevisionChange | Tombstone]) -> None:
        """Nothing: lines are history."""

    def close(self) -> None:
        """Close the file and give the lock back; what was not delivered may stay as a torn line."""
        file, lock = self._file, self._lock
        self._file = self._lock = None
        try:
            if file is not None:
                file.close()
        except OSError:
            pass  # what the full disk did not take is delivered again
        finally:
            if lock is not None:
                lock.close()

    def _position_in(self, line: bytes) -> Position:
        try:
            record = orjson.loads(line)
            ledger = record["_ledger"]
            position = Position(record["_sequence_number"], record["_entry_index"] + 1)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"the last line of {self._path} is no revision: {error}",
                hint="export into another file, or move this one away",
            ) from error
        if ledger != self._ledger:
            raise IntegrityError(
                f"{self._path} has revisions of ledger {ledger!r}, not {self._ledger!r}",
                hint="export into another file",
            )
        return position


class StandardOutputSink:
    """Lines to standard output; nobody keeps a position."""

    def __init__(self, ledger: str, declarations: Declarations) -> None:
        self._format = LineFormat(ledger, declarations)
        self._progress: Progress | None = None

    def open(self) -> Progress | None:
        """How far this process got."""
        return self._progress

    def deliver(self, batch: Batch) -> None:
        """Print the batch.

        Raises:
            ConfigurationError: Nobody reads any more.
        """
        lines = [
            self._format.line(change) + b"\n"
            for change in batch.changes
            if type(change) is RevisionChange
        ]
        try:
            sys.stdout.buffer.write(b"".join(lines))
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:
            raise ConfigurationError("nobody reads the output any more") from error
        self._progress = batch.progress

    def deliver_state(self, items: Iterable[RevisionChange | Tombstone]) -> None:
        """Nothing: lines are history."""

    def close(self) -> None:
        """Nothing is held."""


def _last_line(file: BinaryIO) -> bytes | None:
    """The last whole line; what follows it is cut off. None if there is none."""
    size = file.seek(0, os.SEEK_END)
    end = _after_newline(file, size)
    if end < size:
        file.truncate(end)
        os.fsync(file.fileno())
    if not end:
        return None
    start = _after_newline(file, end - 1)
    file.seek(start)
    line = file.read(end - 1 - start)
    file.seek(0, os.SEEK_END)
    return line


def _after_newline(file: BinaryIO, end: int) -> int:
    """Behind the last line end in the first `end` bytes; 0 if there is none."""
    while end > 0:
        start = max(0, end - _TAIL_SIZE)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
