from itertools import pairwise

import pytest

from journal.errors import InputError, ProofRejectedError
from tests.support.receipts import a_private_key
from tests.support.signing import (
    ORIGIN,
    a_key,
    a_signed_checkpoint,
    a_signer,
    a_witness_key,
)
from verifier.checkpoint import open_checkpoint
from verifier.keys import COSIGNATURE, verifier_key_of
from verifier.note import SignatureLine, add_signature, sign_note
from verifier.rotation import (
    CHAIN_LENGTH_MAX,
    FORMAT,
    ROTATION_SIZE_MAX,
    current_key,
    format_rotation,
    keys_along,
    open_rotation,
)

NAMES = ["first", "second", "third", "fourth"]
KEYS = [a_key(name) for name in NAMES]


def handover(old: str, new: str) -> str:
    return format_rotation(a_key(new), a_signer(old))


CHAIN = [handover(old, new) for old, new in pairwise(NAMES)]


def test_a_rotation_note_names_the_key_after():
    assert open_rotation(CHAIN[0], KEYS[0]) == KEYS[1]
    assert CHAIN[0].splitlines()[:3] == ["indelible-key-rotation/1", ORIGIN, KEYS[1]]


def test_a_rotation_note_is_signed_by_the_old_key_alone():
    for key in KEYS[1:]:
        with pytest.raises(ProofRejectedError, match="not signed by"):
            open_rotation(CHAIN[0], key)


def test_the_current_key_is_found_from_each_key_of_the_chain():
    for start, pinned in enumerate(KEYS):
        assert current_key(pinned, CHAIN) == KEYS[-1]
        assert keys_along(pinned, CHAIN) == KEYS[start:]


def test_a_note_of_the_chain_has_a_bound():
    """Else evidence that carries the chain could be made too long to be read."""
    room = ROTATION_SIZE_MAX - len(CHAIN[0].encode())
    longest = add_signature(CHAIN[0], SignatureLine("x" * (room - 14), b"none", b"x"))
    assert len(longest.encode()) == ROTATION_SIZE_MAX
    assert current_key(KEYS[0], [longest]) == KEYS[1]
    longer = add_signature(CHAIN[0], SignatureLine("x" * (room - 13), b"none", b"x"))
    for pinned in KEYS[:2]:
        with pytest.raises(ProofRejectedError, match="larger than"):
            current_key(pinned, [longer])


def test_an_empty_chain_has_the_pinned_key():
    assert current_key(KEYS[0], []) == KEYS[0]


@pytest.mark.parametrize(
    "chain",
    [
        CHAIN[1:],
        CHAIN[::-1],
        [CHAIN[0], CHAIN[2]],
        [CHAIN[0], CHAIN[0]],
        [handover("thief", "second")],
        [CHAIN[0], handover("first", "third")],
        ["", CHAIN[0]],
        [*CHAIN, "nonsense"],
        [a_signed_checkpoint()],
    ],
    ids=[
        "begins-later", "backwards", "a-note-missing", "a-note-twice", "of-a-thief",
        "second-not-by-the-second", "empty-note", "nonsense-at-the-end", "a-checkpoint",
    ],
)  # fmt: skip
def test_a_chain_that_does_not_lead_on_from_the_pinned_key_is_rejected(chain):
    with pytest.raises(ProofRejectedError):
        current_key(KEYS[0], chain)


def test_the_error_names_the_note():
    with pytest.raises(ProofRejectedError, match="rotation note 2"):
        current_key(KEYS[0], [CHAIN[0], CHAIN[2]])


def test_notes_before_the_pinned_key_are_not_trusted_and_not_needed():
    assert current_key(KEYS[1], [handover("thief", "second"), *CHAIN[1:]]) == KEYS[3]


def test_a_key_may_come_back():
    chain = [handover("first", "second"), handover("second", "first"), handover("first", "third")]

    assert current_key(KEYS[0], chain) == KEYS[2]
    assert current_key(KEYS[1], chain) == KEYS[2]


def test_a_long_chain_is_rejected_before_any_signature_is_looked_at():
    with pytest.raises(ProofRejectedError, match="more than 100"):
        current_key(KEYS[0], ["nonsense"] * (CHAIN_LENGTH_MAX + 1))


WITNESS_OF_THE_NAME = verifier_key_of(a_private_key(), ORIGIN, signature_type=COSIGNATURE)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (a_key("second", "another/name"), "same name"),
        (WITNESS_OF_THE_NAME, "same name"),
        (KEYS[0], "the old one"),
        ("nonsense", "name.id.base64"),
    ],
    ids=["another-name", "a-witness", "itself", "nonsense"],
)
def test_a_key_hands_over_to_another_ledgers_key_of_its_name_only(key, problem):
    with pytest.raises(InputError, match=problem):
        format_rotation(key, a_signer("first"))


REFUSED = {
    "another-format": f"indelible-key-rotation/2\n{ORIGIN}\n{KEYS[1]}\n",
    "no-format": f"{ORIGIN}\n{KEYS[1]}\n",
    "line-missing": f"{FORMAT}\n{ORIGIN}\n",
    "line-more": f"{FORMAT}\n{ORIGIN}\n{KEYS[1]}\nmore\n",
    "empty-line-more": f"{FORMAT}\n{ORIGIN}\n{KEYS[1]}\n\n",
    "another-origin": f"{FORMAT}\nanother\n{KEYS[1]}\n",
    "key-of-another-name": f"{FORMAT}\n{ORIGIN}\n{a_key('second', 'another')}\n",
    "both-of-another-name": f"{FORMAT}\nanother\n{a_key('second', 'another')}\n",
    "key-of-a-witness": f"{FORMAT}\n{ORIGIN}\n{WITNESS_OF_THE_NAME}\n",
    "key-is-the-old-one": f"{FORMAT}\n{ORIGIN}\n{KEYS[0]}\n",
    "no-key": f"{FORMAT}\n{ORIGIN}\n{KEYS[1][:-4]}\n",
    "space-after-key": f"{FORMAT}\n{ORIGIN}\n{KEYS[1]} \n",
    "space-after-format": f"{FORMAT} \n{ORIGIN}\n{KEYS[1]}\n",
}


@pytest.mark.parametrize("mutation", REFUSED)
def test_a_rotation_note_is_refused_though_well_signed_for(mutation):
    note = sign_note(REFUSED[mutation], a_signer("first"))

    with pytest.raises(ProofRejectedError):
        open_rotation(note, KEYS[0])
    if mutation != "key-is-the-old-one":  # there, the chain begins after the note
        with pytest.raises(ProofRejectedError):
            current_key(KEYS[0], [note])


def test_a_rotation_note_is_no_checkpoint():
    with pytest.raises(ProofRejectedError):
        open_checkpoint(CHAIN[0], KEYS[0])


@pytest.mark.parametrize("pinned", ["", "nonsense", a_witness_key()])
def test_a_pinned_key_that_is_no_ledgers_key_is_refused(pinned):
    for chain in ([], CHAIN):
        with pytest.raises(InputError):
            current_key(pinned, chain)
