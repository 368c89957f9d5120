"""What `prove_*` and `verify_*` do with arguments that make no sense: typed errors, never a crash."""

import pytest

from journal.errors import InputError, ProofRejectedError
from journal.hashing import EMPTY_ROOT, leaf_hash
from verifier.merkle import (
    TREE_SIZE_MAX,
    Leaves,
    implied_roots,
    prove_consistency,
    prove_inclusion,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAF_HASHES = [leaf_hash(b"leaf %d" % n) for n in range(11)]
READER = Leaves(LEAF_HASHES)
ROOT, ROOT_7 = tree_root(11, READER), tree_root(7, READER)
INCLUSION = prove_inclusion(6, 11, READER)
CONSISTENCY = prove_consistency(7, 11, READER)

NUMBERS = [-1, -(1 << 63), TREE_SIZE_MAX + 1, 1 << 64, 1 << 4096, 1.0, "7", None, True, b"7", []]
HASHES = [b"", b"short", ROOT[:-1], ROOT + b"\x00", ROOT.hex(), None, 7, bytearray(ROOT), [ROOT]]
PROOFS = [None, "", "x" * 4, b"", ROOT, 7, {}, {ROOT: ROOT}, set(), iter(INCLUSION)]


def test_the_proofs_that_are_spoiled_here_are_right():
    verify_inclusion(LEAF_HASHES[6], 6, 11, INCLUSION, ROOT)
    verify_inclusion(LEAF_HASHES[6], 6, 11, tuple(INCLUSION), ROOT)
    verify_consistency(7, ROOT_7, 11, ROOT, CONSISTENCY)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: repr(number)[:20])
def test_a_number_that_is_no_size_is_rejected(number):
    for arguments in ((number, 11), (6, number)):
        with pytest.raises(ProofRejectedError):
            verify_inclusion(LEAF_HASHES[6], *arguments, INCLUSION, ROOT)
    for size_1, size_2 in ((number, 11), (7, number), (number, number)):
        with pytest.raises(ProofRejectedError):
            verify_consistency(size_1, ROOT_7, size_2, ROOT, CONSISTENCY)
        with pytest.raises(ProofRejectedError):
            verify_consistency(size_1, ROOT, size_2, ROOT, [])


@pytest.mark.parametrize("value", HASHES, ids=lambda value: repr(value)[:20])
def test_what_is_no_hash_is_rejected(value):
    with pytest.raises(ProofRejectedError):
        verify_inclusion(value, 6, 11, INCLUSION, ROOT)
    with pytest.raises(ProofRejectedError):
        verify_inclusion(LEAF_HASHES[6], 6, 11, INCLUSION, value)
    with pytest.raises(ProofRejectedError):
        verify_inclusion(LEAF_HASHES[6], 6, 11, [value, *INCLUSION[1:]], ROOT)
    with pytest.raises(ProofRejectedError):
        verify_consistency(7, value, 11, ROOT, CONSISTENCY)
    with pytest.raises(ProofRejectedError):
        verify_consistency(7, ROOT_7, 11, value, CONSISTENCY)
    with pytest.raises(ProofRejectedError):
        verify_consistency(7, ROOT_7, 11, ROOT, [*CONSISTENCY[:-1], value])


@pytest.mark.parametrize("proof", PROOFS, ids=lambda value: type(value).__name__)
def test_what_is_no_list_of_hashes_is_rejected(proof):
    with pytest.raises(ProofRejectedError):
        verify_inclusion(LEAF_HASHES[0], 0, 1, proof, LEAF_HASHES[0])
    with pytest.raises(ProofRejectedError):
        verify_consistency(7, ROOT_7, 7, ROOT_7, proof)
    with pytest.raises(ProofRejectedError):
        verify_consistency(7, ROOT_7, 11, ROOT, proof)


