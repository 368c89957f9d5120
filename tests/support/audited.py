"""Ledgers for audits: short chains with a table and a real key, and forgeries of them.

>>> [block.sequence_number for block in a_history(4)]
[0, 1, 2, 3]
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from journal.block import Block, document_of, payload_of, revision_entry, transaction_entry
from journal.catalog import TABLES_TABLE_ID, ledger_document, table_document
from journal.codec import Operation, RevisionEntry, TransactionEntry
from journal.ids import id_text
from journal.memory import MemoryLog
from journal.sqlite import SqliteLog
from tests.support.builders import (
    LEDGER_NAME,
    STRAND_ID,
    TABLE_ID,
    a_block,
    a_genesis,
    a_ledger,
    a_revision,
    a_salt,
    a_transaction,
    an_id,
)
from verifier.audit import Anchor, Report, audit
from verifier.checkpoint import Checkpoint, sign_checkpoint
from verifier.keys import ed25519_signer, new_private_key, verifier_key_of
from verifier.merkle import CompactRange

ORIGIN = f"indelible/{LEDGER_NAME}/{id_text(STRAND_ID)}"
PRIVATE_KEY = new_private_key()
KEY = verifier_key_of(PRIVATE_KEY, ORIGIN)
OTHER_PRIVATE_KEY = new_private_key()
OTHER_KEY = verifier_key_of(OTHER_PRIVATE_KEY, ORIGIN)


def a_history(length: int, *, strand_id: bytes = STRAND_ID, key: str = KEY) -> list[Block]:
    """Genesis, a table, then documents: inserted, updated in every third block, one deleted at last."""
    ledger = ledger_document(a_ledger(strand_id=strand_id, checkpoint_key=key))
    blocks = [a_genesis(strand_id=strand_id, data=ledger)]
    table = a_revision(
        table_document("vehicles"),
        transaction_id=an_id(2),
        table_id=TABLES_TABLE_ID,
        document_id=TABLE_ID,
    )
    blocks.append(a_block(a_transaction(table), after=blocks[-1], strand_id=strand_id))
    while len(blocks) < length:
        number = len(blocks)
        transaction = an_id(0x100 + number)
        revisions = [
            a_revision(
                {"number": number, "owner": "ann"},
                transaction_id=transaction,
                document_id=an_id(0xD000 + number),
            )
        ]
        if number >= 4:
            revisions.append(
                a_revision(
                    {"number": 2, "changed": number},
                    transaction_id=transaction,
                    document_id=an_id(0xD002),
                    version=number - 3,
                    operation=Operation.UPDATE,
                )
            )
        blocks.append(
            a_block(
                a_transaction(*revisions, labels={"request": str(number)}),
                after=blocks[-1],
                strand_id=strand_id,
            )
        )
    return blocks[:length]


def followed_by(blocks: Sequence[Block], *transactions: Any) -> list[Block]:
    """A history with one more block of these transactions."""
    return [*blocks, a_block(*transactions, after=blocks[-1])]


def relinked(blocks: Sequence[Block], number: int, change: Any) -> list[Block]:
    """A forgery: block `number` with its entries and contents changed, every later block linked anew.

    `change(entries, contents)` works on lists. All hashes are right again; only a checkpoint knows.
    """
    forged = list(blocks[:number])
    for block in blocks[number:]:
        entries, contents = list(block.entries), list(block.contents)
        if block.sequence_number == number:
            change(entries, contents)
        parts = list(zip(entries, contents, strict=True))
        after = forged[-1] if forged else None
        forged.append(
            a_block(
                parts,
                sequence_number=block.sequence_number,
                after=after,
                previous_block_hash=bytes(32) if after is None else None,
                strand_id=block.header.strand_id,
                timestamp=block.header.timestamp,
                writer=block.header.writer,
            )
        )
    return forged


def change_payload(entries: list[Any], contents: list[Any]) -> None:
    """Another document in the last revision, its hash computed anew."""
    for index in range(len(entries) - 1, -1, -1):
        content = contents[index]
        if isinstance(content, RevisionEntry) and content.payload_hash is not None:
            document = document_of(entries[index].payload).replace(b"ann", b"bob")
            payload = payload_of(document + b" ", lambda _: a_salt("forged"))
            entries[index], contents[index] = revision_entry(*content[:5], payload)
            return
    raise AssertionError("nothing to change")


def change_principal(entries: list[Any], contents: list[Any]) -> None:
    """Another principal of the first transaction."""
    content = contents[0]
    assert isinstance(content, TransactionEntry)
    contents[0] = content._replace(principal="mallory")
    entries[0] = transaction_entry(contents[0])


def a_checkpoint(
    blocks: Sequence[Block], *, private_key: bytes = PRIVATE_KEY, origin: str = ORIGIN
) -> str:
    """A signed checkpoint of the tree over these blocks."""
    tree = CompactRange()
    for block in blocks:
        tree, _ = tree.append(block.block_hash)
    checkpoint = Checkpoint(origin, tree.tree_size, tree.root())
    return sign_checkpoint(checkpoint, ed25519_signer(private_key, origin))


def an_anchor(blocks: Sequence[Block], **options: Any) -> Anchor:
    """`a_checkpoint`, as an audit takes it."""
    return Anchor(a_checkpoint(blocks, **options), f"checkpoint of {len(blocks)}")


def in_file(path: Path, values: Iterable[Block | bytes]) -> Path:
    """A journal file that holds blocks, or any bytes."""
    log = SqliteLog.create(path, database_id="test")
    log.append_all(value.encode() if isinstance(value, Block) else value for value in values)
    log.close()
    return path


def audited(values: Iterable[Block | bytes], *, exclusive: bool = True, **options: Any) -> Report:
    """Audit a log that holds blocks, or any bytes, in this process."""
    log = MemoryLog()
    for value in values:
        log.append(value.encode() if isinstance(value, Block) else value)
    return audit(
        lambda: _Kept(log),
        ledger_name=LEDGER_NAME,
        exclusive=exclusive,
        workers=1,
        **options,
    )


class _Kept:
    """A log in memory as several readers open it: whoever closes it closes nothing."""

    def __init__(self, log: MemoryLog) -> None:
        self.identity, self.start_offset = log.identity, log.start_offset
        self.end_offset, self.reader, self.append = log.end_offset, log.reader, log.append

    def close(self) -> None:
        """The log stays."""
