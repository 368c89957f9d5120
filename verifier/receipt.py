"""Receipts: what proves that a revision, or a transaction, is in a ledger; nobody has to be asked.

```
payload --SHA-256--> payload_hash in body --leaf, inner proof--> entries_root in header
   (1)                                             (2)               |
                                                                     | leaf, ledger proof  (3)
public key --signature--> checkpoint: origin, tree size, root <------+
                (4)                (5) origin ends in the header's strand id
```

A receipt is these byte strings and the hashes in between, as JSON that a person can read as well
(docs/formats/receipt.md). All that is readable in it, the document and ids and times, says the same thing
a second time: it is derived from the bytes and compared, so it is true if the receipt verifies.

Source: RFC 6962 section 2.1.1 for the proofs, C2SP tlog-checkpoint for the signed tree.
"""

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from journal.block import DOCUMENT_SIZE_MAX, TIMESTAMP_MAX, document_of
from journal.codec import (
    FORMAT_VERSION,
    BlockHeader,
    DecodeError,
    Entry,
    EntryBody,
    Operation,
    RevisionEntry,
    TransactionEntry,
    decode_body,
    decode_header,
)
from journal.document import is_canonical
from journal.errors import InputError, LedgerError, ProofRejectedError
from journal.hashing import leaf_hash
from journal.ids import id_text
from journal.values import timestamp_text
from verifier.checkpoint import Checkpoint, WitnessPolicy, open_checkpoint
from verifier.encoding import NUMBER_MAX, read_json_object, shown, write_base64
from verifier.fields import Fields, is_same
from verifier.merkle import verify_inclusion
from verifier.rotation import CHAIN_LENGTH_MAX, current_key

FORMAT: Final = "indelible-receipt/1"
RECEIPT_SIZE_MAX: Final = 64 * 1024 * 1024
"""Most bytes in a receipt's text; the largest entry that fits a block takes 60 million."""
PROOF_LENGTH_MAX: Final = 64
"""Most hashes in a proof: trees have less than 2^63 leaves."""

REVISION: Final = "revision"
TRANSACTION: Final = "transaction"

