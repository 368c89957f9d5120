"""The ledger's Merkle tree: which nodes there are, and how it grows.

```
level 2          [0,4)                      position of a node at level l: the leaves
level 1     [0,2)     [2,4)                   [position << l, (position + 1) << l)
level 0     0    1    2    3    4           complete subtrees only; leaf n = hash of block n
```

A tree of n leaves is the sequence of its largest complete subtrees, one for each bit of n: the
`CompactRange`. Appending a leaf needs only these, and makes the nodes that are then complete.

Source: RFC 6962 section 2.1; the compact range as in transparency-dev's `merkle/compact`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from journal.hashing import EMPTY_ROOT, node_hash


class NodeId(NamedTuple):
    """A complete subtree: the leaves `[position << level, (position + 1) << level)`."""

    level: int
    position: int


def compact_node_ids(tree_size: int) -> list[NodeId]:
    """The largest complete subtrees of a tree, left to right; one for each 1-bit of its size.

    >>> compact_node_ids(5)
    [NodeId(level=2, position=0), NodeId(level=0, position=4)]
    """
    ids, start = [], 0
    for level in range(tree_size.bit_length() - 1, -1, -1):
        if tree_size >> level & 1:
            ids.append(NodeId(level, start >> level))
            start += 1 << level
    return ids


class CompactRange:
    """A tree by its largest complete subtrees; grows by one leaf at a time. Immutable."""

    __slots__ = ("hashes", "tree_size")

    def __init__(self, tree_size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """A tree of `tree_size` leaves; `hashes` of `compact_node_ids(tree_size)`, 32 bytes each."""
        if len(hashes) != tree_size.bit_count():
            raise ValueError(f"{len(hashes)} hashes for a tree of {tree_size}")
        self.tree_size = tree_size
        self.hashes = tuple(hashes)

    def append(self, leaf: bytes) -> tuple["CompactRange", list[tuple[NodeId, bytes]]]:
        """The tree with one more leaf, and the nodes that it completes, the leaf itself first."""
        position, level = self.tree_size, 0
        hashes, node = list(self.hashes), leaf
        completed = [(NodeId(0, position), leaf)]
        while position & 1:
            node = node_hash(hashes.pop(), node)
            position, level = position >> 1, level + 1
            completed.append((NodeId(level, position), node))
        hashes.append(node)
        return CompactRange(self.tree_size + 1, hashes), completed

    def root(self) -> bytes:
        """The root hash, 32 bytes."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root
