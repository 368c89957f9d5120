"""The fast proofs are those of RFC 6962's recursive definitions, and nothing but them verifies."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.errors import ProofRejectedError
from journal.hashing import leaf_hash
from tests.support import reference_merkle
from verifier.merkle import (
    TREE_SIZE_MAX,
    CompactRange,
    Leaves,
    NodeId,
    implied_roots,
    prove_consistency,
    prove_inclusion,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

QUICK, FULL = 48, 200
LEAVES = [b"leaf %d" % n for n in range(3000)]
LEAF_HASHES = [leaf_hash(leaf) for leaf in LEAVES]
READER = Leaves(LEAF_HASHES)
ROOTS = [tree_root(size, READER) for size in range(len(LEAVES) + 1)]
SIZES = st.integers(1, len(LEAVES))
EVERY_SIZE = [QUICK, pytest.param(FULL, marks=pytest.mark.slow)]


class Uniform:
    """A tree whose leaves are all alike: of any size, since each level has one hash."""

    def __init__(self):
        self.levels = [leaf_hash(b"")]
        while len(self.levels) < 64:
            self.levels.append(sha256(b"\x01" + self.levels[-1] * 2).digest())

    def read(self, nodes: list[NodeId]) -> list[bytes]:
        return [self.levels[node.level] for node in nodes]


@pytest.mark.parametrize("size_max", EVERY_SIZE)
def test_each_inclusion_proof_is_the_path_of_the_definition(size_max):
    for size in range(1, size_max + 1):
        assert reference_merkle.tree_hash(LEAVES[:size]) == ROOTS[size]
        for index in range(size):
            proof = prove_inclusion(index, size, READER)

            assert reference_merkle.inclusion_proof(index, LEAVES[:size]) == proof
            verify_inclusion(LEAF_HASHES[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize("size_max", EVERY_SIZE)
def test_each_consistency_proof_is_that_of_the_definition(size_max):
    for size_2 in range(1, size_max + 1):
        for size_1 in range(1, size_2 + 1):
            proof = prove_consistency(size_1, size_2, READER)

            assert reference_merkle.consistency_proof(size_1, LEAVES[:size_2]) == proof
            verify_consistency(size_1, ROOTS[size_1], size_2, ROOTS[size_2], proof)


@given(SIZES, st.data())
def test_proofs_in_larger_trees_are_those_of_the_definition(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(index, size, READER)
    assert reference_merkle.inclusion_proof(index, LEAVES[:size]) == proof
    verify_inclusion(LEAF_HASHES[index], index, size, proof, ROOTS[size])

    proof = prove_consistency(index + 1, size, READER)
    assert reference_merkle.consistency_proof(index + 1, LEAVES[:size]) == proof
    verify_consistency(index + 1, ROOTS[index + 1], size, ROOTS[size], proof)


@given(st.integers(1, TREE_SIZE_MAX), st.data())
def test_proofs_in_trees_of_any_size_verify(size, data):
    reader = Uniform()
    index = data.draw(st.integers(0, size - 1))
    before = data.draw(st.integers(1, size))
    root = tree_root(size, reader)

    inclusion = prove_inclusion(index, size, reader)
    consistency = prove_consistency(before, size, reader)

    assert len(inclusion) <= 64
    assert len(consistency) <= 64
    verify_inclusion(leaf_hash(b""), index, size, inclusion, root)
    verify_consistency(before, tree_root(before, reader), size, root, consistency)


@given(SIZES, st.data())
def test_a_leaf_proves_itself_at_no_other_index_and_in_no_other_tree(size, data):
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, len(LEAVES) - 1).filter(lambda n: n != index))
    other_size = data.draw(SIZES.filter(lambda n: n != size))
    proof = prove_inclusion(index, size, READER)

    for leaf, place, tree_size, root in (
        (index, other, size, ROOTS[size]),
        (other, index, size, ROOTS[size]),
        (index, index, other_size, ROOTS[other_size]),
        (index, index, size, ROOTS[other_size]),
    ):
        with pytest.raises(ProofRejectedError):
            verify_inclusion(LEAF_HASHES[leaf], place, tree_size, proof, root)


def mutations(proof: list[bytes], data) -> list[list[bytes]]:
    """Proofs that have one thing wrong."""
    found = [[*proof, bytes(32)], [bytes(32), *proof], [*proof, (proof or [bytes(32)])[-1]]]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(proof[at]) ^ 1 << bit).to_bytes(32)
        found += [
            proof[:at] + proof[at + 1 :],
            [*proof[:at], flipped, *proof[at + 1 :]],
            [*proof[:at], proof[at][:-1], *proof[at + 1 :]],
            [*proof[:at], proof[at] + b"\x00", *proof[at + 1 :]],
        ]
        if len(proof) > 1:
            found.append(proof[::-1])
    return found


@given(SIZES, st.data())
def test_a_changed_inclusion_proof_is_rejected(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(index, size, READER)

    for changed in mutations(proof, data):
        with pytest.raises(ProofRejectedError):
            verify_inclusion(LEAF_HASHES[index], index, size, changed, ROOTS[size])


@given(SIZES, st.data())
def test_a_changed_consistency_proof_is_rejected(size_2, data):
    size_1 = data.draw(st.integers(1, size_2))
    proof = prove_consistency(size_1, size_2, READER)

    for changed in mutations(proof, data):
        with pytest.raises(ProofRejectedError):
            verify_consistency(size_1, ROOTS[size_1], size_2, ROOTS[size_2], changed)


@given(SIZES, st.data())
def test_two_trees_that_differ_before_the_smaller_size_are_never_consistent(size_2, data):
    """And unless the smaller size is a power of two, the proof of the other tree shows it."""
    size_1 = data.draw(st.integers(1, size_2))
    changed = data.draw(st.integers(0, size_1 - 1))
    leaves = [*LEAF_HASHES[:changed], leaf_hash(b"another"), *LEAF_HASHES[changed + 1 : size_2]]
    fork = Leaves(leaves)
    root_2 = tree_root(size_2, fork)
    proof = prove_consistency(size_1, size_2, fork)

    with pytest.raises(ProofRejectedError):
        verify_consistency(size_1, ROOTS[size_1], size_2, root_2, proof)
    if size_1 < size_2 and size_1 & (size_1 - 1):
        assert implied_roots(size_1, ROOTS[size_1], size_2, proof) == (
            tree_root(size_1, fork),
            root_2,
        )


@given(st.integers(0, 600), st.integers(0, 40))
def test_a_grown_tree_has_the_nodes_that_a_reader_gives(size, more):
    grown, total = CompactRange(), min(size + more, len(LEAVES))
    nodes: dict[NodeId, bytes] = {}
    for leaf in LEAF_HASHES[:total]:
        grown, completed = grown.append(leaf)
        nodes.update(completed)

    assert ROOTS[total] == grown.root()
    assert list(nodes.values()) == READER.read(list(nodes))
