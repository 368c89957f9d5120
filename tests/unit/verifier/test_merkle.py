import pytest

from journal.hashing import EMPTY_ROOT, leaf_hash
from tests.support import reference_merkle
from verifier.merkle import CompactRange, NodeId, compact_node_ids

SIZE_MAX = 200
LEAVES = [b"leaf %d" % n for n in range(SIZE_MAX)]
LEAF_HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def leaves_of(node: NodeId) -> list[bytes]:
    """The leaves below a node."""
    return LEAVES[node.position << node.level : (node.position + 1) << node.level]


def grown() -> list[tuple[CompactRange, list[tuple[NodeId, bytes]]]]:
    """The trees of sizes 1, 2, ... and what each append completed."""
    tree, steps = CompactRange(), []
    for leaf in LEAF_HASHES:
        tree, completed = tree.append(leaf)
        steps.append((tree, completed))
    return steps


STEPS = grown()


def test_a_tree_of_every_size_has_the_root_of_the_recursive_definition():
    for size, (tree, _) in enumerate(STEPS, start=1):
        assert tree.tree_size == size
        assert reference_merkle.tree_hash(LEAVES[:size]) == tree.root()


def test_the_empty_tree_has_the_empty_root():
    assert CompactRange().root() == EMPTY_ROOT


def test_a_tree_is_kept_as_the_hashes_of_its_largest_complete_subtrees():
    for size, (tree, _) in enumerate(STEPS, start=1):
        expected = [reference_merkle.tree_hash(leaves_of(node)) for node in compact_node_ids(size)]

        assert expected == list(tree.hashes)


def test_the_largest_complete_subtrees_cover_the_leaves_left_to_right():
    for size in range(SIZE_MAX + 1):
        ids = compact_node_ids(size)
        covered = [
            place
            for node in ids
            for place in range(node.position << node.level, (node.position + 1) << node.level)
        ]

        assert covered == list(range(size))
        assert len(ids) == size.bit_count()


def test_an_append_completes_each_node_once_with_its_right_hash():
    seen: dict[NodeId, bytes] = {}
    for index, (_, completed) in enumerate(STEPS):
        assert completed[0] == (NodeId(0, index), LEAF_HASHES[index])
        for node, value in completed:
            assert node not in seen
            assert (node.position + 1) << node.level == index + 1
            assert reference_merkle.tree_hash(leaves_of(node)) == value
            seen[node] = value

    assert len(seen) == sum(SIZE_MAX >> level for level in range(SIZE_MAX.bit_length()))


def test_a_tree_taken_up_from_its_hashes_goes_on_as_before():
    for size in (1, 2, 3, 7, 8, 100, 127, 128):
        tree = STEPS[size - 1][0]

        again = CompactRange(size, tree.hashes)

        assert STEPS[size][0].root() == again.append(LEAF_HASHES[size])[0].root()


def test_appending_leaves_the_tree_as_it_was():
    tree = STEPS[2][0]
    before = (tree.tree_size, tree.hashes, tree.root())

    tree.append(LEAF_HASHES[0])

    assert before == (tree.tree_size, tree.hashes, tree.root())


@pytest.mark.parametrize(("tree_size", "count"), [(0, 1), (1, 0), (3, 1), (4, 2)])
def test_hashes_of_another_number_than_the_size_needs_are_refused(tree_size, count):
    with pytest.raises(ValueError, match="hashes for a tree of"):
        CompactRange(tree_size, [bytes(32)] * count)


def test_the_subtrees_of_a_huge_tree_are_found():
    size = 2**63 + 2**20 + 1

    assert compact_node_ids(size) == [NodeId(63, 0), NodeId(20, 2**43), NodeId(0, 2**63 + 2**20)]
