"""The ledger's tree, read from what the state store keeps of it.

```
level 8   [0, 256)                     stored: the complete subtrees of every fourth level, in tree_nodes
level 4   [0, 16) [16, 32) ...
level 0   the leaves: hashes of the headers in blocks
```

A subtree of a level between is folded from at most 8 of the nearest stored level below. So a commit
writes a node once in 16 blocks, and a proof reads some dozens of rows, 16 of them side by side.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import apsw

from journal.errors import IntegrityError
from journal.hashing import leaf_hash, tree_hash
from verifier.merkle import CompactRange, NodeId, compact_node_ids

_LEVELS_BETWEEN: Final = 4
_LEAVES: Final = (
    "select sequence_number, header from blocks where sequence_number >= ? and sequence_number < ?"
    " order by sequence_number"
)
_NODES: Final = (
    "select position, hash from tree_nodes where level = ? and position >= ? and position < ?"
    " order by position"
)


class StoredTree:
    """`verifier.merkle.HashReader` over a state store's connection.

    What it reads is of one moment if the connection is in a transaction.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def read(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """Hashes of complete subtrees, in the same order.

        One range of 16 rows for all nodes of four levels that lie under one stored node: a proof of
        20 hashes takes 5 such reads.

        Raises:
            IntegrityError: The store lacks one.
            apsw.Error: The store cannot be read.
        """
        groups: dict[NodeId, list[bytes]] = {}
        return [self._fold(node, groups) for node in nodes]

    def _fold(self, node: NodeId, groups: dict[NodeId, list[bytes]]) -> bytes:
        level, position = node
        height = level % _LEVELS_BETWEEN
        group = NodeId(level - height, position >> (_LEVELS_BETWEEN - height))
        if (stored := groups.get(group)) is None:
            stored = groups[group] = self._stored(group)
        start = (position << height) - (group.position << _LEVELS_BETWEEN)
        hashes = stored[start : start + (1 << height)]
        if len(hashes) != 1 << height:
            raise IntegrityError(
                f"the state store lacks a part of tree node {(level, position)}",
                hint="`indelible rebuild` makes it again from the journal",
            )
        return tree_hash(hashes) if height else hashes[0]

    def _stored(self, group: NodeId) -> list[bytes]:
        """The stored nodes of one level, of the 16 in a group, up to the first that is not there."""
        first, end = (at << _LEVELS_BETWEEN for at in (group.position, group.position + 1))
        if group.level:
            rows: Any = self._connection.execute(_NODES, (group.level, first, end))
        else:
            rows = self._connection.execute(_LEAVES, (first, end))
        found: list[bytes] = []
        for position, value in rows:
            if position != first + len(found):
                break
            found.append(value if group.level else leaf_hash(value))
        return found


def load_tree(connection: apsw.Connection, tree_size: int) -> CompactRange:
    """The tree over the first `tree_size` blocks.

    Raises:
        IntegrityError: The store lacks a node of it.
    """
    return CompactRange(tree_size, StoredTree(connection).read(compact_node_ids(tree_size)))


def stored_nodes(completed: Iterable[tuple[NodeId, bytes]]) -> list[tuple[int, int, bytes]]:
    """The rows of `tree_nodes` for subtrees that became complete."""
    return [
        (node.level, node.position, node_hash)
        for node, node_hash in completed
        if node.level and node.level % _LEVELS_BETWEEN == 0
    ]
