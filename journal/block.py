"""Blocks: what a commit is made of, built from transactions and taken apart again.

```
block  = header, entries            block_hash   = leaf_hash(header)   = its leaf in the ledger's tree
header = strand, sequence number,   entries_root = tree over leaf_hash(entry body)
         previous block's hash,
         entries_root, timestamp    payload_hash = SHA-256(payload), inside the entry body
entry  = body + payload             payload      = 16 bytes of salt + canonical document bytes
```

The next header carries `block_hash`, so each block commits to all history before it. A transaction is
its TransactionEntry followed by its RevisionEntries; a block holds one or more whole transactions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from journal.ambient import Entropy
from journal.codec import (
    FORMAT_VERSION,
    SALT_SIZE,
    BlockHeader,
    Entry,
    EntryBody,
    Operation,
    RevisionEntry,
    TransactionEntry,
    encode_block,
    encode_header,
    encode_revision_entry,
    encode_transaction_entry,
)
from journal.hashing import HASH_SIZE, leaf_hash, tree_hash

BLOCK_SIZE_MAX: Final = 8 * 1024 * 1024
"""Most bytes in a block's record, envelope included."""
BLOCK_SIZE_TARGET: Final = 900_000
"""From here on the sequencer starts another block."""
DOCUMENT_SIZE_MAX: Final = 1024 * 1024
"""Most canonical bytes in one document."""

GENESIS_PREVIOUS: Final = bytes(HASH_SIZE)
TIMESTAMP_MAX: Final = 253_402_300_799_999_999
"""The last microsecond of year 9999."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block in this process: its bytes and what they say.

    Attributes:
        header, header_bytes: The header, read and as hashed.
        block_hash: 32 bytes; also the leaf of this block in the ledger's tree.
        entries: Bodies and payloads as stored.
        contents: The same bodies, read.
        leaf_hashes: 32 bytes for each entry; a revision's is its `hash` in views and receipts.
    """

    header: BlockHeader
    header_bytes: bytes
    block_hash: bytes
    entries: Sequence[Entry]
    contents: Sequence[EntryBody]
    leaf_hashes: Sequence[bytes]

    @property
    def sequence_number(self) -> int:
        """0-based place in the strand."""
        return self.header.sequence_number

    def encode(self) -> bytes:
        """The bytes of the block, as they stand in the log."""
        return encode_block(self.header_bytes, self.entries)


def revision_entry(
    transaction_id: bytes,
    table_id: bytes,
    document_id: bytes,
    version: int,
    operation: Operation,
    payload: bytes,
) -> tuple[Entry, RevisionEntry]:
    """An entry for one revision; `payload` is empty for a DELETE."""
    payload_hash = sha256(payload).digest() if payload else None
    content = RevisionEntry(transaction_id, table_id, document_id, version, operation, payload_hash)
    return Entry(encode_revision_entry(content), payload), content


def transaction_entry(content: TransactionEntry) -> Entry:
    """An entry for one transaction; its revisions' entries must follow."""
    return Entry(encode_transaction_entry(content), b"")


def payload_of(document: bytes, entropy: Entropy) -> bytes:
    """Salt and document bytes. The salt keeps a removed document from being guessed by its hash."""
    return entropy(SALT_SIZE) + document


def document_of(payload: bytes) -> bytes:
    """The canonical document bytes of a payload."""
    return payload[SALT_SIZE:]


def build_block(
    *,
    strand_id: bytes,
    sequence_number: int,
    previous_block_hash: bytes,
    timestamp: int,
    writer: str,
    entries: Sequence[Entry],
    contents: Sequence[EntryBody],
) -> Block:
    """The block that puts `entries` on top of a tip. One hash per entry and per tree node."""
    leaf_hashes = [sha256(b"\x00" + entry.body).digest() for entry in entries]  # leaf_hash, inline
    header = BlockHeader(
        format_version=FORMAT_VERSION,
        strand_id=strand_id,
        sequence_number=sequence_number,
        previous_block_hash=previous_block_hash,
        entries_root=tree_hash(leaf_hashes),
        entry_count=len(entries),
        timestamp=timestamp,
        writer=writer,
    )
    header_bytes = encode_header(header)
    return Block(header, header_bytes, leaf_hash(header_bytes), entries, contents, leaf_hashes)
