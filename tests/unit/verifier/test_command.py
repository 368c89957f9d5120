import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from journal.errors import InputError, ProofRejectedError
from tests.support.receipts import KEY, ORIGIN, SignedLedger, a_private_key, a_varied_chain
from verifier import evidence
from verifier.command import EXIT_NOT_PROVEN, main
from verifier.keys import (
    cosignature_signer,
    ed25519_signer,
    format_verifier_key,
    parse_verifier_key,
    verifier_key_of,
)
from verifier.note import add_signature, parse_note, signature_line
from verifier.receipt import STEPS
from verifier.rotation import format_rotation
from verifier.tlog_proof import format_tlog_proof

ROOT = Path(__file__).parents[3]
LEDGER = SignedLedger(a_varied_chain(9))
INSERT = LEDGER.receipt(4, 1)
REJECTED = ProofRejectedError.exit_code


@pytest.fixture
def run(tmp_path, capsys):
    """Runs the command on a file of this content; gives exit code, output and errors."""

    def command(content: str | bytes, *arguments: str) -> tuple[int, str, str]:
        path = tmp_path / "proof"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        exit_code = main([str(path), *arguments])
        return exit_code, *capsys.readouterr()

    return command


@pytest.mark.parametrize("entry_index", range(4))
@pytest.mark.parametrize("form", ["json", "tlog-proof"])
def test_a_receipt_is_verified_line_by_line(run, form, entry_index):
    receipt = LEDGER.receipt(4, entry_index)
    content = receipt.to_bytes() if form == "json" else format_tlog_proof(receipt)

    exit_code, output, errors = run(content, "--key", KEY)

    assert (exit_code, errors) == (0, "")
    lines = output.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"✓ ({number}) {step}" for number, step in enumerate(STEPS)
    ]
    assert f"entry {entry_index} of 4" in lines[2]
    assert "block 4 of 9" in lines[3]


def test_a_receipt_whose_text_was_indented_by_somebody_is_verified(run):
    assert run("\n" + json.dumps(INSERT.to_json(), indent=4), "--key", KEY)[0] == 0


def test_a_refused_receipt_names_its_step_on_standard_error(run):
    value = INSERT.to_json()
    value["ledger"]["proof"].pop()

    exit_code, output, errors = run(json.dumps(value), "--key", KEY)

    assert (exit_code, output) == (REJECTED, "")
    assert "in step (3), block in the ledger" in errors


def test_another_ledgers_key_is_refused(run):
    exit_code, output, errors = run(
        INSERT.to_bytes(), "--key", verifier_key_of(a_private_key("another"), ORIGIN)
    )

    assert (exit_code, output) == (REJECTED, "")
    assert "in step (4), checkpoint" in errors


@pytest.mark.parametrize(
    "content", [INSERT.to_bytes(), format_tlog_proof(INSERT), LEDGER.checkpoint(), "nonsense"]
)
def test_without_a_key_nothing_is_proven(run, content):
    exit_code, output, errors = run(content)

    assert (exit_code, output) == (2, "")
    assert "nothing is proven: no key was given" in errors


def test_a_key_that_is_none_is_a_wrong_call(run):
    exit_code, output, errors = run(INSERT.to_bytes(), "--key", "nonsense")

    assert (exit_code, output) == (InputError.exit_code, "")
    assert "verifier key" in errors


def test_a_receipt_without_its_payload_needs_an_option(run):
    value = INSERT.to_json()
    del value["document"], value["entry"]["payload"]
    content = json.dumps(value)

    exit_code, output, errors = run(content, "--key", KEY)
    assert (exit_code, output) == (REJECTED, "")
    assert "in step (1), payload" in errors
    exit_code, output, errors = run(content, "--key", KEY, "--without-payload")
    assert (exit_code, errors) == (0, "")
    assert "LEFT OUT" in output


def test_a_receipt_after_a_rotation_is_verified_with_the_first_key(run):
    new = a_private_key("second")
    note = format_rotation(verifier_key_of(new, ORIGIN), ed25519_signer(a_private_key(), ORIGIN))
    receipt = SignedLedger(LEDGER.blocks, new).receipt(4, 1, key_chain=[note])

    exit_code, output, _ = run(receipt.to_bytes(), "--key", KEY)

    assert exit_code == 0
    assert "rotations: 1" in output


def test_a_checkpoint_is_verified(run):
    exit_code, output, errors = run(LEDGER.checkpoint(), "--key", KEY)

    assert (exit_code, errors) == (0, "")
    assert "✓ checkpoint: signed by" in output
    assert "tree size 9, root " in output


def test_a_changed_checkpoint_is_refused(run):
    exit_code, output, errors = run(LEDGER.checkpoint().replace("\n9\n", "\n8\n"), "--key", KEY)

    assert (exit_code, output) == (REJECTED, "")
    assert errors


