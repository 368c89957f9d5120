"""How far an exporter is, and all it needs to go on from there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journal.catalog import TableInfo
from streams.feed import Bookmark
from streams.records import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A place in a ledger, and what was known there.

    Attributes:
        position: Everything below it was delivered.
        bookmark: The last block that was delivered in full; None before the first.
        tables: As of the bookmark, dropped ones included.
    """

    position: Position
    bookmark: Bookmark | None
    tables: Sequence[TableInfo]

    def to_json(self) -> dict[str, Any]:
        """Without the tables."""
        return {
            "sequence_number": self.position.sequence_number,
            "entry_index": self.position.entry_index,
            "block": None if self.bookmark is None else self.bookmark.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], tables: Sequence[TableInfo]) -> "Progress":
        """Inverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: Not one.
        """
        block = value["block"]
        return cls(
            position=Position(int(value["sequence_number"]), int(value["entry_index"])),
            bookmark=None if block is None else Bookmark.from_json(block),
            tables=tables,
        )
