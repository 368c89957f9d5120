"""The follower: reads a log by the reader rule and folds what it accepts into a store.

```
log records -> check -> link(tip) -> Writes -> one SQLite transaction per batch -> readers see it
                          |
                          +-> ignored: counted by reason, the first of each reason logged
```

It is the only way by which a store learns of blocks that its own process did not build: at start, in a
replica, in a rebuild, and when a writer has to find out what became of its block.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from journal.ambient import SYSTEM_TIMER, Timer
from journal.chain import Accepted, Checked, Ignored, Origin, Tip, check, link
from journal.errors import (
    CorruptBlockError,
    JournalReplacedError,
    LedgerError,
    LogUnavailableError,
)
from journal.events import event_logger
from journal.log import Log, Position, Reader, Record
from materializer.apply import Writes, apply_block
from materializer.garbage import CollectionPaused
from materializer.store.store import Pin, Store

Progress = Callable[[int, int], None]
"""Called with (next offset to read, end offset) after each batch."""

BATCH_ENTRIES: Final = 10_000
"""A batch is committed when it has so many entries: large enough to sort, small enough to hold."""
_READ_LIMIT: Final = 500
_SILENCE_MAX: Final = 10.0
_REREAD_MAX: Final = 64

_log = event_logger("indelible.materializer")


class Follower:
    """Follows one log into one store. Used by one thread at a time.

    Attributes:
        position: Next offset to look at; everything below it is in the store or was ignored.
        ignored: How many records were ignored, by `journal.chain.Reason`.
    """

    def __init__(
        self,
        log: Log,
        store: Store,
        ledger_name: str,
        *,
        exclusive: bool,
        timer: Timer = SYSTEM_TIMER,
    ) -> None:
        """Check that store and log belong together.

        Args:
            log, store: What to follow, and where to.
            ledger_name: Whose genesis to look for.
            exclusive: The log has one writer and no strangers (file, memory): a record that is not
                accepted is damage, and stops the reader.
            timer: For giving up on a silent log.

        Raises:
            JournalReplacedError: The store was made from another log, or the log was cut.
        """
        self.position = 0
        self.ignored: Counter[str] = Counter()
        self._log_port, self._store, self._exclusive = log, store, exclusive
        self._ledger_name, self._timer = ledger_name, timer
        self._reader: Reader | None = None
        self._bind()

    def check_identity(self) -> None:
        """Ask the log whether it is still the one the store is bound to. One round trip.

        Raises:
            JournalReplacedError: It was deleted and made anew.
        """
        actual, expected = self._log_port.identity(), self._identity
        if actual != expected:
            raise JournalReplacedError(
                f"the journal's log is {actual}, but this store was made from {expected}",
                hint="the log was deleted and made anew; restore it, or move the store away",
            )

    def catch_up(self, end_offset: int, on_progress: Progress | None = None) -> None:
        """Apply everything below `end_offset`.

        Raises:
            BrokenLinkError, CorruptBlockError, UnsupportedError: The journal cannot be followed
                further; everything before that is in the store.
            JournalReplacedError: The log no longer holds what the store was made from.
            LogUnavailableError, StoreUnavailableError: Try again later.
        """
        if end_offset < self.position:
            raise JournalReplacedError(
                f"the journal ends at offset {end_offset}, but offset {self.position - 1} "
                "had been read: it was cut",
                hint="restore the journal; `indelible rebuild --accept-journal` gives up the rest",
            )
        self.position = max(self.position, self._store.offset + 1)
        silent_since = self._timer.monotonic()
        while self.position < end_offset:
            reader = self._open_reader()
            records = reader.read(timeout=0.5, limit=_READ_LIMIT)
            if records:
                self._fold(self._unseen(records))
                silent_since = self._timer.monotonic()
            self.position = max(self.position, reader.position())
            if not records and self._timer.monotonic() - silent_since > _SILENCE_MAX:
                raise LogUnavailableError(
                    f"no record came for {_SILENCE_MAX:.0f} s, although the journal ends at offset "
                    f"{end_offset} and was read to {self.position}"
                )
            if on_progress is not None:
                on_progress(self.position, end_offset)

    def advance(self, offset: int) -> None:
        """The writer appended its own block at `offset`, applied it, and nothing lies between."""
        self.position = offset + 1
        if self._reader is not None and self.position - self._reader.position() > _REREAD_MAX:
            self._close_reader()

    def close(self) -> None:
        """Close the cursor; closing twice is fine."""
        self._close_reader()

    def _bind(self) -> None:
        self._identity = self._log_port.identity()
        pin = self._store.pin()
        if pin is not None:
            pin.expect_ledger(self._ledger_name, self._store.path)
            actual, self._identity = self._identity, pin.log_identity
            if actual != pin.log_identity:
                self.check_identity()
        self._refuse_beheaded()
        if self._store.tip is not None:
            self._expect_tip(self._store.tip, self._store.offset)
        if pin is None:
            self._store.bind(
                Pin(ledger_name=self._ledger_name, strand_id=None, log_identity=self._identity)
            )

    def _refuse_beheaded(self) -> None:
        start = self._log_port.start_offset()
        if start > 0:
            raise JournalReplacedError(
                f"the journal begins at offset {start}: its beginning was deleted, "
                "so nothing can be proven or rebuilt from it",
                hint="restore the topic from a backup; keep retention.ms and retention.bytes at -1",
            )

    def _expect_tip(self, tip: Tip, offset: int) -> None:
        """The block at the tip's offset must still be the tip."""
        end = self._log_port.end_offset()
        if end <= offset:
            raise JournalReplacedError(
                f"the journal ends at offset {end}, before block {tip.sequence_number} "
                f"(offset {offset}) of this store: it was cut",
                hint="restore the journal; `indelible rebuild --accept-journal` gives up the rest",
            )
        self.position = offset
        reader = self._open_reader()
        deadline = self._timer.monotonic() + _SILENCE_MAX
        records: Sequence[Record] = ()
        while not records and reader.position() <= offset and self._timer.monotonic() < deadline:
            records = reader.read(timeout=0.5, limit=1)
        checked = check(records[0]) if records and records[0].offset == offset else None
        block = checked.block if isinstance(checked, Checked) else None
        if block is None or block.block_hash != tip.block_hash:
            raise JournalReplacedError(
                f"offset {offset} of the journal no longer holds block {tip.sequence_number}",
                hint="the journal was changed, or this store is another ledger's; "
                "`indelible rebuild` makes a new one, --accept-journal gives up this one's tip",
            )
        self.position = offset + 1

    def _open_reader(self) -> Reader:
        if self._reader is None:
            epoch = self._known_epoch()
            self._reader = self._log_port.reader(Position(offset=self.position, epoch=epoch))
        return self._reader

    def _known_epoch(self) -> int:
        """The leader epoch to begin with, -1 if there is none that surely belongs to the place.

        An older epoch than the place's would look as if the log had been truncated.
        """
        at_tip = self._store.epoch_of(self.position)
        return at_tip if at_tip >= 0 else self._store.epoch_of(self.position - 1)

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _unseen(self, records: Sequence[Record]) -> Sequence[Record]:
        """Without what the writer had applied itself."""
        if records[0].offset >= self.position:
            return records
        return [record for record in records if record.offset >= self.position]

    def _fold(self, records: Sequence[Record]) -> None:
        """Apply records in transactions of about `BATCH_ENTRIES` entries each."""
        start = 0
        while start < len(records):
            with CollectionPaused():
                accepted, end, failure = self._link(records, start)
                if end > start:
                    self._apply(accepted, records[end - 1])
            if failure is not None:
                self._close_reader()
                raise failure
            start = end

    def _link(
        self, records: Sequence[Record], start: int
    ) -> tuple[list[Accepted], int, LedgerError | None]:
        """The next blocks among `records[start:end]`, that end, and what stopped there. Pure."""
        tip: Tip | Origin = self._store.tip or self._origin()
        accepted: list[Accepted] = []
        entries = 0
        for index in range(start, len(records)):
            if entries >= BATCH_ENTRIES:
                return accepted, index, None
            try:
                outcome = link(tip, check(records[index]))
                if isinstance(outcome, Ignored):
                    self._ignore(outcome, tip)
            except LedgerError as error:
                return accepted, index, error
            if isinstance(outcome, Accepted):
                accepted.append(outcome)
                tip, entries = outcome.tip, entries + len(outcome.block.entries)
        return accepted, len(records), None

    def _apply(self, accepted: Sequence[Accepted], last: Record) -> None:
        """Put blocks into the store, all or none; everything up to `last` has been looked at.

        If one of them says what no correct writer says, those before it are kept.
        """
        store, writes = self._store, Writes(self._store)
        store.begin()
        try:
            for each in accepted:
                apply_block(writes, each.block, each.offset)
            writes.flush()
            store.set_last_read(last.offset, last.epoch)
            store.commit()
        except BaseException as error:
            store.rollback()
            self._close_reader()
            if isinstance(error, CorruptBlockError):
                good = [
                    each for each in accepted if each.tip.sequence_number < error.sequence_number
                ]
                if good and len(good) < len(accepted):
                    self._apply(good, Record(good[-1].offset, b""))
            raise
        self.position = last.offset + 1

    def _origin(self) -> Origin:
        pin = self._store.pin()
        return Origin(self._ledger_name, pin.strand_id if pin else None)

    def _ignore(self, ignored: Ignored, tip: Tip | Origin) -> None:
        if self._exclusive:
            raise CorruptBlockError(
                f"the record at offset {ignored.offset} is damaged: {ignored.detail}",
                sequence_number=tip.sequence_number + 1 if isinstance(tip, Tip) else 0,
            )
        self.ignored[ignored.reason] += 1
        if self.ignored[ignored.reason] == 1:
            _log.warning(
                "record ignored",
                reason=str(ignored.reason),
                detail=ignored.detail,
                offset=ignored.offset,
            )
