"""The ledger's tree read from the store is the tree over its blocks' headers."""

from pathlib import Path

import pytest

import indelible
from journal.errors import IntegrityError
from journal.hashing import leaf_hash, tree_hash
from materializer.store.schema import open_reader, open_writer
from materializer.store.trees import StoredTree, load_tree
from verifier.merkle import (
    Leaves,
    NodeId,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)

SIZE = 21


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with indelible.connect(f"file:{tmp_path}") as ledger:
        ledger.execute("CREATE TABLE t")
        for number in range(SIZE - 2):
            ledger.execute("INSERT INTO t ?", {"n": number})
    return tmp_path


def test_every_proof_of_every_size(folder: Path) -> None:
    connection = open_reader(folder / "state.db")
    headers = connection.execute("select header from blocks order by sequence_number").fetchall()
    leaves = [leaf_hash(header) for (header,) in headers]
    stored, computed = StoredTree(connection), Leaves(leaves)
    for size in range(1, SIZE + 1):
        root = tree_hash(leaves[:size])
        assert load_tree(connection, size).root() == root
        for index in range(size):
            proof = prove_inclusion(index, size, stored)
            assert proof == prove_inclusion(index, size, computed)
            verify_inclusion(leaves[index], index, size, proof, root)
        for smaller in range(1, size + 1):
            proof = prove_consistency(smaller, size, stored)
            verify_consistency(smaller, tree_hash(leaves[:smaller]), size, root, proof)
    connection.close()


def test_hashes_come_in_the_order_asked_for_also_doubled_and_many(folder: Path) -> None:
    connection = open_reader(folder / "state.db")
    stored = StoredTree(connection)
    nodes = [NodeId(0, 3), NodeId(2, 1), NodeId(0, 3), NodeId(1, 0)]
    many = [NodeId(0, number % SIZE) for number in range(1000)]

    assert stored.read([]) == []
    assert stored.read(nodes) == [stored.read([node])[0] for node in nodes]
    assert stored.read(many) == stored.read(many[:SIZE]) * 47 + stored.read(many[: 1000 % SIZE])
    connection.close()


@pytest.mark.parametrize("node", [NodeId(0, SIZE), NodeId(4, 1), NodeId(9, 0)])
def test_a_node_that_is_not_there_is_named(folder: Path, node: NodeId) -> None:
    connection = open_reader(folder / "state.db")
    with pytest.raises(
        IntegrityError, match=rf"lacks a part of tree node \({node[0]}, {node[1]}\)"
    ):
        StoredTree(connection).read([NodeId(0, 0), node])
    connection.close()


def test_a_gap_in_the_stored_nodes_never_gives_another_hash(folder: Path) -> None:
    connection = open_writer(folder / "state.db")
    nodes = [NodeId(0, number) for number in range(SIZE)]
    whole = StoredTree(connection).read(nodes)
    connection.execute("delete from blocks where sequence_number = 5").fetchall()

    for number in (0, 4):
        assert StoredTree(connection).read([NodeId(0, number)]) == [whole[number]]
    for node in (NodeId(0, 5), NodeId(0, 6), NodeId(1, 3), NodeId(3, 0)):
        with pytest.raises(IntegrityError, match="lacks a part"):
            StoredTree(connection).read([node])
    connection.close()
