import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.errors import InputError
from journal.hashing import leaf_hash, tree_hash
from verifier.merkle import Leaves
from verifier.tiles import (
    INDEX_MAX,
    Bundle,
    Tile,
    bundles_of,
    decode_bundle,
    encode_bundle,
    format_path,
    hashes_of,
    is_in_tree,
    parse_path,
    tile_bytes,
    tiles_of,
)

LEAVES = [leaf_hash(b"%d" % n) for n in range(66_000)]
READER = Leaves(LEAVES)

PATHS = {
    "tile/0/000": Tile(0, 0),
    "tile/0/255": Tile(0, 255),
    "tile/0/x001/234": Tile(0, 1234),
    "tile/0/x001/x234/067": Tile(0, 1234067),
    "tile/0/x001/234.p/112": Tile(0, 1234, 112),
    "tile/63/999.p/1": Tile(63, 999, 1),
    "tile/entries/000": Bundle(0),
    "tile/entries/x001/000.p/255": Bundle(1000, 255),
}
"""Paths of C2SP tlog-tiles."""


@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_the_standard_is_written_and_read(path):
    assert format_path(PATHS[path]) == path
    assert parse_path(path) == PATHS[path]


@given(
    st.builds(Tile, st.integers(0, 63), st.integers(0, INDEX_MAX), st.integers(1, 256))
    | st.builds(Bundle, st.integers(0, INDEX_MAX), st.integers(1, 256))
)
def test_a_path_is_read_as_it_was_written(what):
    assert parse_path(format_path(what)) == what


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/", "tile/0", "tile/0/", "checkpoint", "/tile/0/000", "tile/0/000/",
        "tile/00/000", "tile/01/000", "tile/64/000", "tile/99/000", "tile/-1/000", "tile/100/000",
        "tile/a/000", "tile/Entries/000", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1234",
        "tile/0/x000/000", "tile/0/x000/x001/000", "tile/0/x000/234", "tile/0/001/234",
        "tile/0/x001", "tile/0/x001/x234", "tile/0/X001/234", "tile/0/x1/234", "tile/0/../000",
        "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p/256",
        "tile/0/000.p/257", "tile/0/000.p/999", "tile/0/000.p/1000", "tile/0/000.p/-1",
        "tile/0/000.p/1/", "tile/0/000p/1", "tile/0/000/p/1", "tile/0/000.p/1\n", "tile/0/000\n",
        "tile/0/٠٠٠", "tile/0/０００", "tile/²/000", "tile/0/000?x=1", "tile//000", "tile/0//000",
        "tile/0/" + "x999/" * 6 + "999", "tile/0/" + "x999/" * 100_000 + "999",
        "tile/" + "9" * 100_000 + "/000", "tile/0/000.p/" + "9" * 100_000, "tile/0/000\x00", "\ud800",
    ],
    ids=lambda path: ascii(path)[:40],
)  # fmt: skip
def test_another_path_is_refused(path):
    with pytest.raises(InputError):
        parse_path(path)


@given(st.text("tile/0123456789x.p/entries", max_size=30).map(lambda text: "tile/" + text))
def test_any_path_is_read_as_it_stands_or_refused(path):
    try:
        what = parse_path(path)
    except InputError:
        return
    assert format_path(what) == path