STEPS: Final = (
    "form",
    "payload",
    "entry in the block",
    "block in the ledger",
    "checkpoint",
    "what is readable",
)
"""The names of the steps of `verify_receipt`, (0) to (5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A revision or a transaction entry, and what leads from it to a signed checkpoint.

    Attributes:
        kind: "revision" or "transaction".
        entry_body: The entry as hashed into its block.
        payload: Salt and document of an INSERT or UPDATE; None where there is none, or it was left out.
        entry_index, entry_count: Which entry of the block's, 0-based, and of how many.
        entry_proof: Hashes of 32 bytes from the entry's leaf to the header's `entries_root`.
        header: The block's header bytes, the leaf of the ledger's tree.
        block_index: The leaf's index: the block's sequence number.
        tree_size: How many blocks the checkpoint covers.
        ledger_proof: Hashes of 32 bytes from the header's leaf to the checkpoint's root.
        checkpoint: The signed note, with all its signature lines.
        key_chain: Rotation notes, oldest first; empty while the ledger has its first key.
    """

    kind: str
    entry_body: bytes
    payload: bytes | None
    entry_index: int
    entry_count: int
    entry_proof: tuple[bytes, ...]
    header: bytes
    block_index: int
    tree_size: int
    ledger_proof: tuple[bytes, ...]
    checkpoint: str
    key_chain: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The receipt as values of JSON, what is readable included. Inverse of `read_receipt`.

        Raises:
            ProofRejectedError: Header, entry or document cannot be read.
        """
        header, content = _decode(self)
        entry: dict[str, Any] = {"body": write_base64(self.entry_body)}
        if self.payload is not None:
            entry["payload"] = write_base64(self.payload)
        entry |= {
            "index": self.entry_index,
            "count": self.entry_count,
            "proof": list(map(write_base64, self.entry_proof)),
        }
        value = {
            "format": FORMAT,
            "kind": self.kind,
            **_readable(header, content, self.payload),
            "entry": entry,
            "header": write_base64(self.header),
            "ledger": {
                "index": self.block_index,
                "tree_size": self.tree_size,
                "proof": list(map(write_base64, self.ledger_proof)),
            },
            "checkpoint": self.checkpoint,
        }
        if self.key_chain:
            value["key_chain"] = list(self.key_chain)
        return value

    def to_bytes(self) -> bytes:
        """The receipt as a JSON text in UTF-8, one field a line.

        Raises:
            ProofRejectedError: Header, entry or document cannot be read.
        """
        lines = [f'"{name}": {_compact(value)}' for name, value in self.to_json().items()]
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def build_receipt(
    *,
    header: bytes,
    entry: Entry,
    entry_index: int,
    entry_proof: Sequence[bytes],
    tree_size: int,
    ledger_proof: Sequence[bytes],
    checkpoint: str,
    key_chain: Sequence[str] = (),
) -> Receipt:
    """Put a receipt together; does not verify it. Kind, entry count and leaf index follow from the bytes.

    Raises:
        InputError: Header or body are none.
    """
    try:
        block, content = decode_header(header), decode_body(entry.body)
    except DecodeError as error:
        raise InputError(f"no receipt can be made of these bytes: {error}") from error
    return Receipt(
        kind=_kind_of(content),
        entry_body=entry.body,
        payload=entry.payload or None,
        entry_index=entry_index,
        entry_count=block.entry_count,
        entry_proof=tuple(entry_proof),
        header=header,
        block_index=block.sequence_number,
        tree_size=tree_size,
        ledger_proof=tuple(ledger_proof),
        checkpoint=checkpoint,
        key_chain=tuple(key_chain),
    )


def read_receipt(data: Mapping[str, Any] | bytes | str) -> Receipt:
    """Read a receipt's JSON, as a text or as its values. Proves nothing yet: `verify_receipt` does.

    Refused are unknown, missing and doubled fields, values of another type, other spellings of base64,
    and readable fields that say something else than the bytes.

    Raises:
        ProofRejectedError: No receipt (step 0), no document (1), or its fields disagree with its
            bytes (5).
    """
    with _step(0):
        value = data
        if isinstance(value, str | bytes):
            value = read_json_object(value, "the receipt", RECEIPT_SIZE_MAX)
        receipt = _parse(Fields.of(value, "the receipt"))
        _, content = _decode(receipt)
    with _step(1):
        _check_payload(receipt.payload, content, required=False)
    with _step(5):
        _compare(receipt.to_json(), value)
    return receipt


def verify_receipt(
    receipt: Receipt | Mapping[str, Any] | bytes | str,
    public_key: str,
    *,
    require_payload: bool = True,
    policy: WitnessPolicy | None = None,
) -> None:
    """Check that what a receipt shows is in the ledger whose key this is.

    (0) The receipt is well-formed: header and entry are canonical bytes, numbers have their bounds.
    (1) The payload hashes to the entry's payload_hash, and holds canonical bytes of a document. A DELETE
        and a transaction have no payload, an INSERT or UPDATE has one (or lacks it, if that is allowed).
    (2) The entry is included under the entries_root of the header, at its index of entry_count.
    (3) The header is included under the checkpoint's root, at the index that is its sequence number.
    (4) The checkpoint is signed for its origin by the key, or by the one that the key chain leads to, and
        by as many witnesses as the policy asks for.
    (5) The checkpoint's origin names the header's strand; whatever is readable agrees with the bytes.

    (4) is done before (3), because a checkpoint's root is nothing before its signature was verified. Says
    nothing about later revisions. Costs two signatures at most for each note, and one hash for
    each hash of the proofs.

    Args:
        receipt: As an object, or its JSON.
        public_key: A verifier key (vkey) that the caller knows from elsewhere than this receipt.
        require_payload: Whether an INSERT or UPDATE without its payload is refused.
        policy: Witnesses whose cosignatures the checkpoint must have.

    Raises:
        ProofRejectedError: The receipt proves nothing; the text names the step.
        InputError: `public_key` or a key of the policy is none.
    """
    if not isinstance(receipt, Receipt):
        receipt = read_receipt(receipt)  # (0), and the readable half of (5)
    with _step(0):
        header, content = _decode(receipt)
        _check_bounds(receipt)
    with _step(1):
        _check_payload(receipt.payload, content, required=require_payload)
    with _step(2):
        _check_entry(receipt, header)
    with _step(4):
        checkpoint = _open(receipt, public_key, policy)
    with _step(3):
        _check_block(receipt, header, checkpoint)
    with _step(5):
        _check_strand(receipt, header, content, checkpoint)


@contextmanager
def _step(number: int) -> Iterator[None]:
    """Give a refusal the number and name of its step."""
    try:
        yield
    except ProofRejectedError as error:
        raise ProofRejectedError(
            f"receipt refused in step ({number}), {STEPS[number]}: {error.message}",
            hint=error.hint,
        ) from error


def _decode(receipt: Receipt) -> tuple[BlockHeader, EntryBody]:
    try:
        header = decode_header(receipt.header)
    except DecodeError as error:
        raise ProofRejectedError(f"the header is not one of a block: {error}") from error
    if header.format_version != FORMAT_VERSION:
        raise ProofRejectedError(
            f"the block has format version {header.format_version}; "
            f"this release reads {FORMAT_VERSION}",
            hint="verify it with a later release",
        )
    if not 0 <= header.timestamp <= TIMESTAMP_MAX:
        raise ProofRejectedError(f"the header's timestamp is {header.timestamp}")
    try:
        return header, decode_body(receipt.entry_body)
    except DecodeError as error:
        raise ProofRejectedError(f"the body is not one of an entry: {error}") from error


def _check_bounds(receipt: Receipt) -> None:
    for name, index, count in (
        ("entry", receipt.entry_index, receipt.entry_count),
        ("block", receipt.block_index, receipt.tree_size),
    ):
        if not 0 <= index < count <= NUMBER_MAX:
            raise ProofRejectedError(f"{name} {index} of {count}")
    for proof in (receipt.entry_proof, receipt.ledger_proof):
        _check_proof(proof)
    if len(receipt.key_chain) > CHAIN_LENGTH_MAX:
        raise ProofRejectedError(f"a key chain of more than {CHAIN_LENGTH_MAX} notes")


def _check_proof(proof: Sequence[bytes]) -> None:
    if len(proof) > PROOF_LENGTH_MAX:
        raise ProofRejectedError(f"a proof of more than {PROOF_LENGTH_MAX} hashes")
    if any(len(node) != 32 for node in proof):
        raise ProofRejectedError("a hash of a proof has another size than 32 bytes")


def _check_payload(payload: bytes | None, content: EntryBody, *, required: bool) -> None:
    if isinstance(content, TransactionEntry):
        if payload is not None:
            raise ProofRejectedError("a transaction entry has no payload")
        return
    if (content.payload_hash is None) != (content.operation is Operation.DELETE):
        raise ProofRejectedError("a payload hash goes with an INSERT or UPDATE, and only with them")
    if content.payload_hash is None:
        if payload is not None:
            raise ProofRejectedError("a DELETE has no payload")
        return
    if payload is None:
        if required:
            raise ProofRejectedError(
                "the payload was left out",
                hint="without it the receipt proves only that some document with this hash was "
                "written; to accept that, do not require the payload",
            )
        return
    if sha256(payload).digest() != content.payload_hash:
        raise ProofRejectedError("payload_hash is not the hash of the payload")
    _document_in(payload)


def _document_in(payload: bytes) -> dict[str, Any]:
    """The document as JSON, its tags left as they are."""
    data = document_of(payload)
    value = read_json_object(data, "the payload's document", DOCUMENT_SIZE_MAX)
    try:
        canonical = is_canonical(data)
    except LedgerError:  # more values than a document may have
        canonical = False
    if not canonical:
        raise ProofRejectedError("the payload's document is not in canonical form")
    return value


def _check_entry(receipt: Receipt, header: BlockHeader) -> None:
    if receipt.entry_count != header.entry_count:
        raise ProofRejectedError(
            f"entry_count is {receipt.entry_count}, but the header's is {header.entry_count}"
        )
    verify_inclusion(
        leaf_hash(receipt.entry_body),
        receipt.entry_index,
        header.entry_count,
        receipt.entry_proof,
        header.entries_root,
    )


def _open(receipt: Receipt, public_key: str, policy: WitnessPolicy | None) -> Checkpoint:
    key = current_key(public_key, receipt.key_chain)
    return open_checkpoint(receipt.checkpoint, key, policy=policy)


def _check_block(receipt: Receipt, header: BlockHeader, checkpoint: Checkpoint) -> None:
    if receipt.block_index != header.sequence_number:
        raise ProofRejectedError(
            f"the leaf's index is {receipt.block_index}, "
            f"but the header is that of block {header.sequence_number}"
        )
    if receipt.tree_size != checkpoint.tree_size:
        raise ProofRejectedError(
            f"the proof is for a tree of {receipt.tree_size}, "
            f"but the checkpoint is of {checkpoint.tree_size}"
        )
    verify_inclusion(
        leaf_hash(receipt.header),
        receipt.block_index,
        checkpoint.tree_size,
        receipt.ledger_proof,
        checkpoint.root_hash,
    )


def _check_strand(
    receipt: Receipt, header: BlockHeader, content: EntryBody, checkpoint: Checkpoint
) -> None:
    if receipt.kind != _kind_of(content):
        raise ProofRejectedError(
            f"kind is {shown(receipt.kind)}, but the entry is that of a {_kind_of(content)}"
        )
    strand_id = id_text(header.strand_id)
    if checkpoint.origin.rpartition("/")[2] != strand_id:
        raise ProofRejectedError(
            f"the block is of strand {strand_id}, but the checkpoint of {shown(checkpoint.origin)}"
        )


def _kind_of(content: EntryBody) -> str:
    return REVISION if isinstance(content, RevisionEntry) else TRANSACTION


def _readable(header: BlockHeader, content: EntryBody, payload: bytes | None) -> dict[str, Any]:
    """The fields that say the same thing as the bytes, for people."""
    fields: dict[str, Any] = {
        "block_address": {
            "strand_id": id_text(header.strand_id),
            "sequence_number": header.sequence_number,
        },
        "timestamp": _timestamp_text(header.timestamp),
        "transaction_id": id_text(content.transaction_id),
    }
    if isinstance(content, TransactionEntry):
        return fields | {
            "principal": content.principal,
            "statements": list(content.statements),
            "labels": dict(content.labels),
        }
    fields |= {
        "table_id": id_text(content.table_id),
        "document_id": id_text(content.document_id),
        "version": content.version,
        "operation": content.operation.name,
    }
    if payload is not None:
        fields["document"] = _document_in(payload)
    return fields


_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _timestamp_text(timestamp: int) -> str:
    """RFC 3339 in UTC, without a fraction where it is zero; as the committed view's `txTime`."""
    return timestamp_text(_EPOCH + datetime.timedelta(microseconds=timestamp))


