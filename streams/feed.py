"""Follows a journal by the reader rule, from where an exporter was.

```
bookmark: strand, last block, its hash, its offset          the block at that offset must still have that
     |                                                       hash: then reading goes on behind it
     v
log records -> check -> link(tip) -> accepted blocks, in order
```

Without a bookmark, or where the journal is another copy (a mirror, an export) in which the block lies at
another offset, the journal is read from its beginning.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from journal.ambient import SYSTEM_TIMER, Timer
from journal.chain import Accepted, Checked, Ignored, Origin, Tip, check, link
from journal.errors import (
    CorruptBlockError,
    JournalReplacedError,
    LogUnavailableError,
)
from journal.events import event_logger
from journal.ids import id_text, parse_id
from journal.log import Log, Position, Reader

_READ_LIMIT: Final = 500
_SILENCE_MAX: Final = 10.0

_log = event_logger("indelible.streams")


class Bookmark(NamedTuple):
    """The last block that was looked at, and where it lies in the log.

    Attributes:
        strand_id: 16 bytes.
        sequence_number, block_hash, timestamp: Of the block.
        offset, epoch: Of its record.
    """

    strand_id: bytes
    sequence_number: int
    block_hash: bytes
    timestamp: int
    offset: int
    epoch: int

    @property
    def tip(self) -> Tip:
        """What the next block links to."""
        return Tip(self.strand_id, self.sequence_number, self.block_hash, self.timestamp)

    def to_json(self) -> dict[str, Any]:
        """For a progress record."""
        return {
            "strand_id": id_text(self.strand_id),
            "sequence_number": self.sequence_number,
            "hash": self.block_hash.hex(),
            "timestamp": self.timestamp,
            "offset": self.offset,
            "epoch": self.epoch,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Bookmark":
        """Inverse of `to_json`."""
        return cls(
            strand_id=parse_id(value["strand_id"]),
            sequence_number=value["sequence_number"],
            block_hash=bytes.fromhex(value["hash"]),
            timestamp=value["timestamp"],
            offset=value["offset"],
            epoch=value["epoch"],
        )


class Feed:
    """The accepted blocks of one log. For one thread.

    Attributes:
        from_start: Whether reading began at the journal's beginning.
        ignored: How many records were ignored, by `journal.chain.Reason`.
    """

    def __init__(
        self,
        log: Log,
        ledger_name: str,
        *,
        exclusive: bool,
        bookmark: Bookmark | None = None,
        timer: Timer = SYSTEM_TIMER,
    ) -> None:
        """Find the place.

        Args:
            log: The journal.
            ledger_name: Whose genesis to look for.
            exclusive: The log has one writer and no strangers: a record that is not accepted is damage.
            bookmark: Where an earlier feed was.
            timer: For giving up on a silent log.

        Raises:
            JournalReplacedError: The journal has lost its beginning or the bookmark's block.
            LogUnavailableError: It cannot be reached.
        """
        self.ignored: Counter[str] = Counter()
        self._epoch = -1
        self._last: Accepted | None = None
        self._began_at: Bookmark | None = None
        self._log, self._exclusive, self._timer = log, exclusive, timer
        self._ledger_name = ledger_name
        self._tip: Tip | Origin = Origin(ledger_name)
        self._reader: Reader | None = None
        self._awaited: Bookmark | None = None
        self.from_start = bookmark is None or not self._is_at(bookmark)
        if bookmark is not None and not self.from_start:
            self._began_at, self._tip = bookmark, bookmark.tip
            self._reader = log.reader(Position(offset=bookmark.offset + 1, epoch=bookmark.epoch))
        else:
            self._awaited = bookmark
            self._reader = self._reader_from_start()

    def read(self, *, timeout: float) -> Sequence[Accepted]:
        """The next blocks, after up to `timeout` seconds; none is no sign of the end.

        Raises:
            BrokenLinkError, CorruptBlockError, UnsupportedError: The journal cannot be followed further.
            JournalReplacedError: It is not the one that the bookmark was made from.
            LogUnavailableError: It cannot be reached.
        """
        assert self._reader is not None
        accepted: list[Accepted] = []
        for record in self._reader.read(timeout=timeout, limit=_READ_LIMIT):
            outcome = link(self._tip, check(record))
            if isinstance(outcome, Ignored):
                self._ignore(outcome)
                continue
            self._tip, self._last, self._epoch = outcome.tip, outcome, record.epoch
            if self._awaited is not None:
                self._compare(self._awaited, outcome.tip)
            accepted.append(outcome)
        return accepted

    def lag(self) -> int:
        """How many records of the log were not read yet. One round trip."""
        assert self._reader is not None
        return max(0, self._log.end_offset() - self._reader.position())

    def end(self) -> int:
        """The offset at which the log ends now. One round trip."""
        return self._log.end_offset()

    @property
    def offset(self) -> int:
        """Everything below was read."""
        assert self._reader is not None
        return self._reader.position()

    def bookmark(self, accepted: Accepted | None) -> Bookmark | None:
        """That of a block just read; None for the place where reading began.

        Only the last block read has its epoch in it: for others it may be a later one's.
        """
        if accepted is None:
            return self._began_at
        tip, epoch = accepted.tip, self._epoch if accepted is self._last else -1
        return Bookmark(
            strand_id=tip.strand_id,
            sequence_number=tip.sequence_number,
            block_hash=tip.block_hash,
            timestamp=tip.timestamp,
            offset=accepted.offset,
            epoch=epoch,
        )

    def blocks_before(self, sequence_number: int) -> Iterator[Accepted]:
        """All blocks below a height that was reached, read once more, with a cursor of their own.

        Raises:
            LogUnavailableError: The log is silent before that height.
        """
        tip: Tip | Origin = Origin(self._ledger_name, self._tip.strand_id)
        reader = self._reader_from_start()
        heard = self._timer.monotonic()
        try:
            while True:
                records = reader.read(timeout=0.5, limit=_READ_LIMIT)
                if records:
                    heard = self._timer.monotonic()
                elif self._timer.monotonic() - heard > _SILENCE_MAX:
                    raise LogUnavailableError(
                        f"the journal is silent before block {sequence_number}"
                    )
                for record in records:
                    outcome = link(tip, check(record))
                    if isinstance(outcome, Ignored):
                        continue
                    tip = outcome.tip
                    yield outcome
                    if tip.sequence_number + 1 >= sequence_number:
                        return
        finally:
            reader.close()

    def close(self) -> None:
        """Close the cursor; closing twice is fine."""
        if self._reader is not None:
            self._reader.close()

    def _reader_from_start(self) -> Reader:
        start = self._log.start_offset()
        if start > 0:
            raise JournalReplacedError(
                f"the journal begins at offset {start}: its beginning was deleted",
                hint="restore the topic from a backup; keep retention.ms and retention.bytes at -1",
            )
        return self._log.reader(Position(offset=0))

    def _is_at(self, bookmark: Bookmark) -> bool:
        """Whether the bookmark's block is at the bookmark's offset."""
        if self._log.end_offset() <= bookmark.offset:
            return False
        reader = self._log.reader(Position(offset=bookmark.offset, epoch=bookmark.epoch))
        deadline = self._timer.monotonic() + _SILENCE_MAX
        try:
            while True:
                records = reader.read(timeout=0.5, limit=1)
                if records or reader.position() > bookmark.offset:
                    break
                if self._timer.monotonic() > deadline:
                    raise LogUnavailableError(
                        f"no record came from offset {bookmark.offset} of the journal"
                    )
        finally:
            reader.close()
        if not records or records[0].offset != bookmark.offset:
            return False
        checked = check(records[0])
        return (
            isinstance(checked, Checked)
            and checked.block is not None
            and checked.block.block_hash == bookmark.block_hash
        )

    def _compare(self, awaited: Bookmark, found: Tip) -> None:
        if found.sequence_number < awaited.sequence_number:
            return
        if found.block_hash != awaited.block_hash:
            raise JournalReplacedError(
                f"block {awaited.sequence_number} of this journal is not the one up to which was "
                "exported",
                hint="this is another ledger, or its past was changed; export it under another --name",
            )
        self._awaited = None

    def _ignore(self, ignored: Ignored) -> None:
        if self._exclusive:
            height = self._tip.sequence_number + 1 if isinstance(self._tip, Tip) else 0
            raise CorruptBlockError(
                f"the record at offset {ignored.offset} is damaged: {ignored.detail}",
                sequence_number=height,
            )
        self.ignored[ignored.reason] += 1
        if self.ignored[ignored.reason] == 1:
            _log.warning(
                "record ignored",
                reason=str(ignored.reason),
                detail=ignored.detail,
                offset=ignored.offset,
            )