def test_the_tiles_of_the_standards_example():
    tiles = list(tiles_of(70_000))

    assert tiles[:273] == [Tile(0, n) for n in range(273)]
    assert tiles[273:] == [Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(st.integers(1, 200_000))
def test_the_tiles_of_a_tree_are_in_it_and_hold_each_hash_once(size):
    tiles = list(tiles_of(size))

    assert all(is_in_tree(tile, size) for tile in tiles)
    assert len(set(tiles)) == len(tiles)
    for level in range(3):
        here = [tile for tile in tiles if tile.level == level]
        assert sum(tile.width for tile in here) == size >> 8 * level
        assert [tile.position for tile in here] == list(range(len(here)))
        assert all(tile.width == 256 for tile in here[:-1])
    assert [Tile(0, *bundle) for bundle in bundles_of(size)] == [t for t in tiles if not t.level]


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_growing_adds_the_tiles_that_the_smaller_tree_has_not(size, since):
    new, all_of_them = list(tiles_of(size, since)), list(tiles_of(size))
    old = set(tiles_of(since))

    if since <= size:
        assert new == [tile for tile in all_of_them if tile not in old]
    else:
        assert new == []
    assert list(bundles_of(size, since)) == [Bundle(*tile[1:]) for tile in new if not tile.level]


@pytest.mark.parametrize(
    ("tile", "size", "expected"),
    [
        (Tile(0, 0, 1), 0, False),
        (Tile(0, 0, 1), 1, True),
        (Tile(0, 0, 255), 256, True),
        (Tile(0, 0), 255, False),
        (Tile(1, 0, 1), 255, False),
        (Tile(1, 0, 1), 256, True),
        (Tile(1, 0), 65_535, False),
        (Tile(1, 0), 65_536, True),
        (Tile(63, 0, 1), 2**63 - 1, False),
        (Tile(7, 0, 127), 2**63 - 1, True),
        (Tile(7, 0, 128), 2**63 - 1, False),
        (Bundle(273, 112), 70_000, True),
        (Bundle(273, 113), 70_000, False),
    ],
)
def test_a_tile_is_in_a_tree_if_all_its_hashes_are(tile, size, expected):
    assert is_in_tree(tile, size) == expected


@pytest.mark.parametrize(
    "tile", [Tile(0, 0, 1), Tile(0, 5), Tile(0, 257, 208), Tile(1, 0), Tile(1, 1, 1), Tile(2, 0, 1)]
)
def test_each_hash_of_a_tile_is_that_of_its_leaves(tile):
    data = tile_bytes(tile, READER)

    span = 256**tile.level
    first = tile.position * 256 * span
    assert hashes_of(data, tile.width) == [
        tree_hash(LEAVES[first + i * span : first + (i + 1) * span]) for i in range(tile.width)
    ]


def test_a_tile_is_one_read():
    reads = []

    class Reader:
        def read(self, nodes):
            reads.append(len(nodes))
            return READER.read(nodes)

    tile_bytes(Tile(0, 1), Reader())

    assert reads == [256]


@pytest.mark.parametrize(
    "tile", [Tile(0, 0, 0), Tile(0, 0, 257), Tile(-1, 0), Tile(64, 0), Tile(0, -1), Tile(0, 258)]
)
def test_a_tile_that_there_is_not_is_refused(tile):
    with pytest.raises(InputError):
        tile_bytes(tile, READER)


def test_a_full_tile_has_what_a_part_of_it_has():
    whole = tile_bytes(Tile(0, 3), READER)

    assert whole.startswith(tile_bytes(Tile(0, 3, 17), READER))
    assert hashes_of(whole, 17) == hashes_of(tile_bytes(Tile(0, 3, 17), READER), 17)


@pytest.mark.parametrize(("size", "width"), [(0, 1), (31, 1), (32, 2), (33, 1), (8191, 256)])
def test_a_tile_of_another_size_is_refused(size, width):
    with pytest.raises(InputError, match=f"a tile of {width} hashes has {size} bytes"):
        hashes_of(bytes(size), width)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=256))
def test_a_bundle_is_read_as_it_was_written(entries):
    data = encode_bundle(entries)

    assert decode_bundle(data, len(entries)) == entries
    assert decode_bundle(data, 1) == entries[:1]
    for end in range(1, min(len(data), 40)):
        with pytest.raises(InputError):
            decode_bundle(data[:-end], len(entries))


def test_the_bytes_of_a_bundle():
    assert encode_bundle([b"", b"ab", b"x" * 300]).hex().startswith("000000026162012c7878")


@pytest.mark.parametrize(
    "entries", [[], [b""] * 257, [b"x" * 65_536]], ids=["none", "257", "large"]
)
def test_what_no_bundle_holds_is_refused(entries):
    with pytest.raises(InputError):
        encode_bundle(entries)


@given(st.binary(max_size=60), st.integers(1, 256))
def test_any_bytes_are_a_bundle_or_refused(data, width):
    try:
        entries = decode_bundle(data, width)
    except InputError:
        return
    assert data.startswith(encode_bundle(entries))
