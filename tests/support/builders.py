"""Blocks, transactions, chains and logs for tests. Every argument has a default that works.

>>> a_block(sequence_number=3).sequence_number
3
>>> [block.sequence_number for block in a_chain(3)]
[0, 1, 2]
>>> read_chain(a_log(a_chain(3))).tip.sequence_number
2

Nothing here is random: the same call gives the same bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from journal import document
from journal.block import GENESIS_PREVIOUS, Block, build_block, revision_entry, transaction_entry
from journal.catalog import LEDGER_TABLE_ID, LedgerInfo, ledger_document
from journal.chain import Accepted, Checked, Ignored, Origin, Refused, Tip, check, link
from journal.codec import (
    BlockHeader,
    Entry,
    EntryBody,
    Operation,
    RevisionEntry,
    TransactionEntry,
    encode_block,
    encode_header,
)
from journal.errors import LedgerError
from journal.ids import id_text
from journal.log import Log, Position, Record
from journal.memory import MemoryLog
from verifier.keys import format_verifier_key

STARTED = 1_790_000_000_000_000
"""Timestamp of every genesis here, in UTC microseconds: 2026-09-21."""
SECOND = 1_000_000

Parts = tuple[Entry, EntryBody]
"""An entry as stored, and read."""


def an_id(number: int) -> bytes:
    """A 16-byte id that shows its number.

    >>> an_id(7).hex()
    '00000000000000000000000000000007'
    """
    return number.to_bytes(16, "big")


STRAND_ID = an_id(0xA000)
TABLE_ID = an_id(0xB000)
LEDGER_NAME = "registry"


def a_salt(text: str) -> bytes:
    """16 bytes that look random and are not."""
    return sha256(text.encode()).digest()[:16]


def a_revision(
    data: Any = None,
    *,
    transaction_id: bytes = an_id(1),
    table_id: bytes = TABLE_ID,
    document_id: bytes = an_id(0xD000),
    version: int = 0,
    operation: Operation = Operation.INSERT,
) -> Parts:
    """A revision entry; `data` are the document's fields (some default unless it is a DELETE)."""
    payload = b""
    if operation is not Operation.DELETE:
        stored = document.encode({"vin": "1N4AL11D75C109151"} if data is None else data)
        payload = a_salt(f"{transaction_id.hex()} {document_id.hex()} {version}") + stored
    return revision_entry(transaction_id, table_id, document_id, version, operation, payload)


def a_transaction(
    *revisions: Parts,
    transaction_id: bytes | None = None,
    principal: str = "ann",
    statements: Sequence[str] = ("INSERT INTO vehicles ?",),
    labels: Mapping[str, str] | None = None,
    revision_count: int | None = None,
) -> list[Parts]:
    """A transaction entry and its revisions (one by default); `revision_count` may be made to lie."""
    if transaction_id is None:
        transaction_id = revisions[0][1].transaction_id if revisions else an_id(1)
    revisions = revisions or (a_revision(transaction_id=transaction_id),)
    count = len(revisions) if revision_count is None else revision_count
    content = TransactionEntry(transaction_id, principal, tuple(statements), count, labels or {})
    return [(transaction_entry(content), content), *revisions]


def a_block(
    *transactions: Sequence[Parts],
    sequence_number: int | None = None,
    after: Block | None = None,
    previous_block_hash: bytes | None = None,
    strand_id: bytes = STRAND_ID,
    timestamp: int | None = None,
    writer: str = "writer-1",
) -> Block:
    """A block with some transactions (one of its own by default), on top of `after` if given."""
    if sequence_number is None:
        sequence_number = 1 if after is None else after.sequence_number + 1
    if previous_block_hash is None:
        previous_block_hash = sha256(b"previous").digest() if after is None else after.block_hash
    if timestamp is None:
        timestamp = STARTED + sequence_number * SECOND
    parts = [part for transaction in transactions for part in transaction]
    if not transactions:
        transaction_id = an_id(0x1000 + sequence_number)
        revision = a_revision(
            {"number": sequence_number},
            transaction_id=transaction_id,
            document_id=an_id(0xD000 + sequence_number),
        )
        parts = a_transaction(revision)
    return build_block(
        strand_id=strand_id,
        sequence_number=sequence_number,
        previous_block_hash=previous_block_hash,
        timestamp=timestamp,
        writer=writer,
        entries=[entry for entry, _ in parts],
        contents=[content for _, content in parts],
    )


