"""Exports without processes: into a list, from a ledger's log."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Event

from indelible.client.addresses import parse_journal_address
from indelible.engine.journals import ledger_name_of, open_journal
from journal.log import Log
from streams.exporter import Export, Lag, run_export
from streams.planning import BlockSummary, RevisionChange
from streams.progress import Progress
from streams.sinks import Batch, Sink, Tombstone


@dataclass
class ListSink:
    """A sink that keeps what it gets.

    Attributes:
        changes, state: What was delivered.
        progress: Of the last batch.
        fail: Called before each delivery, with how many there were; may raise.
    """

    changes: list[RevisionChange] = field(default_factory=list)
    blocks: list[BlockSummary] = field(default_factory=list)
    state: list[RevisionChange | Tombstone] = field(default_factory=list)
    progress: Progress | None = None
    batches: int = 0
    fail: Callable[[int], None] = lambda _: None

    def open(self) -> Progress | None:
        return self.progress

    def deliver(self, batch: Batch) -> None:
        self.fail(self.batches)
        self.batches += 1
        for change in batch.changes:
            if isinstance(change, RevisionChange):
                self.changes.append(change)
            else:
                self.blocks.append(change)
        self.progress = batch.progress

    def deliver_state(self, items: Iterable[RevisionChange | Tombstone]) -> None:
        self.state += items

    def close(self) -> None:
        """Nothing is held."""


def export_once(url: str, sink: Sink, **options: object) -> None:
    """Export all there is."""
    address = parse_journal_address(url)
    export_log_once(lambda: open_journal(address), sink, ledger_name_of(address), **options)


def export_log_once(
    open_log: Callable[[], Log], sink: Sink, ledger: str, **options: object
) -> None:
    """Export all there is in a log."""

    def is_enough(lag: Lag) -> bool:
        return True

    settings = {"exclusive": True, "on_current": is_enough, **options}
    run_export(Export(open_log=open_log, sink=sink, ledger=ledger, **settings), Event())
