from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.errors import InconsistentCheckpointError, InputError, ProofRejectedError
from journal.hashing import EMPTY_ROOT, leaf_hash
from tests.support.signing import (
    ORIGIN,
    a_checkpoint,
    a_key,
    a_signed_checkpoint,
    a_signer,
    a_witness,
    a_witness_key,
)
from verifier.checkpoint import (
    EXTENSIONS_MAX,
    Checkpoint,
    WitnessPolicy,
    check_consistent,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from verifier.merkle import Leaves, prove_consistency, tree_root
from verifier.note import add_signature, parse_note, sign_note, signature_line

PUBLISHED = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""
"""The text of the example of C2SP tlog-checkpoint."""
ROOT_TEXT = PUBLISHED.splitlines()[2]
READER = Leaves([leaf_hash(b"block %d" % n) for n in range(40)])
FORK = Leaves([leaf_hash(b"block %d" % (n + (n == 3))) for n in range(40)])


def a_tree(size: int, reader: Leaves = READER) -> Checkpoint:
    return a_checkpoint(size, tree_root(size, reader))


def test_the_published_checkpoint_is_read_and_written():
    checkpoint = parse_checkpoint(PUBLISHED)

    assert checkpoint[:2] == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root_hash.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.text() == PUBLISHED


def test_extension_lines_are_kept():
    checkpoint = parse_checkpoint(PUBLISHED + "one more\n— and another\n")

    assert checkpoint.extensions == ("one more", "— and another")
    assert checkpoint.text() == PUBLISHED + "one more\n— and another\n"


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_a_checkpoint_is_read_as_it_was_written(origin, tree_size, root_hash):
    checkpoint = Checkpoint(origin, tree_size, root_hash)

    assert parse_checkpoint(checkpoint.text()) == checkpoint


REFUSED = {
    "empty": "",
    "one-line": "example.com\n",
    "two-lines": "example.com\n7\n",
    "last-line-without-end": f"example.com\n7\n{ROOT_TEXT}",
    "no-origin": f"\n7\n{ROOT_TEXT}\n",
    "no-size": f"example.com\n\n{ROOT_TEXT}\n",
    "no-root": "example.com\n7\n\n",
    "empty-line-after": f"example.com\n7\n{ROOT_TEXT}\n\n",
    "empty-extension": f"example.com\n7\n{ROOT_TEXT}\n\nmore\n",
    "size-leading-zero": f"example.com\n07\n{ROOT_TEXT}\n",
    "size-two-zeros": f"example.com\n00\n{ROOT_TEXT}\n",
    "size-sign": f"example.com\n+7\n{ROOT_TEXT}\n",
    "size-negative": f"example.com\n-7\n{ROOT_TEXT}\n",
    "size-space": f"example.com\n7 \n{ROOT_TEXT}\n",
    "size-hexadecimal": f"example.com\n0x7\n{ROOT_TEXT}\n",
    "size-underscore": f"example.com\n1_000\n{ROOT_TEXT}\n",
    "size-wide-digit": f"example.com\n７\n{ROOT_TEXT}\n",
    "size-64-bit": f"example.com\n9223372036854775808\n{ROOT_TEXT}\n",
    "size-very-long": f"example.com\n{'9' * 100_000}\n{ROOT_TEXT}\n",
    "root-short": f"example.com\n7\n{ROOT_TEXT[:40]}\n",
    "root-long": f"example.com\n7\nAAAA{ROOT_TEXT}\n",
    "root-without-padding": f"example.com\n7\n{ROOT_TEXT[:-1]}\n",
    "root-left-over-bits": f"example.com\n7\n{ROOT_TEXT[:-2]}J=\n",
    "root-hexadecimal": f"example.com\n7\n{'00' * 32}\n",
    "root-space": f"example.com\n7\n {ROOT_TEXT}\n",
    "root-carriage-return": f"example.com\n7\n{ROOT_TEXT}\r\n",
    "another-root-of-nothing": f"example.com\n0\n{ROOT_TEXT}\n",
    "lines-swapped": f"7\nexample.com\n{ROOT_TEXT}\n",
    "too-many-extensions": PUBLISHED + "more\n" * (EXTENSIONS_MAX + 1),
}


@pytest.mark.parametrize("mutation", REFUSED)
def test_a_checkpoint_is_refused_for(mutation):
    with pytest.raises(ProofRejectedError):
        parse_checkpoint(REFUSED[mutation])


@pytest.mark.parametrize("mutation", REFUSED)
def test_and_is_refused_when_it_is_well_signed(mutation):
    try:
        note = sign_note(REFUSED[mutation], a_signer("ledger", "example.com"))
    except InputError:
        return  # no note can carry it
    with pytest.raises(ProofRejectedError):
        open_checkpoint(note, a_key("ledger", "example.com"))


@given(st.text("exam\n0179+/=A", max_size=80))
def test_any_text_is_a_checkpoint_or_refused(text):
    try:
        checkpoint = parse_checkpoint(text)
    except ProofRejectedError:
        return
    assert checkpoint.text() == text


def test_a_signed_checkpoint_opens_with_its_key():
    assert open_checkpoint(a_signed_checkpoint(), a_key()) == a_checkpoint()
    assert open_checkpoint(a_signed_checkpoint().encode(), a_key()) == a_checkpoint()


@pytest.mark.parametrize("key", [a_key("another"), a_key("ledger", "indelible/other/x")])
def test_a_checkpoint_does_not_open_with_another_key(key):
    with pytest.raises(ProofRejectedError, match="not signed by"):
        open_checkpoint(a_signed_checkpoint(), key)


def test_a_checkpoint_of_another_ledger_does_not_open_though_the_key_has_signed_it():
    note = sign_note(PUBLISHED, a_signer())

    with pytest.raises(ProofRejectedError, match=r"is one of example\.com/behind-the-sofa"):
        open_checkpoint(note, a_key())


def test_a_key_signs_for_its_own_origin_only():
    with pytest.raises(InputError, match="cannot sign for"):
        sign_checkpoint(parse_checkpoint(PUBLISHED), a_signer())


@pytest.mark.parametrize(
    "changed",
    [
        {"tree_size": -1},
        {"tree_size": 2**63},
        {"tree_size": 0},
        {"root_hash": bytes(31)},
        {"root_hash": b""},
        {"extensions": ("",)},
        {"extensions": ("a\nb",)},
        {"extensions": ("a\tb",)},
        {"extensions": ("\ud800",)},
        {"extensions": ["a"]},
        {"extensions": ("a",) * (EXTENSIONS_MAX + 1)},
    ],
    ids=lambda changed: ascii(changed)[:40],
)
def test_what_would_not_be_read_back_is_not_signed(changed):
    with pytest.raises(InputError):
        sign_checkpoint(a_checkpoint()._replace(**changed), a_signer())


def test_a_witnesses_key_opens_no_checkpoint():
    with pytest.raises(InputError, match="not a ledger's"):
        open_checkpoint(a_signed_checkpoint(), a_witness_key())


NAMES = ["witness.example/w1", "witness.example/w2", "w3"]
POLICY = WitnessPolicy(tuple(map(a_witness_key, NAMES)), 2)


def cosigned(*names: str) -> str:
    note = a_signed_checkpoint()
    for name in names:
        note = add_signature(note, signature_line(parse_note(note).text, a_witness(name)))
    return note


def test_a_policy_counts_how_many_witnesses_have_signed():
    for count in range(len(NAMES) + 1):
        for names in combinations(NAMES, count):
            note = cosigned(*names)
            if count >= 2:
                assert open_checkpoint(note, a_key(), POLICY) == a_checkpoint()
            else:
                with pytest.raises(ProofRejectedError, match=f"{count} of 3 .* 2 are asked for"):
                    open_checkpoint(note, a_key(), POLICY)


def test_two_lines_of_one_witness_count_once():
    note = cosigned(NAMES[0])
    lines = parse_note(note).signatures
    later = signature_line(parse_note(note).text, a_witness(NAMES[0], seconds=1_800_000_000))
    doubled = note + add_signature(a_signed_checkpoint(), later).splitlines()[-1] + "\n"

    assert len(parse_note(doubled).signatures) == len(lines) + 1
    with pytest.raises(ProofRejectedError, match="1 of 3"):
        open_checkpoint(doubled, a_key(), POLICY)


def test_witnesses_that_are_not_known_do_not_count():
    with pytest.raises(ProofRejectedError, match="1 of 3"):
        open_checkpoint(cosigned(NAMES[0], "stranger-1", "stranger-2"), a_key(), POLICY)


def test_witnesses_do_not_replace_the_ledgers_own_signature():
    text = a_checkpoint().text()
    note = sign_note(text, a_witness(NAMES[0]))
    for name in NAMES[1:]:
        note = add_signature(note, signature_line(text, a_witness(name)))

    with pytest.raises(ProofRejectedError, match=f"not signed by {ORIGIN}"):
        open_checkpoint(note, a_key(), POLICY)


def test_a_cosignature_of_another_checkpoint_spoils_the_note():
    other = signature_line(a_checkpoint(8).text(), a_witness(NAMES[0]))
    note = add_signature(cosigned(*NAMES[1:]), other)

    with pytest.raises(ProofRejectedError, match="not one of this text"):
        open_checkpoint(note, a_key(), POLICY)


@pytest.mark.parametrize(
    "policy",
    [
        WitnessPolicy((), 0),
        WitnessPolicy((), 1),
        POLICY._replace(threshold=0),
        POLICY._replace(threshold=-1),
        POLICY._replace(threshold=4),
        WitnessPolicy((*POLICY.keys, POLICY.keys[0]), 2),
        WitnessPolicy((a_key("other"),), 1),
        WitnessPolicy(("nonsense",), 1),
    ],
    ids=["none", "none-of-none", "zero", "negative", "too-many", "twice", "ledger-key", "nonsense"],
)
def test_a_policy_that_makes_no_sense_is_refused(policy):
    with pytest.raises(InputError):
        open_checkpoint(cosigned(*NAMES), a_key(), policy)


def test_one_key_under_two_names_is_one_witness():
    from tests.support.receipts import a_private_key
    from verifier.keys import COSIGNATURE, verifier_key_of

    keys = [
        verifier_key_of(a_private_key("w"), name, signature_type=COSIGNATURE) for name in ("a", "b")
    ]

    with pytest.raises(InputError, match="two of the keys are one"):
        open_checkpoint(a_signed_checkpoint(), a_key(), WitnessPolicy(tuple(keys), 1))


def test_the_ledgers_own_key_is_no_witness():
    from tests.support.receipts import a_private_key
    from verifier.keys import COSIGNATURE, verifier_key_of

    own = verifier_key_of(a_private_key("ledger"), "w", signature_type=COSIGNATURE)

    with pytest.raises(InputError, match="two of the keys are one"):
        open_checkpoint(a_signed_checkpoint(), a_key(), WitnessPolicy((own,), 1))


def test_each_tree_is_consistent_with_each_later_one():
    for newer in range(1, 41):
        for older in range(1, newer):
            proof = prove_consistency(older, newer, READER)
            check_consistent(a_tree(older), a_tree(newer), proof)
        check_consistent(a_tree(newer), a_tree(newer), [])
        check_consistent(a_checkpoint(0, EMPTY_ROOT), a_tree(newer), [])


def test_a_fork_carries_both_notes_and_the_proof():
    older, newer = a_tree(7), a_tree(9, FORK)
    proof = prove_consistency(7, 9, FORK)

    with pytest.raises(InconsistentCheckpointError, match="9 blocks continues that of 7") as caught:
        check_consistent(older, newer, proof, evidence=("the older", "the newer"))

    error = caught.value
    assert (error.older, error.newer, error.proof) == ("the older", "the newer", tuple(proof))
    assert error.hint


def test_two_roots_at_one_size_are_a_fork_whatever_the_proof():
    for proof in ([], [bytes(32)]):
        with pytest.raises(InconsistentCheckpointError, match="two roots for 9 blocks"):
            check_consistent(a_tree(9), a_tree(9, FORK), proof)


def test_going_back_is_refused_whatever_the_proof():
    for proof in ([], prove_consistency(7, 9, READER)):
        with pytest.raises(InconsistentCheckpointError, match="went back from 9 to 7"):
            check_consistent(a_tree(9), a_tree(7), proof)
    with pytest.raises(InconsistentCheckpointError, match="went back from 9 to 0"):
        check_consistent(a_tree(9), a_checkpoint(0, EMPTY_ROOT), [])


@pytest.mark.parametrize(
    "proof", [[], [b""], [bytes(32)] * 70, [None], prove_consistency(6, 9, READER)]
)
def test_no_valid_proof_is_a_contradiction(proof):
    with pytest.raises(InconsistentCheckpointError):
        check_consistent(a_tree(7), a_tree(9), proof)


def test_checkpoints_of_two_ledgers_are_not_compared():
    with pytest.raises(ProofRejectedError, match="two ledgers"):
        check_consistent(a_tree(7), a_tree(9)._replace(origin="other"), [])


def test_a_proof_where_there_is_nothing_to_prove_is_rejected():
    for older in (a_tree(9), a_checkpoint(0, EMPTY_ROOT)):
        with pytest.raises(ProofRejectedError, match="nothing to prove"):
            check_consistent(older, a_tree(9), [bytes(32)])
