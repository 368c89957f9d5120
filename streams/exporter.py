"""The exporter: follows a journal and hands what it says to a sink, in order, from where it was.

```
sink.open -> progress -> feed (behind the bookmark) -> planner -> batches -> sink.deliver
    ^                                                                            |
    +------ away: pause 0.1, 0.2 ... 5 s, ask anew how far it got ---------------+
```

It never writes to the journal and never slows a commit. While it catches up, a batch has about
`batch_changes` changes; at the end, one is sent at most every `PAUSE_SECONDS`, with all that came since.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Final

from journal.ambient import SYSTEM_TIMER, Clock, Timer, system_clock
from journal.block import Block
from journal.catalog import TableInfo
from journal.chain import Accepted
from journal.errors import UnavailableError
from journal.events import event_logger
from journal.ids import id_text
from journal.log import Log
from streams.feed import Feed
from streams.planning import (
    BlockSummary,
    Planner,
    RevisionChange,
    TableDropped,
    TableRestored,
    documents_of,
    revisions_at,
)
from streams.progress import Progress
from streams.records import Position
from streams.sinks import Batch, Sink, Tombstone

BATCH_CHANGES: Final = 5_000
BATCH_SIZE: Final = 8 * 2**20
"""Bytes of documents."""
PAUSE_SECONDS: Final = 0.045
_READ_SECONDS: Final = 0.2
_RETRY_MIN: Final = 0.1
_RETRY_MAX: Final = 5.0
_REPORT_SECONDS: Final = 10.0

_log = event_logger("indelible.streams")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far behind an exporter is.

    Attributes:
        position: Everything below it was delivered.
        records: Records of the journal that were not read yet; 0: up to date.
        seconds: Age of the newest delivered block, 0.0 if it is up to date.
        delivered: Revisions delivered since the start.
    """

    position: Position
    records: int
    seconds: float
    delivered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is exported, and where to.

    Attributes:
        open_log: Opens the journal; called again after a failure. The exporter closes it.
        sink: Where to; the exporter closes it.
        ledger: The ledger's name.
        exclusive: The journal has one writer and no strangers (file, export).
        tables: Names of those to export; None for all.
        from_block: Where a sink that has nothing yet begins.
        batch_changes: About so many changes in a batch while catching up.
        timer, clock: Time.
        on_current: Called when everything known was delivered; true ends the run.
        on_progress: Called with (offset read, offset of the end) while catching up.
    """

    open_log: Callable[[], Log]
    sink: Sink
    ledger: str
    exclusive: bool
    tables: frozenset[str] | None = None
    from_block: int = 0
    batch_changes: int = BATCH_CHANGES
    timer: Timer = SYSTEM_TIMER
    clock: Clock = system_clock
    on_current: Callable[[Lag], bool] = lambda _: False
    on_progress: Callable[[int, int], None] = lambda _position, _end: None


def run_export(export: Export, stop: Event) -> None:
    """Export until `stop` is set or `on_current` says so; the running batch is finished.

    Raises:
        ConflictError: Another exporter of this name took over.
        ConfigurationError, InputError: Something must be set up otherwise.
        IntegrityError: The journal is damaged, or not the one that was exported.
    """
    pause = _RETRY_MIN
    try:
        while not stop.is_set():
            delivered = _Delivered()
            try:
                if _run_once(export, delivered, stop):
                    return
            except UnavailableError as error:
                pause = _RETRY_MIN if delivered.batches else min(pause * 2, _RETRY_MAX)
                _log.warning("export pauses", reason=error.message, seconds=pause)
                stop.wait(pause)
    finally:
        export.sink.close()


class _Delivered:
    """What one session got done."""

    def __init__(self) -> None:
        self.batches = self.revisions = 0


def _run_once(export: Export, delivered: _Delivered, stop: Event) -> bool:
    log = export.open_log()
    try:
        progress = export.sink.open()
        session = _Session(export, log, progress, delivered)
        try:
            return session.run(stop)
        finally:
            session.close()
    finally:
        log.close()


class _Session:
    """From one `Sink.open` to the next."""

    def __init__(
        self, export: Export, log: Log, progress: Progress | None, delivered: _Delivered
    ) -> None:
        self._export, self._sink, self._delivered = export, export.sink, delivered
        self._start = Position(export.from_block, 0)
        bookmark = None
        if progress is not None:
            self._start, bookmark = progress.position, progress.bookmark
        self._feed = Feed(
            log, export.ledger, exclusive=export.exclusive, bookmark=bookmark, timer=export.timer
        )
        tables: Sequence[TableInfo] = ()
        if progress is not None and not self._feed.from_start:
            tables = progress.tables
        self._planner = Planner(export.ledger, tables=tables, chosen=export.tables)
        self._position = self._start
        self._last: Accepted | None = None
        self._tables = self._planner.catalog.tables
        self._saved_tables = self._tables if tables else None
        self._pending: list[RevisionChange | BlockSummary] = []
        self._pending_size = self._newest = 0
        self._strand_id = b""
        self._began = self._reported = export.timer.monotonic() - PAUSE_SECONDS

    def run(self, stop: Event) -> bool:
        """True when `on_current` ended it, false when `stop` was set."""
        end, current = self._feed.end(), False
        while not stop.is_set():
            current = current or self._feed.offset >= end
            if current and not self._pending and self._export.on_current(self._lag(0)):
                return True
            blocks = self._feed.read(timeout=self._patience(current=current))
            self._take(blocks)
            if not current:
                self._export.on_progress(self._feed.offset, end)
            if self._pending and (not blocks or current):
                self._deliver(self._position)
            self._report()
        return False

    def close(self) -> None:
        self._feed.close()

    def _patience(self, *, current: bool) -> float:
        """Seconds to wait for the next record; first lets some company gather for a batch."""
        if self._pending:
            return 0.005
        if current:
            wait = self._began + PAUSE_SECONDS - self._export.timer.monotonic()
            if wait > 0:
                self._export.timer.sleep(wait)
        return _READ_SECONDS

    def _take(self, blocks: Iterable[Accepted]) -> None:
        for accepted in blocks:
            self._strand_id, number = accepted.tip.strand_id, accepted.tip.sequence_number
            if number < self._start.sequence_number:
                self._planner.skip(accepted.block)
            else:
                first = self._start.entry_index if number == self._start.sequence_number else 0
                self._plan(accepted.block, first)
                self._position = Position(number + 1, 0)
            self._last = accepted
            self._tables = self._planner.catalog.tables
            if len(self._pending) >= self._export.batch_changes or self._pending_size >= BATCH_SIZE:
                self._deliver(self._position)

    def _plan(self, block: Block, first: int) -> None:
        for change in self._planner.changes(block, first):
            if type(change) is RevisionChange:
                self._pending_size += len(change.document)
                self._pending.append(change)
            elif isinstance(change, BlockSummary):
                self._pending.append(change)
            elif isinstance(change, TableDropped | TableRestored):
                self._deliver(change.position)
                self._sink.deliver_state(self._state_after(change))
        self._newest = block.header.timestamp

    def _deliver(self, position: Position) -> None:
        """Deliver what is pending; everything below `position` is then delivered."""
        self._began = self._export.timer.monotonic()
        if not self._pending:
            return
        tables_changed = self._tables is not self._saved_tables
        progress = Progress(
            position=position,
            bookmark=self._feed.bookmark(self._last),
            tables=tuple(self._tables.values()),
        )
        self._sink.deliver(Batch(self._strand_id, self._pending, progress, tables_changed))
        self._saved_tables = self._tables
        self._delivered.batches += 1
        self._delivered.revisions += sum(type(each) is RevisionChange for each in self._pending)
        self._pending, self._pending_size = [], 0

    def _state_after(
        self, change: TableDropped | TableRestored
    ) -> Iterator[RevisionChange | Tombstone]:
        """What `current` needs to be told; one or two passes over the journal."""
        last = change.position.sequence_number + 1
        blocks = (accepted.block for accepted in self._feed.blocks_before(last))
        found = documents_of(blocks, change.table_id, change.position)
        if isinstance(change, TableDropped):
            return (Tombstone(change.table, id_text(document_id)) for document_id in found)
        again = (accepted.block for accepted in self._feed.blocks_before(last))
        return revisions_at(again, found, change.table)

    def _report(self) -> None:
        """A line in the log now and then."""
        now = self._export.timer.monotonic()
        if now - self._reported < _REPORT_SECONDS:
            return
        self._reported = now
        lag = self._lag(self._feed.lag())
        _log.info(
            "exporting",
            block=lag.position.sequence_number - 1,
            lag_records=lag.records,
            lag_seconds=round(lag.seconds, 3),
            revisions=lag.delivered,
        )

    def _lag(self, records: int) -> Lag:
        age = max(0, self._export.clock() - self._newest) / 1e6 if records and self._newest else 0.0
        return Lag(
            position=self._position,
            records=records,
            seconds=age,
            delivered=self._delivered.revisions,
        )
