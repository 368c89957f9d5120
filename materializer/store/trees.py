"""The ledger's tree, read from its complete subtrees."""

from typing import Any

import apsw

from journal.errors import IntegrityError
from verifier.merkle import CompactRange, NodeId, compact_node_ids


def load_tree(connection: apsw.Connection, tree_size: int) -> CompactRange:
    """The tree over the first `tree_size` blocks.

    Raises:
        IntegrityError: The store lacks a node of it.
    """
    return CompactRange(
        tree_size, [_node(connection, node) for node in compact_node_ids(tree_size)]
    )


def _node(connection: apsw.Connection, node: NodeId) -> bytes:
    row: Any = connection.execute(
        "select hash from tree_nodes where level = ? and position = ?", node
    ).fetchone()
    if row is None:
        raise IntegrityError(
            f"the state store lacks tree node {tuple(node)}",
            hint="`indelible rebuild` makes it again from the journal",
        )
    return row[0]  # type: ignore[no-any-return]
