"""A witness remembers, and cosigns only what continues it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import indelible
from indelible.client.state import StateInMemory
from indelible.client.transport import SignedCheckpoint
from indelible.client.witness import Witness, new_witness_key
from indelible.files import replace_file
from journal.ambient import system_clock
from tests.support.malicious import MaliciousTransport, a_client, two_tails
from verifier.checkpoint import WitnessPolicy, open_checkpoint
from verifier.note import parse_note


@pytest.fixture
def liar(tmp_path: Path) -> Iterator[MaliciousTransport]:
    """Shows the first of two tails, each after a common beginning of five blocks."""
    first, second = two_tails(tmp_path, before=3, tails=(2, 4))
    transport = MaliciousTransport(first)
    transport.other = second  # type: ignore[attr-defined]
    yield transport
    first.close()
    second.close()


@pytest.fixture
def ledger(liar: MaliciousTransport) -> indelible.Ledger:
    return a_client(liar, StateInMemory())


def a_witness(folder: Path, name: str = "w1") -> Witness:
    path = folder / f"{name}.pem"
    new_witness_key(path, name, None)
    return Witness(path, passphrase=None, clock=system_clock)


def test_several_witnesses_cosign_one_checkpoint_while_the_ledger_grows(
    ledger: indelible.Ledger, tmp_path: Path
) -> None:
    witnesses = [a_witness(tmp_path, name) for name in ("w1", "w2", "w3")]
    note: str | None = None
    for number, witness in enumerate(witnesses):
        note = witness.cosign(ledger, note)
        ledger.execute("INSERT INTO t ?", {"number": number})
    assert note is not None
    policy = WitnessPolicy(tuple(witness.public_key for witness in witnesses), 3)

    assert open_checkpoint(note, ledger.checkpoint().key, policy).tree_size == 7
    assert ledger.cosign(note).note == note
    assert ledger.status().tree_size == 10


def test_it_goes_on_from_a_given_checkpoint_and_never_back(
    ledger: indelible.Ledger, tmp_path: Path
) -> None:
    witness, old = a_witness(tmp_path), ledger.checkpoint().note
    for number in range(2):
        ledger.execute("INSERT INTO t ?", {"number": number})
    assert parse_note(witness.cosign(ledger, old)).text == parse_note(old).text
    assert witness.cosign(ledger, old)
    newer = witness.cosign(ledger)
    assert newer.splitlines()[1] == "9"
    with pytest.raises(indelible.InputError, match="has cosigned a tree of 9 blocks"):
        witness.cosign(ledger, old)


@pytest.mark.parametrize("note", ["", "nonsense", "\ud800", "a\n\n— a AAAAAAAA\n"])
def test_a_given_note_that_is_no_checkpoint(
    ledger: indelible.Ledger, tmp_path: Path, note: str
) -> None:
    with pytest.raises(indelible.ProofRejectedError):
        a_witness(tmp_path).cosign(ledger, note)
    assert not (tmp_path / "w1.pem.state").exists()


@pytest.mark.parametrize("size", [3, 7])
def test_a_given_checkpoint_of_another_past_is_not_cosigned(
    ledger: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path, size: int
) -> None:
    """The ledger signed both; this witness has seen neither before."""
    with pytest.raises(indelible.InconsistentCheckpointError, match="evidence is in"):
        a_witness(tmp_path).cosign(ledger, liar.sign(size, bytes(32)).note)
    assert not (tmp_path / "w1.pem.state").exists()


def test_evidence_that_cannot_be_saved_does_not_hide_the_alarm(
    ledger: indelible.Ledger,
    liar: MaliciousTransport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    witness = a_witness(tmp_path)
    first = witness.cosign(ledger)

    def full(path: Path, data: bytes) -> None:
        if "evidence" in path.name:
            raise OSError(28, "No space left on device")
        replace_file(path, data)

    monkeypatch.setattr("indelible.client.witness.replace_file", full)
    forgetful: Any = a_client(liar, StateInMemory())
    liar.checkpoint_shown = SignedCheckpoint(liar.sign(7, bytes(32)).note)
    with pytest.raises(indelible.InconsistentCheckpointError, match="No space left") as error:
        witness.cosign(forgetful)

    assert parse_note(error.value.older).text == parse_note(first).text
    assert error.value.newer == liar.checkpoint_shown.note
