"""RFC 6962 trees. `test_published_*` compare with published vectors, the others with ourselves."""

import pytest

from journal.hashing import EMPTY_ROOT, leaf_hash, node_hash, tree_hash
from tests.support import reference_merkle

# Leaf inputs and roots of the Certificate Transparency reference tree (transparency-dev/merkle,
# testonly/constants.go, Apache-2.0).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


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
