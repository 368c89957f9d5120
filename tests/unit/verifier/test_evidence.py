import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.errors import InputError, ProofRejectedError
from journal.hashing import EMPTY_ROOT, leaf_hash
from tests.support.signing import a_checkpoint, a_key, a_signed_checkpoint, a_signer, a_witness_key
from verifier.checkpoint import sign_checkpoint
from verifier.evidence import format_evidence, verify_evidence
from verifier.merkle import Leaves, prove_consistency, tree_root
from verifier.note import NOTE_SIZE_MAX, SignatureLine, add_signature
from verifier.rotation import CHAIN_LENGTH_MAX, ROTATION_SIZE_MAX, format_rotation

LEAVES = [leaf_hash(b"block %d" % n) for n in range(20)]
READER = Leaves(LEAVES)
FORK = Leaves([*LEAVES[:3], leaf_hash(b"another"), *LEAVES[4:]])
KEY = a_key()


def signed(size: int, reader: Leaves = READER, by: str = "ledger") -> str:
    return sign_checkpoint(a_checkpoint(size, tree_root(size, reader)), a_signer(by))


def test_two_roots_at_one_size_prove_a_fork():
    verdict = verify_evidence(format_evidence(signed(9), signed(9, FORK), KEY), KEY)

    assert verdict.proven
    assert str(verdict) == verdict.sentence
    assert "signed two roots for 9 blocks" in verdict.sentence


def padded(size: int, reader: Leaves) -> str:
    """A checkpoint as large as notes may be, of letters that take two bytes each in JSON."""
    tree = a_checkpoint(size, tree_root(size, reader))._replace(extensions=('"' * 900_000,))
    note = sign_checkpoint(tree, a_signer("100"))
    room = NOTE_SIZE_MAX - len(note.encode())
    return add_signature(note, SignatureLine('"' * (room - 14), b"none", b"x"))


@pytest.mark.slow
def test_a_ledger_cannot_make_its_notes_too_long_to_be_evidence():
    chain = []
    for number in range(CHAIN_LENGTH_MAX):
        handover = format_rotation(a_key(str(number + 1)), a_signer(str(number)))
        room = ROTATION_SIZE_MAX - len(handover.encode())
        line = SignatureLine('"' * (room - 14), b"none", b"x")
        chain.append(add_signature(handover, line))
    key = a_key("0")
    data = format_evidence(padded(9, READER), padded(9, FORK), key, key_chain=chain)

    assert len(data) > 4 * NOTE_SIZE_MAX
    assert verify_evidence(data, key).proven
    assert verify_evidence(data.encode(), key).proven


@pytest.mark.parametrize("size", [5, 6, 7, 9, 13, 18])
def test_an_honest_proof_within_the_other_history_proves_a_fork(size):
    proof = prove_consistency(size, 19, FORK)

    verdict = verify_evidence(format_evidence(signed(size), signed(19, FORK), KEY, proof), KEY)

    assert verdict.proven
    assert f"19 blocks whose first {size} have another root" in verdict.sentence


@pytest.mark.parametrize("size", [4, 8, 16])
def test_at_a_power_of_two_such_a_proof_proves_nothing_since_it_leaves_the_root_out(size):
    proof = prove_consistency(size, 19, FORK)

    verdict = verify_evidence(format_evidence(signed(size), signed(19, FORK), KEY, proof), KEY)

    assert not verdict.proven


@pytest.mark.parametrize(
    "proof",
    [
        [],
        [bytes(32)],
        [bytes(32)] * 64,
        prove_consistency(7, 19, READER)[:-1],
        [*prove_consistency(7, 19, READER), bytes(32)],
        prove_consistency(6, 19, READER),
        [bytes(32), *prove_consistency(7, 19, READER)[1:]],
    ],
    ids=["none", "one", "many", "short", "long", "of-another-size", "first-hash-changed"],
)
def test_honest_notes_with_a_false_proof_are_never_a_proven_fork(proof):
    """Otherwise anybody could accuse any ledger."""
    verdict = verify_evidence(format_evidence(signed(7), signed(19), KEY, proof), KEY)

    assert not verdict.proven
    assert "did not give a valid one" in verdict.sentence


@given(st.integers(1, 20), st.integers(1, 20), st.lists(st.sampled_from(LEAVES), max_size=8))
def test_whatever_proof_is_put_in_two_notes_of_one_history_prove_no_fork(size_1, size_2, proof):
    data = format_evidence(signed(size_1), signed(size_2), KEY, proof)

    with suppress(ProofRejectedError):
        assert not verify_evidence(data, KEY).proven


