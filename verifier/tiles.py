"""The ledger's tree cut into files that any tlog client can read: which there are, and what is in them.

```
tile/<L>/<N>[.p/<W>]          256 hashes (or W, at the right edge), 32 bytes each
tile/entries/<N>[.p/<W>]      256 entries (or W), each a 2-byte length and so many bytes: block headers
checkpoint                    the newest checkpoint, the only file that changes

tile level 1                  [ hash of leaves 0..255 | 256..511 | ...                ]
tile level 0                  [ leaf 0 | 1 | .. | 255 ] [ 256 | .. | 511 ] [ 512 | .. ]
```

Hash i of tile N at level L stands for the leaves `[(256 N + i) 256^L, (256 N + i + 1) 256^L)`, so it is
node `(8 L, 256 N + i)` of the tree. Tiles hold complete subtrees only, so no hash in them ever changes.

Source: C2SP tlog-tiles.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from journal.errors import InputError
from journal.hashing import HASH_SIZE
from verifier.merkle import TREE_SIZE_MAX, HashReader, NodeId

TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
LEVEL_MAX: Final = 63
ENTRY_SIZE_MAX: Final = 0xFFFF
INDEX_MAX: Final = TREE_SIZE_MAX // TILE_WIDTH

_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """A hash tile; `width` hashes, 1 to 256."""

    level: int
    position: int
    width: int = TILE_WIDTH


class Bundle(NamedTuple):
    """An entry bundle; `width` entries, 1 to 256. Entry i belongs to hash i of the level-0 tile."""

    position: int
    width: int = TILE_WIDTH


def format_path(what: Tile | Bundle) -> str:
    """Where a tile or bundle stands below the log's prefix.

    >>> format_path(Tile(0, 1234067)), format_path(Bundle(273, 112))
    ('tile/0/x001/x234/067', 'tile/entries/273.p/112')
    """
    level = str(what.level) if isinstance(what, Tile) else "entries"
    digits = str(what.position)
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    index = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    partial = "" if what.width == TILE_WIDTH else f".p/{what.width}"
    return f"tile/{level}/{index}{partial}"


def parse_path(path: str) -> Tile | Bundle:
    """Read a path; only the one that `format_path` writes is right.

    Raises:
        InputError: It is none, or the tile could be in no tree.
    """
    match = _PATH.fullmatch(path)
    if match is None or not path.isascii():
        raise InputError("this is no path of a tile: tile/<level>/<index>[.p/<width>]")
    index = int(match["index"].replace("x", "").replace("/", ""))
    width = int(match["width"] or TILE_WIDTH)
    found = (
        Bundle(index, width)
        if match["level"] == "entries"
        else Tile(int(match["level"]), index, width)
    )
    if index > INDEX_MAX or width > TILE_WIDTH or format_path(found) != path:
        raise InputError("this is no path of a tile: it is written otherwise")
    if isinstance(found, Tile) and found.level > LEVEL_MAX:
        raise InputError(f"tiles have levels up to {LEVEL_MAX}")
    return found


def is_in_tree(what: Tile | Bundle, tree_size: int) -> bool:
    """Whether a tree of this size has all of it; a part of a tile (a smaller width) counts too.

    >>> is_in_tree(Tile(1, 0, 1), 256), is_in_tree(Tile(1, 0, 1), 255)
    (True, False)
    """
    level = what.level if isinstance(what, Tile) else 0
    return what.position * TILE_WIDTH + what.width <= tree_size >> TILE_HEIGHT * level


def tiles_of(tree_size: int, since: int = 0) -> Iterator[Tile]:
    """The tiles of a tree, level by level, left to right; without those that the tree of `since` has.

    >>> [format_path(tile) for tile in tiles_of(257)]
    ['tile/0/000', 'tile/0/001.p/1', 'tile/1/000.p/1']
    """
    level = 0
    while tree_size >> TILE_HEIGHT * level:
        shift = TILE_HEIGHT * level
        for index, width in _cut(tree_size >> shift, since >> shift):
            yield Tile(level, index, width)
        level += 1


def bundles_of(tree_size: int, since: int = 0) -> Iterator[Bundle]:
    """The bundles of a tree, left to right; without those that the tree of `since` has."""
    for index, width in _cut(tree_size, since):
        yield Bundle(index, width)


def tile_bytes(tile: Tile, reader: HashReader) -> bytes:
    """The content of a tile, 32 bytes a hash; one read of `tile.width` hashes.

    Raises:
        InputError: A tile of another width, or one that the reader's tree does not have.
    """
    if not 1 <= tile.width <= TILE_WIDTH or not 0 <= tile.level <= LEVEL_MAX or tile.position < 0:
        raise InputError(f"there is no such tile: {tile}")
    first = tile.position * TILE_WIDTH
    nodes = [NodeId(TILE_HEIGHT * tile.level, place) for place in range(first, first + tile.width)]
    return b"".join(reader.read(nodes))


def hashes_of(data: bytes, width: int = TILE_WIDTH) -> list[bytes]:
    """The first `width` hashes of a tile's content.

    Raises:
        InputError: It has less, or is cut within a hash.
    """
    if len(data) % HASH_SIZE or len(data) < width * HASH_SIZE:
        raise InputError(f"a tile of {width} hashes has {len(data)} bytes")
    return [data[at : at + HASH_SIZE] for at in range(0, width * HASH_SIZE, HASH_SIZE)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The content of a bundle.

    Raises:
        InputError: Not 1 to 256 entries, or one of more than 65,535 bytes.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise InputError(f"a bundle has 1 to {TILE_WIDTH} entries, not {len(entries)}")
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_SIZE_MAX:
            raise InputError(f"an entry of a bundle has at most {ENTRY_SIZE_MAX} bytes")
        parts += len(entry).to_bytes(2), entry
    return b"".join(parts)


def decode_bundle(data: bytes, width: int = TILE_WIDTH) -> list[bytes]:
    """The first `width` entries of a bundle's content.

    Raises:
        InputError: It has less, or is cut within an entry.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2])
        if at + 2 > len(data) or end > len(data):
            raise InputError(f"the bundle is cut within entry {len(entries)}")
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) < width:
        raise InputError(f"a bundle of {width} entries has {len(entries)}")
    return entries[:width]


def _cut(count: int, since: int) -> Iterator[tuple[int, int]]:
    """Index and width of the pieces of `count` things, from the first that `since` did not fill."""
    if count <= since:
        return
    full, rest = divmod(count, TILE_WIDTH)
    for index in range(since // TILE_WIDTH, full):
        yield index, TILE_WIDTH
    if rest:
        yield full, rest