@pytest.mark.parametrize("count", [65, 100_000])
def test_a_proof_of_more_hashes_than_any_tree_has_levels_is_rejected(count):
    with pytest.raises(ProofRejectedError, match="at most 64"):
        verify_inclusion(LEAF_HASHES[0], 0, TREE_SIZE_MAX, [ROOT] * count, ROOT)
    with pytest.raises(ProofRejectedError, match="at most 64"):
        verify_consistency(7, ROOT_7, TREE_SIZE_MAX, ROOT, [ROOT] * count)


def test_a_proof_from_the_empty_tree_shows_nothing_and_is_rejected():
    for size in (0, 1, 11):
        with pytest.raises(ProofRejectedError, match="from a tree of 0"):
            verify_consistency(0, EMPTY_ROOT, size, EMPTY_ROOT, [])


def test_nothing_is_in_the_empty_tree():
    with pytest.raises(ProofRejectedError, match="no leaf 0"):
        verify_inclusion(LEAF_HASHES[0], 0, 0, [], EMPTY_ROOT)


def test_a_larger_tree_is_not_the_beginning_of_a_smaller_one():
    with pytest.raises(ProofRejectedError, match="from a tree of 11 to one of 7"):
        verify_consistency(11, ROOT, 7, ROOT_7, CONSISTENCY)


def test_a_rejected_proof_names_both_roots():
    with pytest.raises(ProofRejectedError, match=f"{ROOT.hex()}.*{ROOT_7.hex()}"):
        verify_inclusion(LEAF_HASHES[6], 6, 11, INCLUSION, ROOT_7)
    with pytest.raises(ProofRejectedError, match=f"{ROOT_7.hex()} at 7.*{ROOT.hex()}"):
        verify_consistency(7, ROOT, 11, ROOT, CONSISTENCY)


def test_a_short_proof_ends_before_the_root():
    for proof in ([], CONSISTENCY[:1], CONSISTENCY[:-1]):
        with pytest.raises(ProofRejectedError, match=r"empty|before the root"):
            verify_consistency(7, ROOT_7, 11, ROOT, proof)
    with pytest.raises(ProofRejectedError, match="before the root"):
        verify_inclusion(LEAF_HASHES[6], 6, 11, INCLUSION[:-1], ROOT)


def test_implied_roots_are_those_of_the_tree_that_the_proof_comes_from():
    assert implied_roots(7, bytes(32), 11, CONSISTENCY) == (ROOT_7, ROOT)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: repr(number)[:20])
def test_nothing_is_proved_about_a_number_that_is_no_size(number):
    for prove in (
        lambda: prove_inclusion(number, 11, READER),
        lambda: prove_inclusion(0, number, READER),
        lambda: prove_consistency(number, 11, READER),
        lambda: prove_consistency(7, number, READER),
        lambda: tree_root(number, READER),
    ):
        with pytest.raises(InputError):
            prove()


@pytest.mark.parametrize(("index", "size"), [(0, 0), (11, 11), (12, 11), (0, 12), (11, 13)])
def test_no_inclusion_proof_is_made_outside_the_tree(index, size):
    with pytest.raises(InputError):
        prove_inclusion(index, size, READER)


@pytest.mark.parametrize(("size_1", "size_2"), [(0, 0), (0, 11), (8, 7), (7, 12)])
def test_no_consistency_proof_is_made_outside_the_tree(size_1, size_2):
    with pytest.raises(InputError):
        prove_consistency(size_1, size_2, READER)


class Counting:
    """A reader that counts how often it is asked, and for how much."""

    def __init__(self):
        self.reads = []

    def read(self, nodes):
        self.reads.append(len(nodes))
        return READER.read(nodes)


def test_each_proof_is_one_read():
    for prove in (
        lambda reader: prove_inclusion(6, 11, reader),
        lambda reader: prove_consistency(7, 11, reader),
        lambda reader: tree_root(11, reader),
    ):
        reader = Counting()
        prove(reader)

        assert len(reader.reads) == 1
        assert reader.reads[0] <= 8
