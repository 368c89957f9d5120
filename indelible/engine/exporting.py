r"""A journal as a folder of files, with the last checkpoint that was signed of it.

```
log -> reader rule -> accepted blocks -> journal.export.ExportWriter -> folder, in place when it is whole
                                    \-> tree, key chain: is the checkpoint one of these very blocks?
```
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from indelible.client.addresses import JournalAddress
from indelible.engine.journals import (
    accepted_blocks,
    is_exclusive,
    last_note,
    ledger_name_of,
    open_journal,
)
from journal import document
from journal.block import Block, document_of
from journal.catalog import LEDGER_TABLE_ID, CatalogError, parse_ledger_document
from journal.chain import Accepted
from journal.codec import RevisionEntry
from journal.errors import (
    CorruptBlockError,
    IntegrityError,
    InvalidDocumentError,
    ProofRejectedError,
    UnknownLedgerError,
)
from journal.export import ExportFacts, ExportWriter, Manifest
from materializer.follower import Progress
from verifier.checkpoint import open_checkpoint, parse_checkpoint
from verifier.merkle import CompactRange
from verifier.note import parse_note


def export_journal(
    address: JournalAddress,
    folder: Path,
    *,
    kafka: dict[str, str] | None = None,
    checkpoint: str | None = None,
    on_progress: Progress | None = None,
) -> Manifest:
    """Write the journal into `folder`, all or nothing.

    Args:
        address: Which journal.
        folder: Must be empty or not there.
        kafka: Further options of the Kafka client.
        checkpoint: The note that goes with it; by default the last one that was signed here.
        on_progress: Called now and then.

    Raises:
        InputError: The folder is not empty.
        UnknownLedgerError: There is no such ledger.
        IntegrityError: The journal is damaged, or not the one of the checkpoint.
        ConfigurationError: The folder cannot be written.
    """
    note = checkpoint if checkpoint is not None else last_note(address)
    log, name = open_journal(address, kafka), ledger_name_of(address)
    try:
        blocks = accepted_blocks(
            log, name, exclusive=is_exclusive(address), on_progress=on_progress
        )
        first = next(blocks, None)
        if first is None:
            raise UnknownLedgerError(f"the journal holds no ledger named {name!r}")
        return _write(folder, chain([first], blocks), name, note)
    finally:
        log.close()


def _write(
    folder: Path, blocks: Iterator[tuple[Accepted, bytes]], ledger_name: str, note: str
) -> Manifest:
    """Write blocks, one at least, and the note if it is one of theirs."""
    tree, tip = CompactRange(), None
    keys: list[str] = []
    rotations: list[str] = []
    size, root = (parse_checkpoint(parse_note(note).text)[1] if note else 0), b""
    writer = None
    try:
        for accepted, value in blocks:
            tip = accepted.tip
            if writer is None:
                writer = ExportWriter(folder, tip.strand_id)
            writer.add(value)
            tree, _ = tree.append(tip.block_hash)
            if tree.tree_size == size:
                root = tree.root()
            for key, rotation in _keys_in(accepted.block):
                if not keys or key != keys[-1]:
                    keys.append(key)
                    rotations += [rotation] if rotation else []
        assert writer is not None
        assert tip is not None
        if note:
            _expect_own(note, keys, tree.tree_size, root)
        return writer.finish(
            ExportFacts(
                ledger_name=ledger_name,
                strand_id=tip.strand_id,
                checkpoint_key=keys[0],
                tip_hash=tip.block_hash,
                checkpoint=note,
                key_chain=tuple(rotations),
            )
        )
    finally:
        if writer is not None:
            writer.close()


def _keys_in(block: Block) -> Iterator[tuple[str, str]]:
    """The keys that a block gives the ledger, each with the note that leads to it."""
    for index, (entry, content) in enumerate(zip(block.entries, block.contents, strict=True)):
        if isinstance(content, RevisionEntry) and content.table_id == LEDGER_TABLE_ID:
            try:
                ledger = parse_ledger_document(document.decode(document_of(entry.payload)))
            except (CatalogError, InvalidDocumentError) as error:
                raise CorruptBlockError(
                    str(error), sequence_number=block.sequence_number, entry_index=index
                ) from error
            yield ledger.checkpoint_key, ledger.key_rotation


def _expect_own(note: str, keys: list[str], tree_size: int, root: bytes) -> None:
    """The checkpoint is signed by a key of this journal and names the tree of its first blocks."""
    checkpoint = None
    for key in reversed(keys):
        with suppress(ProofRejectedError):
            checkpoint = open_checkpoint(note, key)
            break
    if checkpoint is None:
        raise ProofRejectedError("the checkpoint is not signed by a key of this ledger")
    if checkpoint.tree_size > tree_size:
        raise IntegrityError(
            f"a checkpoint was signed for {checkpoint.tree_size} blocks, but the journal has "
            f"{tree_size}: its tail was cut",
            hint="restore it from a replica or another export; `indelible audit` says more",
        )
    if checkpoint.tree_size and checkpoint.root_hash != root:
        raise IntegrityError(
            f"the journal's first {checkpoint.tree_size} blocks have root {root.hex()}, but "
            f"{checkpoint.root_hash.hex()} was signed: a block was changed",
            hint="`indelible audit` says more; do not trust this journal",
        )