def a_ledger(**changes: Any) -> LedgerInfo:
    """What a genesis says about its ledger."""
    facts = {
        "name": LEDGER_NAME,
        "strand_id": STRAND_ID,
        "created_at": "2026-09-21T14:13:20Z",
        "checkpoint_key": format_verifier_key(
            f"indelible/{LEDGER_NAME}/{id_text(STRAND_ID)}", bytes(32)
        ),
        "allow_single_broker": False,
        "unverified_settings": False,
    }
    return LedgerInfo(**(facts | changes))


def a_genesis(
    name: str = LEDGER_NAME,
    *,
    strand_id: bytes = STRAND_ID,
    data: Any = None,
    version: int = 0,
    table_id: bytes = LEDGER_TABLE_ID,
    operation: Operation = Operation.INSERT,
    previous_block_hash: bytes = GENESIS_PREVIOUS,
    timestamp: int = STARTED,
) -> Block:
    """Block 0 of a ledger; `data` replaces the ledger document."""
    if data is None:
        data = ledger_document(a_ledger(name=name, strand_id=strand_id))
    revision = a_revision(
        data,
        transaction_id=an_id(0x1000),
        table_id=table_id,
        document_id=an_id(0xC000),
        version=version,
        operation=operation,
    )
    return a_block(
        a_transaction(revision, statements=("CREATE LEDGER",)),
        sequence_number=0,
        previous_block_hash=previous_block_hash,
        strand_id=strand_id,
        timestamp=timestamp,
    )


def a_chain(length: int, *, name: str = LEDGER_NAME, strand_id: bytes = STRAND_ID) -> list[Block]:
    """A genesis and blocks on top of it, `length` in all."""
    blocks = [a_genesis(name, strand_id=strand_id)]
    while len(blocks) < length:
        blocks.append(a_block(after=blocks[-1], strand_id=strand_id))
    return blocks


def with_header(block: Block, **changes: Any) -> bytes:
    """The bytes of a block whose header fields were changed, its entries left as they are."""
    header: BlockHeader = block.header._replace(**changes)
    return encode_block(encode_header(header), block.entries)


def with_entries(block: Block, entries: Iterable[Entry], **changes: Any) -> bytes:
    """The bytes of a block with other entries under an unchanged header (but for `changes`)."""
    header: BlockHeader = block.header._replace(**changes)
    return encode_block(encode_header(header), list(entries))


def a_log(values: Iterable[Block | bytes]) -> MemoryLog:
    """A log in memory that holds blocks, or any bytes."""
    log = MemoryLog()
    for value in values:
        log.append(value.encode() if isinstance(value, Block) else value)
    return log


def records_of(log: Log | Iterable[Block | bytes]) -> list[Record]:
    """All records of a log, or of the log that would hold these blocks and bytes."""
    if not hasattr(log, "reader"):
        log = a_log(log)
    reader = log.reader(Position(offset=0))
    records: list[Record] = []
    while reader.position() < log.end_offset():
        records += reader.read(timeout=0)
    return records


@dataclass
class Reading:
    """What the reader rule made of a log.

    Attributes:
        tip: The last accepted block, or where it started.
        blocks: Accepted, in order.
        ignored: Everything ignored, in order.
        error: What stopped it, or None.
    """

    tip: Tip | Origin
    blocks: list[Block] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    error: LedgerError | None = None

    @property
    def hashes(self) -> list[bytes]:
        """The accepted blocks' hashes."""
        return [block.block_hash for block in self.blocks]


def read_chain(
    log: Log | Iterable[Block | bytes],
    tip: Tip | Origin = Origin(LEDGER_NAME),  # noqa: B008 - immutable
) -> Reading:
    """Apply the reader rule to a whole log; an error ends the reading and stands in `error`."""
    reading = Reading(tip)
    for record in records_of(log):
        try:
            result = link(reading.tip, check(record))
        except LedgerError as error:
            reading.error = error
            break
        if isinstance(result, Accepted):
            reading.tip = result.tip
            reading.blocks.append(result.block)
        else:
            reading.ignored.append(result)
    return reading


def check_bytes(value: bytes, offset: int = 0) -> Checked | Refused:
    """`check` of one record."""
    return check(Record(offset, value))


def tip_of(block: Block) -> Tip:
    """The tip that an accepted block makes."""
    header = block.header
    return Tip(header.strand_id, header.sequence_number, block.block_hash, header.timestamp)


__all__ = [
    "LEDGER_NAME", "SECOND", "STARTED", "STRAND_ID", "TABLE_ID", "Operation", "Reading",
    "RevisionEntry", "TransactionEntry", "a_block", "a_chain", "a_genesis", "a_ledger", "a_log",
    "a_revision", "a_salt", "a_transaction", "an_id", "check_bytes", "read_chain",
    "records_of", "tip_of", "with_entries", "with_header",
]  # fmt: skip
