"""A log in memory: the whole of Indelible without a file or a broker, gone when the process ends.

For documentation, examples, tests and trying things out (`indelible.connect("memory:")`). Offsets are
0, 1, 2, ...; an append is visible to every reader as soon as it returns.
"""

from collections.abc import Sequence
from itertools import count
from threading import Condition

from journal.errors import JournalReplacedError, LogUnavailableError
from journal.log import Position, Record

_numbers = count(1)


class MemoryLog:
    """A `journal.log.Log` over a list. Any method may be called from any thread."""

    def __init__(self) -> None:
        self._identity = f"memory-{next(_numbers)}"
        self._values: list[bytes] = []
        self._changed = Condition()
        self._closed = False

    def identity(self) -> str:
        """A name that no other log of this process has."""
        return self._identity

    def start_offset(self) -> int:
        """Always 0: nothing is ever dropped."""
        return 0

    def end_offset(self) -> int:
        """How many records there are."""
        with self._changed:
            self._require_open()
            return len(self._values)

    def reader(self, start: Position) -> "MemoryReader":
        """A cursor that starts at `start.offset`."""
        return MemoryReader(self, start.offset)

    def append(self, value: bytes) -> int:
        """Add one record and wake the readers that wait for it."""
        with self._changed:
            self._require_open()
            self._values.append(bytes(value))
            self._changed.notify_all()
            return len(self._values) - 1

    def close(self) -> None:
        """Drop every record; whoever still reads gets LogUnavailableError."""
        with self._changed:
            self._closed = True
            self._values = []
            self._changed.notify_all()

    def wait_for(self, offset: int, *, timeout: float, limit: int) -> Sequence[Record]:
        """Records from `offset` on, at most `limit`, once there is one or `timeout` seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._values) != offset, timeout)
            self._require_open()
            if offset > len(self._values):
                raise JournalReplacedError(f"the log ends before offset {offset}")
            values = self._values[offset : offset + limit]
        return [Record(place, value) for place, value in enumerate(values, start=offset)]

    def _require_open(self) -> None:
        if self._closed:
            raise LogUnavailableError("the log is closed")


class MemoryReader:
    """A cursor over a `MemoryLog`."""

    def __init__(self, log: MemoryLog, offset: int) -> None:
        self._log = log
        self._offset = offset

    def read(self, *, timeout: float, limit: int = 1000) -> Sequence[Record]:
        """Next records; waits up to `timeout` seconds for the first."""
        records = self._log.wait_for(self._offset, timeout=timeout, limit=limit)
        self._offset += len(records)
        return records

    def position(self) -> int:
        """The offset after the last record read."""
        return self._offset

    def close(self) -> None:
        """Nothing is held."""
