"""The port through which changes leave: what an exporter asks of a sink.

| | exactly once | where the position is |
| --- | --- | --- |
| Kafka (`streams.kafka.sink`) | yes, for readers with `read_committed` | in the batch's own transaction |
| file (`streams.files`) | yes, by the file's own last line | in the file |
| webhook (`streams.webhook`) | at least once; `Idempotency-Key` tells copies | in a file beside |
| standard output (`streams.files`) | at least once | nowhere: each run begins where it is told |
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from streams.planning import BlockSummary, RevisionChange
from streams.progress import Progress


class Tombstone(NamedTuple):
    """A document that is gone with its table."""

    table: str
    document_id: str


class Batch(NamedTuple):
    """Changes in order, of one strand, and the progress once they are delivered."""

    strand_id: bytes
    changes: Sequence[RevisionChange | BlockSummary]
    progress: Progress
    tables_changed: bool


class Sink(Protocol):
    """Where changes go. Used by one thread."""

    def open(self) -> Progress | None:
        """Take the sink over; how far it is, None where nothing was delivered yet.

        Raises:
            UnavailableError: Not now.
        """

    def deliver(self, batch: Batch) -> None:
        """Deliver a batch and note its progress; returns when both are durable.

        Raises:
            UnavailableError: Not now; `open` tells how far it got.
            ConflictError: Another exporter took over.
        """

    def deliver_state(self, items: Iterable[RevisionChange | Tombstone]) -> None:
        """Bring `current` in line where a table was dropped or came back; repeating it is harmless."""

    def close(self) -> None:
        """Free what is held; closing twice is fine."""
