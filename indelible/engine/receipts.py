"""Receipts and consistency proofs, made from the state store.

```
id --> position --> entry, header, inner leaves     by key
last checkpoint that covers the block --> proof     one read of some tree nodes
```
"""

from typing import Final

from indelible.engine.checkpoints import Checkpoints, OpenView
from indelible.engine.note_files import Signed
from journal.errors import InputError, StaleReadError
from journal.ids import id_text
from materializer.store.proofs import ProofRows
from materializer.store.view import StoreView
from verifier.merkle import Leaves, prove_consistency, prove_inclusion
from verifier.receipt import Receipt, build_receipt

_TRIES: Final = 3


class Receipts:
    """What proves to others that something is in the ledger. Thread-safe."""

    def __init__(self, checkpoints: Checkpoints, view: OpenView) -> None:
        self._checkpoints, self._view = checkpoints, view

    def receipt(
        self, identifier: bytes, version: int | None, *, witnessed: bool = False
    ) -> Receipt:
        """The receipt of a transaction, or of one revision of a document, old or new.

        Uses the last checkpoint that covers the block; one is signed only if none does. Some look-ups by
        key, and one for each version between the one asked for and the newest.

        Args:
            identifier: 16 bytes. Without a version a transaction of this id comes before a document.
            version: Of the document; None for its newest revision.
            witnessed: Lead to the newest checkpoint that has cosignatures, and sign none.

        Raises:
            InputError: Nothing has this id, or the document no such version.
            UnsupportedError: No checkpoint covers the block, and this node cannot sign one; or the newest
                cosigned one does not cover it.
            IntegrityError, UnavailableError: See `Checkpoints.sign`.
        """
        if not isinstance(identifier, bytes) or len(identifier) != 16:
            raise InputError("an id has 16 bytes")
        for _ in range(_TRIES):
            with self._view() as view:
                position = _position(view.proofs, identifier, version)
                if (signed := self._covering(view, position, witnessed)) is not None:
                    return self._build(view, position, signed)
            if not witnessed:
                self._checkpoints.sign()
        raise StaleReadError("the state store stays behind the checkpoints that are signed")

    def consistency(self, size_1: int, size_2: int) -> list[bytes]:
        """The hashes that prove the tree over the first `size_1` blocks a prefix of that over `size_2`.

        Raises:
            InputError: Not 1 <= size_1 <= size_2 <= the ledger's size.
        """
        for size in (size_1, size_2):
            if type(size) is not int:
                raise InputError(f"a tree size is a number, not a {type(size).__name__}")
        with self._view() as view:
            size = view.newest_block()[0] + 1
            if not 1 <= size_1 <= size_2 <= size:
                raise InputError(
                    f"no proof leads from {_shown(size_1)} to {_shown(size_2)} blocks",
                    hint=f"the ledger has {size} blocks; the smaller tree comes first",
                )
            return prove_consistency(size_1, size_2, view.proofs.tree)

    def _covering(self, view: StoreView, position: int, witnessed: bool) -> Signed | None:
        """The last checkpoint, if block and tree are within it and the view reaches as far."""
        sequence_number = view.proofs.address(position)[0]
        signed = self._checkpoints.covering(view, sequence_number, witnessed=witnessed)
        if signed is None or signed.checkpoint.tree_size > view.newest_block()[0] + 1:
            return None
        return signed

    def _build(self, view: StoreView, position: int, signed: Signed) -> Receipt:
        material = view.proofs.material(position)
        tree_size = signed.checkpoint.tree_size
        return build_receipt(
            header=material.header,
            entry=material.entry,
            entry_index=material.entry_index,
            entry_proof=prove_inclusion(
                material.entry_index, len(material.leaf_hashes), Leaves(material.leaf_hashes)
            ),
            tree_size=tree_size,
            ledger_proof=prove_inclusion(material.sequence_number, tree_size, view.proofs.tree),
            checkpoint=signed.note,
            key_chain=self._checkpoints.known_keys(view).chain,
        )


def _position(rows: ProofRows, identifier: bytes, version: int | None) -> int:
    if version is None and (position := rows.transaction(identifier)) is not None:
        return position
    newest = rows.newest_revision(identifier)
    if newest is None:
        kind = "transaction or document" if version is None else "document"
        raise InputError(f"no {kind} has the id {id_text(identifier)}")
    if version is None:
        return newest[0]
    if type(version) is not int or not 0 <= version <= newest[1]:
        raise InputError(
            f"document {id_text(identifier)} has no version {_shown(version)}",
            hint=f"its newest is {newest[1]}",
        )
    return newest[0] if version == newest[1] else rows.revision(newest, version)


def _shown(number: object) -> str:
    """A number from outside, of whatever size, in a message."""
    return str(number) if type(number) is int and abs(number) < 1 << 63 else "such a number of"
