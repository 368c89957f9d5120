"""RFC 6962 trees. `test_published_*` compare with published vectors, the others with ourselves."""

import pytest

from journal.hashing import EMPTY_ROOT, leaf_hash, node_hash, tree_hash
from tests.support import reference_merkle
from tests.support.published_tree import LEAVES, ROOTS


@pytest.mark.parametrize("size", range(9))
def test_published_roots_come_out(size):
    leaf_hashes = [leaf_hash(leaf) for leaf in LEAVES[:size]]

    assert ROOTS[size] == tree_hash(leaf_hashes).hex()


@pytest.mark.parametrize("size", range(9))
def test_published_roots_come_out_of_the_reference_too(size):
    assert ROOTS[size] == reference_merkle.tree_hash(LEAVES[:size]).hex()


def test_a_tree_of_any_size_has_the_root_of_the_recursive_definition():
    leaves = [bytes([n]) for n in range(200)]
    leaf_hashes = [leaf_hash(leaf) for leaf in leaves]

    for size in range(201):
        assert reference_merkle.tree_hash(leaves[:size]) == tree_hash(leaf_hashes[:size])


def test_the_empty_tree_has_the_hash_of_nothing_as_root():
    assert tree_hash([]) == EMPTY_ROOT


def test_a_node_is_never_taken_for_a_leaf():
    left, right = leaf_hash(b"l"), leaf_hash(b"r")

    assert node_hash(left, right) != leaf_hash(left + right)
    assert node_hash(left, right) != node_hash(right, left)


def test_the_leaf_hashes_given_are_left_as_they_are():
    leaf_hashes = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]
    before = list(leaf_hashes)

    tree_hash(leaf_hashes)

    assert before == leaf_hashes
