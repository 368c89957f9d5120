"""Receipts for tests, of real blocks and with real signatures. Nothing is random.

>>> ledger = SignedLedger(a_varied_chain(3))
>>> ledger.receipt(2, 0).kind
'transaction'
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from journal.block import Block
from journal.codec import Operation
from journal.hashing import tree_hash
from journal.ids import id_text
from tests.support.builders import (
    LEDGER_NAME,
    STARTED,
    STRAND_ID,
    a_block,
    a_genesis,
    a_revision,
    a_transaction,
    an_id,
)
from verifier.checkpoint import Checkpoint, sign_checkpoint
from verifier.keys import ed25519_signer, verifier_key_of
from verifier.merkle import Leaves, prove_inclusion
from verifier.receipt import Receipt, build_receipt

ORIGIN = f"indelible/{LEDGER_NAME}/{id_text(STRAND_ID)}"


def a_private_key(name: str = "first") -> bytes:
    """An Ed25519 private key in PEM that is always the same for one name."""
    key = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


KEY = verifier_key_of(a_private_key(), ORIGIN)
"""The verifier key of every ledger here, unless it is told otherwise."""


def a_varied_block(after: Block, entry_count: int) -> Block:
    """A block of so many entries: a transaction, then INSERT, UPDATE, DELETE, INSERT ..."""
    number = after.sequence_number + 1
    transaction_id = an_id(0x1000 + number)
    revisions = [
        a_revision(
            {"block": number, "entry": index, "paid": 0.5, "note": "Zoë 😀", "tags": [True, None]},
            transaction_id=transaction_id,
            document_id=an_id(0xD000 + 256 * number + index // 3),
            version=index % 3,
            operation=tuple(Operation)[index % 3],
        )
        for index in range(entry_count - 1)
    ]
    parts = a_transaction(
        *revisions,
        transaction_id=transaction_id,
        labels={"reason": "rent", "request": str(number)},
        revision_count=entry_count - 1,
    )
    return a_block(parts[:entry_count], after=after, timestamp=STARTED + number * 1_234_567)


def a_varied_chain(length: int) -> list[Block]:
    """A genesis, then blocks of 1, 2, ... 9, 1, 2, ... entries."""
    blocks = [a_genesis()]
    while len(blocks) < length:
        blocks.append(a_varied_block(blocks[-1], (len(blocks) - 1) % 9 + 1))
    return blocks


@dataclass(frozen=True)
class SignedLedger:
    """Blocks, and the private key (PEM) that signs checkpoints over them."""

    blocks: Sequence[Block]
    private_key: bytes = a_private_key()
    origin: str = ORIGIN

    def checkpoint(self, tree_size: int | None = None, extensions: tuple[str, ...] = ()) -> str:
        """The signed note over the first blocks, all of them by default."""
        leaves = [block.block_hash for block in self.blocks[:tree_size]]
        checkpoint = Checkpoint(self.origin, len(leaves), tree_hash(leaves), extensions)
        return sign_checkpoint(checkpoint, ed25519_signer(self.private_key, self.origin))

    def receipt(
        self,
        sequence_number: int,
        entry_index: int,
        *,
        tree_size: int | None = None,
        checkpoint: str | None = None,
        key_chain: Sequence[str] = (),
    ) -> Receipt:
        """The receipt of an entry under a checkpoint over the first `tree_size` blocks."""
        block, size = self.blocks[sequence_number], tree_size or len(self.blocks)
        hashes = [block.block_hash for block in self.blocks]
        return build_receipt(
            header=block.header_bytes,
            entry=block.entries[entry_index],
            entry_index=entry_index,
            entry_proof=prove_inclusion(
                entry_index, len(block.entries), Leaves(list(block.leaf_hashes))
            ),
            tree_size=size,
            ledger_proof=prove_inclusion(sequence_number, size, Leaves(hashes)),
            checkpoint=self.checkpoint(size) if checkpoint is None else checkpoint,
            key_chain=key_chain,
        )


def every_receipt(ledger: SignedLedger, tree_size: int) -> Iterator[Receipt]:
    """The receipt of each entry of the first `tree_size` blocks."""
    note = ledger.checkpoint(tree_size)
    for block in ledger.blocks[:tree_size]:
        for index in range(len(block.entries)):
            yield ledger.receipt(block.sequence_number, index, tree_size=tree_size, checkpoint=note)


Change = tuple[str, Any]
"""What was changed, and the whole JSON value with that change."""


def with_every_byte_flipped(value: Any) -> Iterator[Change]:
    """The JSON of a receipt with one bit of one byte changed, for each byte that base64 holds in it."""

    def flipped(text: str) -> Iterator[tuple[str, str]]:
        data = b64decode(text)
        for place in range(len(data)):
            other = bytearray(data)
            other[place] ^= 1 << place % 8
            yield f"byte {place}", b64encode(other).decode()

    for path in BASE64_PATHS:
        for what, changed in _changes_at(value, path, flipped):
            yield f"{'.'.join(path)}, {what}", changed


BASE64_PATHS = [
    ("entry", "body"),
    ("entry", "payload"),
    ("entry", "proof"),
    ("header",),
    ("ledger", "proof"),
]


def _changes_at(
    value: Any, path: Sequence[str], vary: Callable[[str], Iterator[tuple[str, str]]]
) -> Iterator[Change]:
    """The value with each variant of the text (or of each text of the list) at a path."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            for what, changed in vary(item):
                yield f"{index} {what}", [*value[:index], changed, *value[index + 1 :]]
    elif not path:
        yield from vary(value)
    elif path[0] in value:
        for what, changed in _changes_at(value[path[0]], path[1:], vary):
            yield what, value | {path[0]: changed}
