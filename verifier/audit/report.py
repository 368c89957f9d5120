"""What an audit found, when it found no fault."""

from dataclasses import dataclass
from typing import Any, Final

from journal.chain import Ignored
from journal.ids import id_text

NOT_ANCHORED: Final = 3
"""Exit code of an audit that found everything whole, but could not prove that it is everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A journal that is whole.

    Attributes:
        ledger_name, strand_id, origin: Which ledger; the origin is the name of its key.
        blocks, transactions, revisions, size_bytes: How much was checked; bytes of all records.
        end_offset: The log was read up to here.
        tip_hash, root_hash: Of the last block, and of the tree over all.
        first_timestamp, last_timestamp: Of the first and last block, UTC microseconds.
        key: The key that was pinned; "" if none was.
        current_key: The newest key that the journal names.
        key_rotations: How often the ledger's key was rotated.
        checkpoints: Tree sizes of the checkpoints that agree.
        anchored_blocks: The first so many blocks are anchored by a checkpoint.
        ignored: Records that are no part of the ledger, at most `linking.IGNORED_LISTED_MAX`.
        ignored_counts: How many there are, by reason.
    """

    ledger_name: str
    strand_id: bytes
    origin: str
    blocks: int
    transactions: int
    revisions: int
    size_bytes: int
    end_offset: int
    tip_hash: bytes
    root_hash: bytes
    first_timestamp: int
    last_timestamp: int
    key: str
    current_key: str
    key_rotations: int
    checkpoints: tuple[int, ...]
    anchored_blocks: int
    ignored: tuple[Ignored, ...]
    ignored_counts: dict[str, int]

    @property
    def key_pinned(self) -> bool:
        """Whether a key was given that the journal did not."""
        return bool(self.key)

    @property
    def anchored(self) -> bool:
        """Whether a checkpoint covers every block."""
        return self.anchored_blocks == self.blocks

    @property
    def proven(self) -> bool:
        """Whether everything is proven: whole, anchored to its last block, under a pinned key."""
        return self.key_pinned and self.anchored

    @property
    def exit_code(self) -> int:
        """0 if everything is proven, else `NOT_ANCHORED`."""
        return 0 if self.proven else NOT_ANCHORED

    @property
    def missing(self) -> tuple[str, ...]:
        """What keeps it from being proven, in sentences."""
        found = []
        if not self.key_pinned:
            found.append(
                "key not pinned: nothing but the journal itself says that this is the ledger's key"
            )
        if not self.anchored_blocks:
            found.append("tail not anchored: no checkpoint was given, so blocks may be missing")
        elif not self.anchored:
            found.append(
                f"tail not anchored: the newest checkpoint covers {self.anchored_blocks} of "
                f"{self.blocks} blocks"
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "ledger": self.ledger_name,
            "strandId": id_text(self.strand_id),
            "origin": self.origin,
            "proven": self.proven,
            "missing": list(self.missing),
            "blocks": self.blocks,
            "transactions": self.transactions,
            "revisions": self.revisions,
            "sizeBytes": self.size_bytes,
            "endOffset": self.end_offset,
            "tipHash": self.tip_hash.hex(),
            "rootHash": self.root_hash.hex(),
            "firstTimestamp": self.first_timestamp,
            "lastTimestamp": self.last_timestamp,
            "keyPinned": self.key_pinned,
            "key": self.current_key,
            "keyRotations": self.key_rotations,
            "checkpoints": list(self.checkpoints),
            "anchoredBlocks": self.anchored_blocks,
            "ignored": [
                {"offset": each.offset, "reason": str(each.reason), "detail": each.detail}
                for each in self.ignored
            ],
            "ignoredCounts": self.ignored_counts,
        }