def test_consistent_notes_are_no_evidence():
    for older, newer, proof in (
        (signed(7), signed(19), prove_consistency(7, 19, READER)),
        (signed(7), signed(7), []),
        (sign_checkpoint(a_checkpoint(0, EMPTY_ROOT), a_signer()), signed(7), []),
    ):
        with pytest.raises(ProofRejectedError, match="no fork"):
            verify_evidence(format_evidence(older, newer, KEY, proof), KEY)


def test_notes_that_differ_only_in_an_extension_are_no_evidence():
    extended = a_checkpoint(7, tree_root(7, READER))._replace(extensions=("more",))

    with pytest.raises(ProofRejectedError, match="no fork"):
        verify_evidence(format_evidence(signed(7), sign_checkpoint(extended, a_signer()), KEY), KEY)


def test_a_smaller_tree_after_a_larger_one_is_put_in_order_and_not_proven():
    data = format_evidence(older=signed(19), newer=signed(7), key=KEY)

    assert json.loads(data)["older"] == signed(7)
    assert not verify_evidence(data, KEY).proven


def test_each_note_must_be_signed_by_the_pinned_key():
    for older, newer in (
        (signed(9, by="thief"), signed(9, FORK)),
        (signed(9), signed(9, FORK, "x")),
    ):
        with pytest.raises(
            ProofRejectedError, match=r"checkpoint of the evidence: .*not signed by"
        ):
            verify_evidence(format_evidence(older, newer, KEY), KEY)


def test_the_key_in_the_file_is_not_trusted():
    thief = a_key("thief")
    data = format_evidence(signed(9, by="thief"), signed(9, FORK, "thief"), thief)

    assert verify_evidence(data, thief).proven
    with pytest.raises(ProofRejectedError, match="not signed by"):
        verify_evidence(data, KEY)


def test_notes_of_two_keys_of_one_chain_prove_a_fork():
    chain = [format_rotation(a_key("new"), a_signer())]
    data = format_evidence(signed(9), signed(9, FORK, "new"), KEY, key_chain=chain)

    assert verify_evidence(data, KEY).proven
    for key in (a_key("new"), a_key("thief")):
        with pytest.raises(ProofRejectedError):
            verify_evidence(data, key)


GOOD = json.loads(format_evidence(signed(9), signed(9, FORK), KEY, [bytes(32)], "why"))
assert verify_evidence(json.dumps(GOOD), KEY).proven

REFUSED = {
    "another-format": {"format": "indelible-fork-evidence/2"},
    "a-field-more": {"more": 1},
    "older-no-text": {"older": None},
    "older-no-note": {"older": "nonsense"},
    "older-number": {"older": 9},
    "newer-list": {"newer": [GOOD["newer"]]},
    "larger-first": {"older": a_signed_checkpoint(10)},
    "key-no-text": {"key": 1},
    "reason-no-text": {"reason": None},
    "proof-text": {"proof": "AAAA"},
    "proof-object": {"proof": {}},
    "proof-none": {"proof": None},
    "proof-of-numbers": {"proof": [1]},
    "proof-short-hash": {"proof": ["AAAA"]},
    "proof-too-long": {"proof": GOOD["proof"] * 65},
    "chain-text": {"key_chain": "x"},
    "chain-of-numbers": {"key_chain": [1]},
    "chain-of-nonsense": {"key_chain": ["x"]},
    "chain-of-another": {"key_chain": [format_rotation(a_key("b"), a_signer("a"))]},
    "surrogate": {"older": "\ud800" + GOOD["older"]},
}


@pytest.mark.parametrize("mutation", REFUSED)
def test_a_file_is_refused_for(mutation):
    with pytest.raises(ProofRejectedError):
        verify_evidence(json.dumps(GOOD | REFUSED[mutation]), KEY)


@pytest.mark.parametrize("field", GOOD)
def test_a_file_without_a_field_is_refused(field):
    with pytest.raises(ProofRejectedError):
        verify_evidence(json.dumps({k: v for k, v in GOOD.items() if k != field}), KEY)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", "{}", "[" * 100_000, b"{" * 100_000])
def test_what_is_no_such_file_is_refused(data):
    with pytest.raises(ProofRejectedError):
        verify_evidence(data, KEY)


def test_a_key_that_is_no_ledgers_key_is_refused():
    for key in ("nonsense", a_witness_key()):
        with pytest.raises(InputError):
            verify_evidence(json.dumps(GOOD), key)


def test_what_is_no_checkpoint_makes_no_evidence():
    with pytest.raises(ProofRejectedError):
        format_evidence("nonsense", signed(9), KEY)
