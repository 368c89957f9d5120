"""What a ledger's proofs look like to programs: checkpoints and receipts."""

import datetime
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from indelible.client.state import checked_path
from indelible.client.transport import BlockAddress
from journal import document
from journal.block import document_of
from journal.codec import (
    BlockHeader,
    DecodeError,
    RevisionEntry,
    TransactionEntry,
    decode_body,
    decode_header,
)
from journal.errors import ConfigurationError, InputError, InvalidDocumentError, ProofRejectedError
from journal.hashing import leaf_hash
from journal.ids import id_text
from journal.values import Value
from verifier import receipt as receipts
from verifier.checkpoint import WitnessPolicy
from verifier.receipt import read_receipt, verify_receipt

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed statement of the ledger: this many blocks, this root. Verified by whoever gave it.

    Attributes:
        note: The C2SP signed note, verbatim; `str(checkpoint)` is the same.
        origin: Whose: `<prefix>/<ledger>/<strand id>`, also the name of the key.
        tree_size: Number of blocks.
        root_hash: 32 bytes, the root of the Merkle tree over them.
        key: The public key (vkey) that signed it.
        key_chain: Rotation notes that lead from the ledger's first key to that one.
    """

    note: str
    origin: str
    tree_size: int
    root_hash: bytes
    key: str
    key_chain: Sequence[str] = field(default=(), repr=False)

    def __str__(self) -> str:
        return self.note


class Receipt:
    """What proves that a revision, or a transaction, is in the ledger.

    Its facts are read from the bytes that are proven; they are true once `verify` has returned.
    """

    def __init__(
        self,
        data: receipts.Receipt,
        check: Callable[[receipts.Receipt], None] | None = None,
        policy: WitnessPolicy | None = None,
    ) -> None:
        """Hold a receipt; `check` verifies it against what this client knows of the ledger."""
        self.data = data
        self._check, self._policy = check, policy
        try:
            self._header: BlockHeader = decode_header(data.header)
            self._body = decode_body(data.entry_body)
        except DecodeError as error:
            raise ProofRejectedError(f"not a receipt: {error}") from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a receipt from a file.

        Raises:
            InputError: The file cannot be read.
            ProofRejectedError: It holds no receipt.
        """
        place = checked_path(path, "a receipt's file")
        try:
            with place.open("rb") as file:
                data = file.read(receipts.RECEIPT_SIZE_MAX + 1)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        return cls(read_receipt(data))

    def verify(self, key: str | None = None, *, policy: WitnessPolicy | None = None) -> None:
        """Check everything that the receipt claims; see `verifier.receipt.verify_receipt`.

        Args:
            key: The ledger's public key (vkey); offline then. Without it the ledger that gave the
                receipt is asked for proof that it still is the one seen before.
            policy: Witnesses that must have signed; only with `key`. Default: those that the ledger was
                connected with.

        Raises:
            ProofRejectedError: The receipt proves nothing; the message names the step.
            InconsistentCheckpointError: The ledger has shown another past before.
            InputError: The receipt comes from a file, and no key was given; or a policy without a key.
        """
        if key is not None:
            if not isinstance(key, str):
                raise InputError(f"a verifier key is a string, not a {type(key).__name__}")
            verify_receipt(self.data, key, policy=policy or self._policy)
        elif policy is not None:
            raise InputError(
                "witnesses are asked for, but no key is given",
                hint="give the ledger's key as well, or name the witnesses to `connect`",
            )
        elif self._check is None:
            raise InputError(
                "a receipt from a file proves nothing without a key",
                hint="give the ledger's public key: receipt.verify(key=...)",
            )
        else:
            self._check(self.data)

    def to_json(self) -> dict[str, Any]:
        """The receipt as JSON values (docs/formats/receipt.md)."""
        return self.data.to_json()

    def save(self, path: str | Path) -> None:
        """Write the receipt to a file, as JSON.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        place = checked_path(path, "a receipt's file")
        try:
            place.write_bytes(self.data.to_bytes())
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error

    @property
    def kind(self) -> str:
        """`revision` or `transaction`."""
        return self.data.kind

    @property
    def block_address(self) -> BlockAddress:
        """Of the block that holds it."""
        return BlockAddress(id_text(self._header.strand_id), self._header.sequence_number)

    @property
    def timestamp(self) -> datetime.datetime:
        """When the block was built, in UTC."""
        return _EPOCH + datetime.timedelta(microseconds=self._header.timestamp)

    @property
    def transaction_id(self) -> str:
        """Of the transaction that wrote it."""
        return id_text(self._body.transaction_id)

    @property
    def checkpoint(self) -> str:
        """The checkpoint that it leads to, as a signed note."""
        return self.data.checkpoint

    @property
    def tree_size(self) -> int:
        """Blocks under that checkpoint."""
        return self.data.tree_size

    @property
    def document_id(self) -> str | None:
        """Of a revision's document; None for a transaction."""
        body = self._body
        return id_text(body.document_id) if isinstance(body, RevisionEntry) else None

    @property
    def table_id(self) -> str | None:
        """Of a revision's table; None for a transaction."""
        body = self._body
        return id_text(body.table_id) if isinstance(body, RevisionEntry) else None

    @property
    def version(self) -> int | None:
        """Of a revision, 0-based; None for a transaction."""
        return self._body.version if isinstance(self._body, RevisionEntry) else None

    @property
    def operation(self) -> str | None:
        """`INSERT`, `UPDATE` or `DELETE`; None for a transaction."""
        return self._body.operation.name if isinstance(self._body, RevisionEntry) else None

    @cached_property
    def document(self) -> Value:
        """The fields of a revision's document; None for a DELETE and for a transaction.

        Raises:
            ProofRejectedError: What stands there is no document.
        """
        if self.data.payload is None:
            return None
        try:
            return document.decode(document_of(self.data.payload))
        except InvalidDocumentError as error:
            raise ProofRejectedError(f"the receipt holds no document: {error.message}") from error

    @property
    def principal(self) -> str | None:
        """Who a transaction is by; None for a revision."""
        return self._body.principal if isinstance(self._body, TransactionEntry) else None

    @property
    def statements(self) -> Sequence[str]:
        """A transaction's statements without their literals; none for a revision."""
        return self._body.statements if isinstance(self._body, TransactionEntry) else ()

    @property
    def labels(self) -> Mapping[str, str]:
        """A transaction's labels; none for a revision."""
        return self._body.labels if isinstance(self._body, TransactionEntry) else {}

    @property
    def identifiers(self) -> Sequence[bytes]:
        """The 16 bytes by which it can be asked for."""
        body = self._body
        return (body.document_id,) if isinstance(body, RevisionEntry) else (body.transaction_id,)

    def row(self) -> dict[str, Value]:
        """A revision as committed views and `history` show it."""
        address = self.block_address
        row: dict[str, Value] = {
            "blockAddress": {
                "strandId": address.strand_id,
                "sequenceNo": address.sequence_number,
            },
            "hash": b64encode(leaf_hash(self.data.entry_body)).decode(),
        }
        if self.data.payload is not None:
            row["data"] = self.document
        row["metadata"] = {
            "id": self.document_id,
            "version": self.version,
            "txTime": self.timestamp,
            "txId": self.transaction_id,
        }
        return row

    def __repr__(self) -> str:
        what = self.transaction_id if self.document_id is None else self.document_id
        version = "" if self.version is None else f", version {self.version}"
        return f"<Receipt of {self.kind} {what}{version}, block {self._header.sequence_number}>"


def expect_row(receipt: Receipt, row: Any) -> None:
    """Compare a row that a query gave with the revision that its verified receipt proves.

    Raises:
        ProofRejectedError: They differ.
    """
    try:
        same = document.encode(row) == document.encode(receipt.row())
    except InvalidDocumentError:
        same = False
    if not same:
        raise ProofRejectedError(
            f"a row of the query is not the revision that its receipt proves: {receipt!r}",
            hint="the node that answers shows other data than the ledger has",
        )


def revision_of(row: Any) -> tuple[str, int]:
    """Document id and version of a row that ought to be a whole revision.

    Raises:
        ProofRejectedError: It is none.
    """
    metadata = row.get("metadata") if isinstance(row, dict) else None
    document_id = metadata.get("id") if isinstance(metadata, dict) else None
    version = metadata.get("version") if isinstance(metadata, dict) else None
    if not isinstance(document_id, str) or type(version) is not int:
        raise ProofRejectedError("a row of the query is no revision, so nothing proves it")
    return document_id, version
