"""What an audit reads from, and the part of it that needs no other block.

```
records [start, end) of the log -> scan each -> parts: what `linking` must know, keys: into sorted runs
```

A source is a picklable callable that opens a `journal.log.Log` for reading, so that each process has one
of its own. A `RangeReader` runs in any process, over any range of offsets, and gives back little more
than the hashes of the blocks it found.
"""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from journal.chain import Refused, check
from journal.codec import FrozenHeader
from journal.errors import JournalReplacedError, LogUnavailableError
from journal.log import Log, Position, Reader, Record
from verifier.audit.blocks import (
    REVISION_KEY_SIZE,
    TRANSACTION_KEY_SIZE,
    Scanned,
    SystemRevision,
    scan,
)
from verifier.audit.diagnosis import diagnose
from verifier.audit.runs import RUN_KEYS_MAX, RunWriter

Source = Callable[[], Log]
"""Opens the log for reading; picklable, called once in each process."""


class Segment(NamedTuple):
    """Records that are valid blocks, each the successor of the one before.

    If the first of them is accepted above some tip, so are all others.

    Attributes:
        strand_id, sequence_number, previous_block_hash: Of the first of them.
        offsets, timestamps: One for each.
        block_hashes: One for each, 32 bytes.
    """

    strand_id: bytes
    sequence_number: int
    previous_block_hash: bytes
    offsets: "array[int]"
    timestamps: "array[int]"
    block_hashes: list[bytes]


class Beginning(NamedTuple):
    """A valid block with sequence number 0, whole: a genesis, if its document is one."""

    record: Record


class Unfit(NamedTuple):
    """A record that is no valid block of this format. `frozen` is None where it is no block at all."""

    offset: int
    frozen: FrozenHeader | None
    detail: str


Part = Segment | Beginning | Unfit


class RangeResult(NamedTuple):
    """What there was in a range of offsets.

    Attributes:
        parts: In the order of the journal.
        system: Revisions of system tables, in that order.
        counts: Transactions and revisions of each valid block, by offset, where the block has not just
            one of each: `offset -> (transactions, revisions)`.
        size_bytes: Of all records.
        revision_runs, transaction_runs: Files of sorted keys that were finished meanwhile.
        next_offset: No record lies between the end of the range and it.
    """

    parts: list[Part]
    system: list[SystemRevision]
    counts: dict[int, tuple[int, int]]
    size_bytes: int
    revision_runs: list[Path]
    transaction_runs: list[Path]
    next_offset: int = 0


class RangeReader:
    """Reads and checks ranges of one log, in one process. Used by one thread."""

    def __init__(self, source: Source, folder: Path, name: str) -> None:
        """Open the log. `folder` gets the runs; `name` is this reader's own in it."""
        self._log = source()
        self._reader: Reader | None = None
        self._next_offset = 0
        self._revisions = RunWriter(folder, f"revisions-{name}", REVISION_KEY_SIZE)
        self._transactions = RunWriter(folder, f"transactions-{name}", TRANSACTION_KEY_SIZE)

    def read(self, start: int, end: int) -> RangeResult:
        """Check the records with offsets in `[start, end)`.

        Raises:
            LogUnavailableError: The log cannot be reached, or is silent before `end`.
            JournalReplacedError: The log no longer reaches `end`.
        """
        result = RangeResult([], [], {}, 0, [], [])
        parts = _Parts(result)
        size = 0
        revision_keys, transaction_keys = self._revisions.keys, self._transactions.keys
        for record in self._records(start, end):
            size += len(record.value)
            before = len(revision_keys), len(transaction_keys)
            scanned = scan(record.value, record.offset, revision_keys, transaction_keys)
            if scanned is None:
                del revision_keys[before[0] :], transaction_keys[before[1] :]
                parts.add_unfit(record)
                continue
            parts.add_block(record, scanned)
            counts = len(transaction_keys) - before[1], len(revision_keys) - before[0]
            if counts != (1, 1):
                result.counts[record.offset] = counts
            if len(revision_keys) >= RUN_KEYS_MAX or len(transaction_keys) >= RUN_KEYS_MAX:
                self._flush_into(result)
        return result._replace(size_bytes=size, next_offset=self._next_offset)

    def flush(self) -> RangeResult:
        """Write the keys that are still in memory: a result of an empty range."""
        result = RangeResult([], [], {}, 0, [], [])
        self._flush_into(result)
        return result

    def close(self) -> None:
        """Close the log."""
        if self._reader is not None:
            self._reader.close()
        self._log.close()

    def _flush_into(self, result: RangeResult) -> None:
        result.revision_runs.extend(self._revisions.flush())
        result.transaction_runs.extend(self._transactions.flush())

    def _records(self, start: int, end: int) -> Iterator[Record]:
        reader = self._reader
        if reader is None or reader.position() != start:
            if reader is not None:
                reader.close()
            reader = self._reader = self._log.reader(Position(offset=start))
        silent_reads, self._next_offset = 0, end
        while reader.position() < end:
            records = reader.read(timeout=_READ_TIMEOUT, limit=min(_READ_LIMIT, end - start))
            silent_reads = 0 if records else silent_reads + 1
            if silent_reads > _SILENT_READS_MAX:
                self._explain_silence(reader.position(), end)
            for record in records:
                if record.offset >= end:  # offsets may be far apart
                    self._next_offset = record.offset
                    break
                yield record

    def _explain_silence(self, position: int, end: int) -> None:
        if self._log.end_offset() < end:
            raise JournalReplacedError(
                f"the journal no longer reaches offset {end - 1}: it was cut"
            )
        raise LogUnavailableError(f"no record came although the journal goes on at {position}")


_READ_LIMIT: Final = 64
_READ_TIMEOUT: Final = 0.5
_SILENT_READS_MAX: Final = 20


class _Parts:
    """Puts blocks that follow each other into segments."""

    def __init__(self, result: RangeResult) -> None:
        self._result = result
        self._segment: Segment | None = None
        self._next = 0
        self._block_hash = b""
        self._timestamp = -1

    def add_block(self, record: Record, scanned: Scanned) -> None:
        header = scanned.header
        if scanned.system:
            self._result.system.extend(scanned.system)
        segment = self._segment
        if (
            segment is None
            or header.sequence_number != self._next
            or header.previous_block_hash != self._block_hash
            or header.timestamp <= self._timestamp
            or header.strand_id != segment.strand_id
        ):
            if header.sequence_number == 0:
                self._result.parts.append(Beginning(record))
                self._segment = None
                return
            segment = self._segment = Segment(
                header.strand_id,
                header.sequence_number,
                header.previous_block_hash,
                array("q"),
                array("q"),
                [],
            )
            self._result.parts.append(segment)
        segment.offsets.append(record.offset)
        segment.timestamps.append(header.timestamp)
        segment.block_hashes.append(scanned.block_hash)
        self._next = header.sequence_number + 1
        self._block_hash, self._timestamp = scanned.block_hash, header.timestamp

    def add_unfit(self, record: Record) -> None:
        checked = check(record)
        if isinstance(checked, Refused):
            self._result.parts.append(Unfit(record.offset, None, checked.detail))
        else:
            self._result.parts.append(
                Unfit(record.offset, checked.frozen, diagnose(record.value, checked.fault))
            )
        self._segment = None