WITNESSES = {
    name: cosignature_signer(a_private_key(name), f"{name}.example", lambda: 1_790_000_000_000_000)
    for name in ("w1", "w2")
}


def witness_key(name: str) -> str:
    public = parse_verifier_key(verifier_key_of(a_private_key(name), "a")).public_key
    return format_verifier_key(f"{name}.example", public, signature_type=b"\x04")


def test_witnesses_are_counted(run):
    note = LEDGER.checkpoint()
    note = add_signature(note, signature_line(parse_note(note).text, WITNESSES["w1"]))
    both = [word for name in WITNESSES for word in ("--witness", witness_key(name))]

    for content in (note, LEDGER.receipt(4, 1, checkpoint=note).to_bytes()):
        assert run(content, "--key", KEY, "--witness", witness_key("w1"))[0] == 0
        exit_code, output, _ = run(content, "--key", KEY, *both, "--threshold", "1")
        assert exit_code == 0
        assert "1 or more of 2 witnesses" in output
        assert run(content, "--key", KEY, *both)[0] == REJECTED


@pytest.mark.parametrize("threshold", ["0", "-1", "2"])
def test_a_threshold_that_demands_nothing_or_too_much_is_a_wrong_call(run, threshold):
    witness = ("--witness", witness_key("w1"))

    exit_code, output, errors = run(
        LEDGER.checkpoint(), "--key", KEY, *witness, "--threshold", threshold
    )

    assert (exit_code, output) == (2, "")
    assert errors


def test_a_threshold_without_witnesses_is_a_wrong_call(run):
    exit_code, _, errors = run(LEDGER.checkpoint(), "--key", KEY, "--threshold", "1")

    assert exit_code == 2
    assert "--witness" in errors


def forked() -> SignedLedger:
    """The same ledger with another last block."""
    other = SignedLedger(a_varied_chain(8))
    from tests.support.builders import a_block

    return SignedLedger([*other.blocks, a_block(after=other.blocks[-1], writer="rival")])


def test_evidence_of_a_fork_is_verified(run):
    content = evidence.format_evidence(
        older=LEDGER.checkpoint(), newer=forked().checkpoint(), key=KEY, reason="two roots"
    )

    exit_code, output, errors = run(content, "--key", KEY)

    assert (exit_code, errors) == (0, "")
    assert output.startswith("✓ evidence: ")


def test_evidence_without_a_proof_of_consistency_is_no_proof_of_a_fork(run):
    content = evidence.format_evidence(
        older=LEDGER.checkpoint(8), newer=forked().checkpoint(), key=KEY, reason="no answer"
    )

    exit_code, output, _ = run(content, "--key", KEY)

    assert exit_code == EXIT_NOT_PROVEN
    assert output.startswith("not proven: ")
    assert output.count("not proven") == 1


def test_evidence_that_another_key_signed_is_refused(run):
    content = evidence.format_evidence(
        older=LEDGER.checkpoint(), newer=forked().checkpoint(), key=KEY, reason="two roots"
    )

    exit_code, output, _ = run(content, "--key", verifier_key_of(a_private_key("another"), ORIGIN))

    assert (exit_code, output) == (REJECTED, "")


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"{", b"{}", b'{"format":"x"}', b"\xff\xfe", b"c2sp.org/tlog-proof@v1", b"[" * 9999,
     b"{" + b'"a":{' * 100_000, b"\x00" * 5000],
    ids=["empty", "text", "brace", "no-fields", "another-format", "binary", "first-line", "brackets",
         "deep", "zeros"],
)  # fmt: skip
def test_a_file_that_is_no_proof_is_refused(run, content):
    exit_code, output, errors = run(content, "--key", KEY)

    assert (exit_code, output) == (REJECTED, "")
    assert errors


def test_a_file_that_cannot_be_read_is_a_wrong_call(tmp_path, capsys):
    for path in (tmp_path / "missing", tmp_path, "\0"):
        assert main([str(path), "--key", KEY]) == 2
        assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a", "--threshold", "x"], ["a", "--no"]])
def test_arguments_that_make_no_sense_are_a_wrong_call(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: python -m verifier" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_it_runs_as_a_program_and_reads_standard_input(encoding):
    done = subprocess.run(
        [sys.executable, "-m", "verifier", "-", "--key", KEY],
        cwd=ROOT,
        input=INSERT.to_bytes(),
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == len(STEPS)


def test_the_program_loads_neither_a_database_nor_a_network_library():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, verifier.command; print(*sorted(sys.modules))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(done.stdout.split())
    assert "cryptography" in loaded
    assert not loaded & {
        "apsw", "confluent_kafka", "socket", "sqlite3", "http", "ssl", "typer", "rich", "msgspec",
        "materializer", "indelible",
    }  # fmt: skip
