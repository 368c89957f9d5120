"""The ledger's tree as files for any tlog client: a static copy of what C2SP tlog-tiles serves.

Full tiles never change and are written once; partial ones are of the checkpoint's size. One pass over the
journal, holding 256 hashes a level.
"""

from pathlib import Path
from typing import Final

from indelible.client.addresses import JournalAddress
from indelible.engine.journals import (
    accepted_blocks,
    is_exclusive,
    ledger_name_of,
    open_journal,
)
from indelible.files import replace_file
from journal.block import Block
from journal.errors import ConfigurationError, InputError, IntegrityError
from journal.hashing import tree_hash
from materializer.follower import Progress
from verifier.checkpoint import Checkpoint, parse_checkpoint
from verifier.merkle import CompactRange
from verifier.note import NOTE_SIZE_MAX, parse_note
from verifier.tiles import TILE_WIDTH, Bundle, Tile, encode_bundle, format_path

CHECKPOINT_FILE: Final = "checkpoint"


def export_tiles(
    address: JournalAddress,
    folder: Path,
    note: str,
    *,
    kafka: dict[str, str] | None = None,
    on_progress: Progress | None = None,
) -> Checkpoint:
    """Write the ledger's tree as C2SP tlog-tiles, as large as a checkpoint says, and the checkpoint.

    Into a folder that holds tiles of a smaller tree what is new is added; `checkpoint` is replaced last.
    A tile that is there with other bytes is never replaced.

    Raises:
        IntegrityError: The journal has not the checkpoint's tree, or the folder holds another one.
        InputError, ConfigurationError: The folder cannot be written.
        LedgerError: See `accepted_blocks`.
    """
    checkpoint = parse_checkpoint(parse_note(note).text)
    _expect_newer(folder, checkpoint)
    log, name = open_journal(address, kafka), ledger_name_of(address)
    try:
        tiles, tree = _TileWriter(folder), CompactRange()
        for accepted, _ in accepted_blocks(
            log, name, exclusive=is_exclusive(address), on_progress=on_progress
        ):
            if tree.tree_size == checkpoint.tree_size:
                break
            tree, _ = tree.append(accepted.block.block_hash)
            tiles.add(accepted.block)
        _expect_root(tree, checkpoint)
        tiles.finish()
    finally:
        log.close()
    try:
        replace_file(folder / CHECKPOINT_FILE, note.encode())
    except OSError as error:
        raise _unwritable(folder, error) from error
    return checkpoint


class _TileWriter:
    """Takes blocks in order and writes each tile and bundle when it is full, partial ones at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._headers: list[bytes] = []
        self._levels: list[list[bytes]] = []
        self._full: list[int] = []

    def add(self, block: Block) -> None:
        self._headers.append(block.header_bytes)
        self._add_hash(0, block.block_hash)
        if len(self._headers) == TILE_WIDTH:
            self._write_bundle(self._full[0] - 1)

    def finish(self) -> None:
        if self._headers:
            self._write_bundle(self._full[0])
        for level, hashes in enumerate(self._levels):
            if hashes:
                self._write(Tile(level, self._full[level], len(hashes)), b"".join(hashes))

    def _add_hash(self, level: int, node: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._full.append(0)
        hashes = self._levels[level]
        hashes.append(node)
        if len(hashes) == TILE_WIDTH:
            self._write(Tile(level, self._full[level]), b"".join(hashes))
            self._full[level] += 1
            self._levels[level] = []
            self._add_hash(level + 1, tree_hash(hashes))

    def _write_bundle(self, position: int) -> None:
        self._write(Bundle(position, len(self._headers)), encode_bundle(self._headers))
        self._headers = []

    def _write(self, what: Tile | Bundle, data: bytes) -> None:
        path = self._folder / format_path(what)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                replace_file(path, data)
            elif path.read_bytes() != data:
                raise IntegrityError(
                    f"{path} holds other hashes than the journal: one of the two was changed",
                    hint="`indelible audit` checks the journal; tiles can be exported anew elsewhere",
                )
        except OSError as error:
            raise _unwritable(self._folder, error) from error


def _expect_newer(folder: Path, checkpoint: Checkpoint) -> None:
    """Refuse a folder with something else in it, or with the tiles of a larger tree."""
    path = folder / CHECKPOINT_FILE
    try:
        if not path.exists():
            if folder.exists() and any(folder.iterdir()) and not (folder / "tile").is_dir():
                raise InputError(f"{folder} is not empty and holds no tiles")
            return
        with path.open("rb") as file:
            there = parse_checkpoint(parse_note(file.read(NOTE_SIZE_MAX)).text)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if there.origin != checkpoint.origin:
        raise InputError(f"{folder} holds the tiles of {there.origin}, not of {checkpoint.origin}")
    if there.tree_size > checkpoint.tree_size:
        raise InputError(
            f"{folder} holds a tree of {there.tree_size} blocks, this one has "
            f"{checkpoint.tree_size}: it does not go back"
        )


def _expect_root(tree: CompactRange, checkpoint: Checkpoint) -> None:
    if tree.tree_size != checkpoint.tree_size or tree.root() != checkpoint.root_hash:
        raise IntegrityError(
            f"the checkpoint is of {checkpoint.tree_size} blocks with root "
            f"{checkpoint.root_hash.hex()}; the journal's tree of {tree.tree_size} has "
            f"{tree.root().hex()}",
            hint="`indelible audit` says more; do not trust this journal",
        )


def _unwritable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot write {folder}: {error.strerror or error}")
