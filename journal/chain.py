"""The reader rule: which records of a log are blocks of the ledger.

Writers, materializers, exporters and verifiers all decide by these two pure functions, so they all see
one chain. `check` looks at one record alone and may run in parallel; `link` places it above a tip:

```
1 envelope or frozen header fields undecodable, or another strand       -> ignored
2 sequence_number at or below the tip's (a rival's late block, a copy)  -> ignored
3 a newer format_version                                                -> UnsupportedError
4 not valid in itself                                                   -> ignored
5 a later sequence_number, or another previous hash: a hole             -> BrokenLinkError
6 timestamp not after the tip's                                         -> ignored
7 otherwise                                                             -> accepted: the new tip
```

The order matters: neither a version nor a timestamp may hide a hole. No honest writer leaves a hole,
because it builds on the tip and the first block for a height wins; so a hole means that a block in
between was damaged or lost, and nobody goes on from there.

What is not seen here: damage to the last block of a log. Only who knows that block (a state store, a
saved checkpoint, a later block) can miss it.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from typing import Final, NamedTuple

from journal import document
from journal.block import GENESIS_PREVIOUS, TIMESTAMP_MAX, Block, document_of
from journal.catalog import LEDGER_TABLE_ID, CatalogError, LedgerInfo, parse_ledger_document
from journal.codec import (
    FORMAT_VERSION,
    SALT_SIZE,
    DecodeError,
    EntryBody,
    FrozenHeader,
    Operation,
    RevisionEntry,
    TransactionEntry,
    decode_body,
    decode_entries,
    decode_frozen_header,
    decode_header,
    split_envelope,
)
from journal.errors import BrokenLinkError, InvalidDocumentError, UnsupportedError
from journal.hashing import leaf_hash, tree_hash
from journal.log import Record


class Reason(StrEnum):
    """Why a record was ignored."""

    FOREIGN = "foreign"
    OTHER_STRAND = "other_strand"
    LATE = "late"
    INVALID = "invalid"
    NOT_GENESIS = "not_genesis"
    EARLY = "early_timestamp"


class Tip(NamedTuple):
    """The last accepted block, as far as linking needs it."""

    strand_id: bytes
    sequence_number: int
    block_hash: bytes
    timestamp: int


class Origin(NamedTuple):
    """The state before genesis: the ledger looked for, and its strand if that is known (pinned)."""

    ledger_name: str
    strand_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that is no block of any kind."""

    offset: int
    detail: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A record that has a block's frozen fields. `block` is None where it is not valid in itself."""

    offset: int
    frozen: FrozenHeader
    block: Block | None
    fault: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The record is the next block."""

    tip: Tip
    block: Block
    offset: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """The record is not part of the ledger; readers go on and count it."""

    reason: Reason
    detail: str
    offset: int


def check(record: Record) -> Checked | Refused:
    """Decode a record and verify all its hashes; needs no tip. Two SHA-256 per revision."""
    try:
        header_bytes, at = split_envelope(record.value)
        frozen = decode_frozen_header(header_bytes)
    except DecodeError as error:
        return Refused(record.offset, str(error))
    if frozen.format_version != FORMAT_VERSION:
        return Checked(record.offset, frozen, None, f"format version {frozen.format_version}")
    try:
        block = _decode_valid(header_bytes, record.value, at)
    except DecodeError as error:
        return Checked(record.offset, frozen, None, str(error))
    return Checked(record.offset, frozen, block, "")


def link(tip: Tip | Origin, checked: Checked | Refused) -> Accepted | Ignored:
    """Place a checked record above a tip. A few comparisons.

    Raises:
        UnsupportedError: A block of a newer format; this version must not read on.
        BrokenLinkError: A block between the tip and this one is damaged or missing.
    """
    if isinstance(checked, Refused):  # (1)
        return Ignored(Reason.FOREIGN, checked.detail, checked.offset)
    frozen, offset = checked.frozen, checked.offset
    if tip.strand_id is not None and frozen.strand_id != tip.strand_id:
        return Ignored(Reason.OTHER_STRAND, "a block of another strand", offset)
    height, previous = _height_of(tip)
    if frozen.sequence_number <= height:  # (2)
        return Ignored(Reason.LATE, f"height {frozen.sequence_number} is taken", offset)
    if frozen.format_version > FORMAT_VERSION:  # (3)
        raise UnsupportedError(
            f"block {frozen.sequence_number} (offset {offset}) has format version "
            f"{frozen.format_version}; this release reads {FORMAT_VERSION}",
            hint="upgrade Indelible on this machine",
        )
    if checked.block is None:  # (4)
        return Ignored(Reason.INVALID, checked.fault, offset)
    if frozen.sequence_number != height + 1 or frozen.previous_block_hash != previous:  # (5)
        if isinstance(tip, Origin) and frozen.sequence_number == 0:
            return Ignored(Reason.NOT_GENESIS, "its previous hash is not zero", offset)
        raise BrokenLinkError(
            f"block {frozen.sequence_number} does not follow block {height}, "
            "so a block in between is damaged or missing",
            sequence_number=height + 1,
            offset=offset,
        )
    return _accept(tip, checked.block, offset)


def genesis_ledger(block: Block) -> LedgerInfo:
    """The ledger that a genesis block makes.

    Raises:
        CatalogError: Not a genesis: another shape, or a strand id that differs from the header's.
    """
    if len(block.contents) != 2:
        raise CatalogError("a genesis has one transaction with one revision")
    revision = block.contents[1]
    if (
        not isinstance(revision, RevisionEntry)
        or revision.table_id != LEDGER_TABLE_ID
        or revision.operation is not Operation.INSERT
        or revision.version
    ):
        raise CatalogError("its second entry is not the insert of a ledger document")
    try:
        info = parse_ledger_document(document.decode(document_of(block.entries[1].payload)))
    except InvalidDocumentError as error:
        raise CatalogError(str(error)) from error
    if info.strand_id != block.header.strand_id:
        raise CatalogError("its ledger document names another strand")
    return info


def _height_of(tip: Tip | Origin) -> tuple[int, bytes]:
    if isinstance(tip, Origin):
        return -1, GENESIS_PREVIOUS
    return tip.sequence_number, tip.block_hash


def _accept(tip: Tip | Origin, block: Block, offset: int) -> Accepted | Ignored:
    header = block.header
    if isinstance(tip, Origin):
        try:
            name = genesis_ledger(block).name
        except CatalogError as error:
            return Ignored(Reason.NOT_GENESIS, str(error), offset)
        if name != tip.ledger_name:
            return Ignored(Reason.NOT_GENESIS, f"genesis of ledger {name!r}", offset)
    elif header.timestamp <= tip.timestamp:  # (6)
        return Ignored(Reason.EARLY, "its timestamp is not after the tip's", offset)
    new_tip = Tip(header.strand_id, header.sequence_number, block.block_hash, header.timestamp)
    return Accepted(new_tip, block, offset)  # (7)


def _decode_valid(header_bytes: bytes, data: bytes, at: int) -> Block:
    """The block, if rule 4 has nothing against it."""
    header = decode_header(header_bytes)
    entries = decode_entries(data, at)
    contents = [decode_body(entry.body) for entry in entries]
    leaf_hashes = [sha256(b"\x00" + entry.body).digest() for entry in entries]  # leaf_hash, inline
    if header.entry_count != len(entries):
        raise DecodeError(f"entry_count {header.entry_count}, but {len(entries)} entries")
    if tree_hash(leaf_hashes) != header.entries_root:
        raise DecodeError("entries_root is not the root of the entries")
    if not 0 <= header.timestamp <= TIMESTAMP_MAX:
        raise DecodeError(f"timestamp {header.timestamp}")
    _check_transactions(contents)
    for index, (entry, content) in enumerate(zip(entries, contents, strict=True)):
        if fault := _payload_fault(entry.payload, content):
            raise DecodeError(f"entry {index}: {fault}")
    return Block(header, header_bytes, leaf_hash(header_bytes), entries, contents, leaf_hashes)


def _check_transactions(contents: list[EntryBody]) -> None:
    """Each transaction entry is followed by its own revisions, as many as it says."""
    starts = [index for index, entry in enumerate(contents) if type(entry) is TransactionEntry]
    if not starts or starts[0] != 0:
        raise DecodeError("it does not begin with a transaction entry")
    for start, end in pairwise([*starts, len(contents)]):
        transaction = contents[start]
        assert isinstance(transaction, TransactionEntry)
        if transaction.revision_count != end - start - 1:
            raise DecodeError(
                f"entry {start}: revision_count {transaction.revision_count}, "
                f"but {end - start - 1} revisions follow"
            )
        for index in range(start + 1, end):
            if contents[index].transaction_id != transaction.transaction_id:
                raise DecodeError(f"entry {index}: a revision of another transaction")


_PAYLOAD_SIZE_MIN: Final = SALT_SIZE + 1


def _payload_fault(payload: bytes, content: EntryBody) -> str:
    if type(content) is TransactionEntry:
        return "a transaction entry with a payload" if payload else ""
    assert isinstance(content, RevisionEntry)
    payload_hash = content.payload_hash
    if (payload_hash is None) != (content.operation is Operation.DELETE):
        return "a payload hash goes with an insert or update, and only with them"
    if payload_hash is None:
        return "a payload without a payload hash" if payload else ""
    if len(payload) < _PAYLOAD_SIZE_MIN:
        return "a payload without a document"
    if sha256(payload).digest() != payload_hash:
        return "payload_hash is not the hash of the payload"
    return ""
