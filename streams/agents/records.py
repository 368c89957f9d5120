"""What agents are given, and what they hand on."""

from collections.abc import Mapping
from typing import Any, Final

import faust

from streams import records
from streams.records import OperationName, Position


class Placed(faust.Record, abstract=True):
    """A record that says where in the ledger it comes from; what `once` needs.

    Make the records that an agent forwards subclasses of this, and fill these three from the revision
    (`**revision.place`).

    Attributes:
        sequence_number, entry_index: Of the revision.
        lane: Within one lane, records come in the ledger's order: ledger, table and partition.
    """

    sequence_number: int
    entry_index: int
    lane: str

    @property
    def position(self) -> Position:
        """Where in the ledger it stands."""
        return Position(self.sequence_number, self.entry_index)

    @property
    def place(self) -> dict[str, Any]:
        """The fields of `Placed`, for a record that comes of this one."""
        return {
            "sequence_number": self.sequence_number,
            "entry_index": self.entry_index,
            "lane": self.lane,
        }


class Revision(Placed, serializer="json"):
    """One revision of a document. The fields are those of `streams.records.Revision`.

    Attributes:
        committed_at: UTC microseconds since 1970, whole milliseconds.
        document: In plain JSON values; None after a DELETE.
    """

    ledger: str
    table: str
    document_id: str
    version: int
    operation: OperationName
    transaction_id: str
    committed_at: int
    hash: str
    document: dict[str, Any] | None

    @classmethod
    def of(cls, revision: records.Revision, *, partition: int) -> "Revision":
        """The record of a revision that came through a partition of its topic."""
        return cls(
            ledger=revision.ledger,
            table=revision.table,
            document_id=revision.document_id,
            version=revision.version,
            sequence_number=revision.sequence_number,
            entry_index=revision.entry_index,
            lane=f"{revision.ledger}/{revision.table}/{partition}",
            operation=revision.operation,
            transaction_id=revision.transaction_id,
            committed_at=revision.committed_at,
            hash=revision.hash,
            document=revision.document,
        )


class Block(Placed, serializer="json"):
    """A block without its documents; a large one comes in parts, each with some of its revisions.

    Attributes:
        hash, previous_hash, entries_root: Base64 of 32 bytes.
        timestamp: UTC microseconds since 1970.
        part, parts: 0-based, and how many; `entry_index` is the part too.
        transactions: transaction_id, principal, statements, labels, revision_count; in part 0 only.
        revisions: table, document_id, version, operation, hash, entry_index.
    """

    ledger: str
    strand_id: str
    hash: str
    previous_hash: str
    entries_root: str
    entry_count: int
    timestamp: int
    part: int
    parts: int
    transactions: list[dict[str, Any]]
    revisions: list[dict[str, Any]]

    @classmethod
    def of_summary(cls, summary: Mapping[str, Any], *, partition: int) -> "Block":
        """The record of a summary that came through a partition of its topic.

        Raises:
            KeyError: A field is missing.
        """
        return cls(
            entry_index=summary["part"],
            lane=f"{summary['ledger']}//{partition}",
            **{name: summary[name] for name in _SUMMARY},
        )


_SUMMARY: Final = (
    "ledger", "strand_id", "sequence_number", "hash", "previous_hash", "entries_root", "entry_count",
    "timestamp", "part", "parts", "transactions", "revisions",
)  # fmt: skip
