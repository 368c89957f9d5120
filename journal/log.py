"""The log port: where blocks are kept, in one total order.

Everything above a log is the same on memory, SQLite and Kafka. A log knows nothing of blocks: it stores
bytes and gives each an offset. Offsets strictly increase and need not be contiguous. It may hold
records that nobody here wrote; the reader rule (`journal.chain`) sorts them out.

Two kinds of failure matter to a writer, and a log must not confuse them: the record **was not**
written (`LogUnavailableError`: the height is still open and will stay so unless tried again), or it
**may have been** (`AppendUnknownError`: read the log to find out).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from journal.errors import LogUnavailableError


class Record(NamedTuple):
    """One record as read from a log.

    Attributes:
        offset: Its place in the log.
        value: The bytes; b"" for a record without a value.
        epoch: Kafka's leader epoch, -1 where there is none.
    """

    offset: int
    value: bytes
    epoch: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a reader is: the next offset to read, and the leader epoch of the record before it."""

    offset: int
    epoch: int = -1


class AppendUnknownError(LogUnavailableError):
    """The record may or may not be in the log; reading to a fresh end offset tells."""

    code = "append_unknown"


class Reader(Protocol):
    """A cursor over a log; used by one thread at a time."""

    def read(self, *, timeout: float, limit: int = 1000) -> Sequence[Record]:
        """Next records in order, at most `limit`; waits up to `timeout` seconds for the first.

        An empty answer means only that nothing came in time: whoever must know that the end was
        reached compares with `Log.end_offset`.

        Raises:
            LogUnavailableError: The log cannot be reached.
            JournalReplacedError: The log no longer holds what this cursor had read (truncated, or
                made anew).
        """

    def position(self) -> int:
        """The offset after the last record this cursor has seen: every record below it was read.

        It may move without a record being returned (control records of a stranger's transaction).
        """

    def close(self) -> None:
        """Free what the cursor holds; closing twice is fine."""


class Log(Protocol):
    """One totally ordered log of byte strings."""

    def identity(self) -> str:
        """Changes if the log was deleted and made anew (Kafka topic id, database id).

        Raises:
            LogUnavailableError: The log cannot be reached.
            UnknownLedgerError: There is no such log.
        """

    def start_offset(self) -> int:
        """The first offset that can be read; above 0 the log has lost its beginning."""

    def end_offset(self) -> int:
        """The first offset not yet written: everything acknowledged before the call lies below it.

        One round trip; this is the read index of linearizable reads.
        """

    def reader(self, start: Position) -> Reader:
        """A cursor that starts at `start.offset`."""

    def append(self, value: bytes) -> int:
        """Write one record and return its offset; when it returns, the record is durable.

        Raises:
            LogUnavailableError: It was not written.
            AppendUnknownError: It may have been written.
        """

    def close(self) -> None:
        """Free what the log holds; closing twice is fine."""