def _parse(fields: Fields) -> Receipt:
    """The receipt's bytes and numbers; whatever else there is, `_compare` finds."""
    found = fields.text("format")
    if found != FORMAT:
        raise ProofRejectedError(f"format is {shown(found)}; this release reads {FORMAT!r}")
    entry, ledger = fields.inner("entry"), fields.inner("ledger")
    receipt = Receipt(
        kind=fields.text("kind"),
        entry_body=entry.data("body"),
        payload=entry.data("payload") if entry.has("payload") else None,
        entry_index=entry.number("index"),
        entry_count=entry.number("count"),
        entry_proof=entry.proof("proof"),
        header=fields.data("header"),
        block_index=ledger.number("index"),
        tree_size=ledger.number("tree_size"),
        ledger_proof=ledger.proof("proof"),
        checkpoint=fields.text("checkpoint"),
        key_chain=fields.texts("key_chain") if fields.has("key_chain") else (),
    )
    _check_bounds(receipt)
    return receipt


def _compare(derived: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse the first field that the bytes do not give, or give otherwise."""
    if unknown := [name for name in given if name not in derived]:
        raise ProofRejectedError(f"there is a field that has no place: {shown(unknown[0])}")
    for name, value in derived.items():
        if name not in given:
            raise ProofRejectedError(f"the field {name!r} is missing")
        if not is_same(value, given[name]):
            raise ProofRejectedError(f"the field {name!r} does not agree with the bytes")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
