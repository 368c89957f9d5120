"""What a `Ledger` needs of whatever is behind it: one small protocol, and its data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Statement = tuple[str, Sequence[Any]]
"""A PartiQL text and its parameters."""


class BlockAddress(NamedTuple):
    """Where a transaction stands in the journal."""

    strand_id: str
    sequence_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a committed transaction gave.

    Attributes:
        transaction_id: 22 characters; repeating a call with it never commits twice.
        block_address: Of the block that holds it; None if it changed nothing.
        results: The rows of each statement, in order. Where the transaction had been committed
            before under the same id: one list, a `{documentId}` row for each changed document.
    """

    transaction_id: str
    block_address: BlockAddress | None
    results: Sequence[Sequence[Any]]

    @property
    def rows(self) -> Sequence[Any]:
        """The rows of the last statement."""
        return self.results[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStatus:
    """A ledger as seen by the process that answers.

    Attributes:
        tip: Address of the newest block applied to the state.
        tip_timestamp: Its time, UTC microseconds.
        tip_hash: 32 bytes.
        tree_size, root_hash: The ledger's Merkle tree over those blocks.
        log_offset: Next log offset to be read.
        ignored: Records of the log that are not part of the ledger, by reason, since the start.
    """

    name: str
    checkpoint_key: str
    tip: BlockAddress
    tip_timestamp: int
    tip_hash: bytes
    tree_size: int
    root_hash: bytes
    log_offset: int
    ignored: Mapping[str, int]


class SignedCheckpoint(NamedTuple):
    """A checkpoint as a ledger hands it out; nothing of it is verified yet.

    Attributes:
        note: C2SP signed note: origin, tree size, root hash, and who signed them.
        key_chain: Rotation notes, oldest first, that lead from the ledger's first key to the one that
            signed; empty while it has its first.
    """

    note: str
    key_chain: Sequence[str] = ()


class Transport(Protocol):
    """How requests reach a ledger: in this process, or over a network. Thread-safe.

    Proofs come as they are: whoever asked verifies them (`indelible.client.trust`).
    """

    def execute(
        self,
        statements: Sequence[Statement],
        *,
        labels: Mapping[str, str],
        transaction_id: bytes | None,
    ) -> Result:
        """Commit the statements as one transaction; durable when it returns."""

    def query(
        self, statement: str, parameters: Sequence[Any], *, whole_revisions: bool = False
    ) -> Iterator[Any]:
        """Rows of a query over everything acknowledged before the call.

        With `whole_revisions` a statement whose rows are anything else than whole revisions (`SELECT *`
        of one committed view or history) is an InputError, before anything is read.
        """

    def status(self) -> LedgerStatus:
        """The ledger now."""

    def checkpoint(self, *, witnessed: bool = False) -> SignedCheckpoint:
        """A signed checkpoint that covers everything acknowledged before the call.

        With `witnessed` the newest one that has cosignatures, which may cover less; UnsupportedError if
        there is none.
        """

    def receipt(
        self, identifier: bytes, version: int | None, *, witnessed: bool = False
    ) -> Mapping[str, Any]:
        """The receipt, as JSON values, of a transaction or of a revision of a document.

        Args:
            identifier: 16 bytes; of a transaction if there is one of this id and `version` is None.
            version: Of the document; None for its newest.
            witnessed: It leads to the newest checkpoint that has cosignatures; UnsupportedError if that
                does not cover the block.
        """

    def consistency(self, size_1: int, size_2: int) -> Sequence[bytes]:
        """The hashes (32 bytes each) that prove the tree of `size_1` blocks a prefix of `size_2`."""

    def cosign(self, note: str) -> SignedCheckpoint:
        """Keep a cosigned checkpoint, unless a larger one is; returns it with all its cosignatures."""

    def rotate_key(self) -> str:
        """Give the ledger a new signing key; returns its vkey."""

    def close(self) -> None:
        """Free what the transport holds; closing twice is fine."""
