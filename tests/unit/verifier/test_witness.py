import json

import pytest

from journal.errors import InconsistentCheckpointError, InputError, ProofRejectedError
from journal.hashing import leaf_hash
from tests.support.signing import (
    NOON,
    ORIGIN,
    a_checkpoint,
    a_key,
    a_signer,
    a_witness,
    a_witness_key,
)
from verifier.checkpoint import Checkpoint, WitnessPolicy, open_checkpoint, sign_checkpoint
from verifier.evidence import format_evidence, verify_evidence
from verifier.keys import cosignature_time
from verifier.merkle import Leaves, prove_consistency, tree_root
from verifier.note import parse_note, sign_note
from verifier.witness import (
    Seen,
    WitnessState,
    cosign,
    decide,
    format_state,
    merge_cosignatures,
    parse_state,
)

LEAVES = [leaf_hash(b"block %d" % n) for n in range(20)]
READER = Leaves(LEAVES)
FORK = Leaves([*LEAVES[:3], leaf_hash(b"another"), *LEAVES[4:]])
KEY = a_key()
NOBODY = WitnessState()


def signed(size: int, reader: Leaves = READER, by: str = "ledger") -> str:
    return sign_checkpoint(a_checkpoint(size, tree_root(size, reader)), a_signer(by))


def after(size: int) -> WitnessState:
    return decide(NOBODY, KEY, signed(size), []).state


def test_the_first_tree_is_taken_as_it_is():
    decision = decide(NOBODY, KEY, signed(7), [])

    assert decision.checkpoint == a_checkpoint(7, tree_root(7, READER))
    assert decision.state.seen == {ORIGIN: Seen(decision.checkpoint, signed(7))}
    assert not NOBODY.seen


def test_a_proof_with_the_first_tree_is_rejected():
    with pytest.raises(ProofRejectedError, match="not seen before"):
        decide(NOBODY, KEY, signed(7), [bytes(32)])


def test_a_tree_that_continues_is_taken_with_its_proof():
    state = NOBODY
    for before, size in ((0, 3), (3, 7), (7, 8), (8, 20)):
        proof = prove_consistency(before, size, READER) if before else []
        state = decide(state, KEY, signed(size), proof).state

    assert state.seen[ORIGIN].checkpoint.tree_size == 20


def test_the_same_tree_is_taken_again():
    assert decide(after(7), KEY, signed(7), []).state == after(7)


def test_a_smaller_tree_is_refused():
    with pytest.raises(InconsistentCheckpointError, match="went back from 7 to 5"):
        decide(after(7), KEY, signed(5), [])


@pytest.mark.parametrize("proof", [[], [bytes(32)], prove_consistency(7, 19, READER)])
def test_a_tree_without_a_valid_proof_is_refused(proof):
    with pytest.raises(InconsistentCheckpointError):
        decide(after(7), KEY, signed(20), proof)


def test_a_fork_is_refused_with_evidence_that_convinces_others():
    proof = prove_consistency(7, 20, FORK)

    with pytest.raises(InconsistentCheckpointError) as caught:
        decide(after(7), KEY, signed(20, FORK), proof)

    error = caught.value
    assert (error.older, error.newer) == (signed(7), signed(20, FORK))
    evidence = format_evidence(error.older, error.newer, KEY, error.proof, str(error))
    assert verify_evidence(evidence, KEY).proven


def test_what_the_ledger_has_not_signed_is_rejected():
    with pytest.raises(ProofRejectedError, match="not signed by"):
        decide(NOBODY, KEY, signed(7, by="thief"), [])


def test_ledgers_are_remembered_apart():
    other = Checkpoint("other", 3, tree_root(3, FORK))
    note = sign_checkpoint(other, a_signer("o", "other"))

    state = decide(after(7), a_key("o", "other"), note, []).state

    assert sorted(state.seen) == [ORIGIN, "other"]
    assert state.seen[ORIGIN].checkpoint.tree_size == 7


def test_a_cosigned_checkpoint_satisfies_a_policy():
    note = cosign(signed(7), a_witness())

    policy = WitnessPolicy((a_witness_key(),), 1)
    assert open_checkpoint(note, KEY, policy).tree_size == 7
    assert cosignature_time(parse_note(note).signatures[-1].signature) == NOON


def test_only_checkpoints_are_cosigned():
    with pytest.raises(ProofRejectedError):
        cosign(sign_note("anything\n", a_signer()), a_witness())


def test_cosignatures_of_two_copies_are_brought_together():
    one, two = cosign(signed(7), a_witness("w1")), cosign(signed(7), a_witness("w2"))
    again = cosign(one, a_witness("w1", seconds=NOON + 9))

    both = merge_cosignatures(one, two)
    assert [line.name for line in parse_note(both).signatures] == [ORIGIN, "w1", "w2"]
    newest = merge_cosignatures(both, again)
    assert [line.name for line in parse_note(newest).signatures] == [ORIGIN, "w1", "w2"]
    assert cosignature_time(parse_note(newest).signatures[1].signature) == NOON + 9
    policy = WitnessPolicy((a_witness_key("w1"), a_witness_key("w2")), 2)
    assert open_checkpoint(newest, KEY, policy).tree_size == 7


def test_cosignatures_of_another_checkpoint_are_refused():
    with pytest.raises(InputError, match="another one"):
        merge_cosignatures(signed(7), cosign(signed(8), a_witness()))


def test_a_state_is_read_as_it_was_written():
    for state in (NOBODY, after(7), decide(after(7), KEY, signed(7), []).state):
        assert parse_state(format_state(state)) == state
        assert parse_state(format_state(state).encode()) == state


GOOD = json.loads(format_state(after(7)))
REFUSED = {
    "another-format": {"format": "indelible-witness/2"},
    "a-field-more": {"more": 1},
    "a-list": {"seen": []},
    "none": {"seen": None},
    "a-number-for-a-note": {"seen": {ORIGIN: 7}},
    "nonsense": {"seen": {ORIGIN: "nonsense"}},
    "under-another-origin": {"seen": {"other": signed(7)}},
    "no-checkpoint": {"seen": {ORIGIN: sign_note("anything\n", a_signer())}},
}


@pytest.mark.parametrize("mutation", REFUSED)
def test_a_state_is_refused_for(mutation):
    with pytest.raises(ProofRejectedError):
        parse_state(json.dumps(GOOD | REFUSED[mutation]))


@pytest.mark.parametrize("data", ["", "[]", "{}", b"\xff", '{"format": "indelible-witness/1"}'])
def test_what_is_no_state_is_refused(data):
    with pytest.raises(ProofRejectedError):
        parse_state(data)
