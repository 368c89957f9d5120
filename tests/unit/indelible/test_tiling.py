"""Tiles as static files: what C2SP tlog-tiles asks for, checked by reading them as a stranger would."""

from pathlib import Path

import pytest

import indelible
from indelible.client.addresses import FileAddress
from indelible.engine.tiling import export_tiles
from journal.errors import InputError, IntegrityError
from journal.hashing import leaf_hash, tree_hash
from verifier.checkpoint import open_checkpoint
from verifier.tiles import bundles_of, decode_bundle, format_path, hashes_of, tiles_of


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A ledger of 300 blocks, and its checkpoints at 1, 256, 257 and 300."""
    folder = tmp_path_factory.mktemp("tiles") / "ledger"
    notes = {}
    with indelible.connect(f"file:{folder}") as opened:
        notes[1] = opened.checkpoint().note
        opened.execute("CREATE TABLE cars")
        for number in range(2, 300):
            opened.execute("INSERT INTO cars ?", {"n": number})
            if number + 1 in {256, 257, 300}:
                notes[number + 1] = opened.checkpoint().note
        key = opened.status().checkpoint_key
    return FileAddress(folder=folder), notes, key


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def root_of(folder: Path, tree_size: int) -> bytes:
    """The root, computed from entry bundles alone; each hash tile compared with it on the way."""
    entries = [
        entry
        for bundle in bundles_of(tree_size)
        for entry in decode_bundle((folder / format_path(bundle)).read_bytes(), bundle.width)
    ]
    leaves = [leaf_hash(entry) for entry in entries]
    for tile in tiles_of(tree_size):
        width = 256**tile.level
        expected = [
            tree_hash(leaves[place * width : (place + 1) * width])
            for place in range(tile.position * 256, tile.position * 256 + tile.width)
        ]
        assert hashes_of((folder / format_path(tile)).read_bytes(), tile.width) == expected
    return tree_hash(leaves)


@pytest.mark.parametrize("tree_size", [1, 256, 257, 300])
def test_tiles_of_a_tree_are_all_there_and_lead_to_the_signed_root(ledger, tmp_path, tree_size):
    address, notes, key = ledger
    found = export_tiles(address, tmp_path / "t", notes[tree_size])

    assert found.tree_size == tree_size
    wanted = {"checkpoint"} | {
        format_path(what) for what in [*tiles_of(tree_size), *bundles_of(tree_size)]
    }
    assert files_in(tmp_path / "t") == wanted
    opened = open_checkpoint((tmp_path / "t" / "checkpoint").read_bytes(), key)
    assert root_of(tmp_path / "t", tree_size) == opened.root_hash


def test_a_folder_grows_and_keeps_what_it_had(ledger, tmp_path):
    address, notes, _ = ledger
    for tree_size in (256, 257, 300, 300):
        export_tiles(address, tmp_path, notes[tree_size])

    assert {"tile/0/001.p/1", "tile/0/001.p/44", "tile/0/000", "tile/1/000.p/1"} <= files_in(
        tmp_path
    )
    assert (tmp_path / "checkpoint").read_text() == notes[300]


def test_it_does_not_go_back(ledger, tmp_path):
    address, notes, _ = ledger
    export_tiles(address, tmp_path, notes[300])

    with pytest.raises(InputError, match="does not go back"):
        export_tiles(address, tmp_path, notes[257])


def test_another_tree_is_never_written_over(ledger, tmp_path):
    address, notes, _ = ledger
    export_tiles(address, tmp_path, notes[256])
    (tmp_path / "tile/0/000").write_bytes(bytes(8192))

    with pytest.raises(IntegrityError, match="holds other hashes"):
        export_tiles(address, tmp_path, notes[300])
    assert (tmp_path / "checkpoint").read_text() == notes[256]


def test_another_ledgers_folder_is_refused(ledger, tmp_path):
    address, notes, _ = ledger
    export_tiles(address, tmp_path / "t", notes[256])
    with indelible.connect(f"file:{tmp_path / 'other'}") as other:
        note = other.checkpoint().note

    with pytest.raises(InputError, match="holds the tiles of"):
        export_tiles(FileAddress(folder=tmp_path / "other"), tmp_path / "t", note)


def test_a_folder_with_something_else_is_refused(ledger, tmp_path):
    address, notes, _ = ledger
    (tmp_path / "file").write_text("x")

    with pytest.raises(InputError, match="holds no tiles"):
        export_tiles(address, tmp_path, notes[256])


def test_a_checkpoint_of_another_tree_is_found(ledger, tmp_path):
    address, notes, _ = ledger
    lines = notes[256].split("\n")
    forged = "\n".join([lines[0], "255", *lines[2:]])

    with pytest.raises(IntegrityError, match="the checkpoint is of 255 blocks"):
        export_tiles(address, tmp_path / "t", forged)
    assert not (tmp_path / "t" / "checkpoint").exists()
