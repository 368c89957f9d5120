"""Checkpoints, receipts, keys and witnesses as a user has them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import CommandLine

pytestmark = pytest.mark.slow


@pytest.fixture
def key(cli: CommandLine, registry: str) -> str:
    return str(cli.ok("key", "show", registry, "--json").document["publicKey"])


def vehicle(cli: CommandLine, url: str, where: str = "") -> dict[str, Any]:
    statement = f"SELECT c.metadata FROM _ql_committed_vehicles AS c {where}"
    found = cli.ok("query", url, statement, "--json")
    return dict(found.document["metadata"])


def written(cli: CommandLine, name: str, text: str) -> Path:
    path = cli.folder / name
    path.write_text(text)
    return path


def test_a_checkpoint_is_printed_saved_and_verified(
    cli: CommandLine, registry: str, key: str
) -> None:
    note = cli.ok("checkpoint", registry, "--save").output
    origin, size, *_ = note.splitlines()
    saved = list((cli.folder / ".state" / "saved").rglob("*.note"))

    assert size == "4"
    assert [path.read_text() for path in saved] == [note]
    facts = cli.ok("checkpoint", registry, "--json", "--key", key).document
    assert (facts["origin"], facts["treeSize"], facts["note"]) == (origin, 4, note)
    assert cli.ok("verify", written(cli, "note", note), "--key", key).output
    assert cli.run("verify", "note", "--key", "x+y+z").exit_code == 2
    assert cli.run("verify", "note").exit_code == 2
    assert cli.run("verify", written(cli, "bad", note.replace("\n4\n", "\n5\n")), "--key", key).exit_code == 7  # fmt: skip  # noqa: E501
    assert cli.run("verify", "nothing", "--key", key).exit_code == 2


def test_receipts_of_documents_and_transactions(cli: CommandLine, registry: str, key: str) -> None:
    metadata = vehicle(cli, registry)
    newest = cli.ok("receipt", registry, metadata["id"])
    oldest = cli.ok("receipt", registry, metadata["id"], "--version", "0", "--key", key)
    transaction = cli.ok("receipt", registry, metadata["txId"])
    text = cli.ok("receipt", registry, metadata["id"], "--tlog-proof")

    assert newest.document["document"]["owner"] == "Ann"
    assert oldest.document["document"]["owner"] == "Nova"
    assert transaction.document["kind"] == "transaction"
    for number, found in enumerate((newest, oldest, transaction, text)):
        cli.ok("verify", written(cli, f"receipt-{number}", found.output), "--key", key)
    changed = newest.output.replace('"owner":"Ann"', '"owner":"Bob"')
    assert changed != newest.output
    assert cli.run("verify", written(cli, "changed", changed), "--key", key).exit_code == 7


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("0" * 22,), "input_error"),
        (("nonsense",), "input_error"),
        (("0" * 22, "--version", "0"), "input_error"),
        ((), "input_error"),
    ],
)
def test_receipts_of_nothing(
    cli: CommandLine, registry: str, arguments: tuple[str, ...], code: str
) -> None:
    done = cli.run("receipt", registry, *arguments)

    assert done.exit_code == 2
    assert done.output == ""
    assert "error:" in done.errors


def test_consistency(cli: CommandLine, registry: str) -> None:
    lines = cli.ok("consistency", registry, "3", "4").output.splitlines()

    assert lines == cli.ok("consistency", registry, "3", "4", "--json").document
    assert len(lines) == 3
    assert cli.ok("consistency", registry, "4", "4").output == ""
    for sizes in (("0", "4"), ("4", "3"), ("1", "5"), ("x", "4"), ("-1", "4"), ("1", "9" * 30)):
        assert cli.run("consistency", registry, "--json", "--", *sizes).exit_code == 2


def test_a_key_is_rotated_and_the_old_one_still_verifies(
    cli: CommandLine, registry: str, key: str
) -> None:
    cli.ok("checkpoint", registry)
    following = cli.ok("key", "rotate", registry, "--json").document["publicKey"]
    shown = cli.ok("key", "show", registry, "--json").document

    assert shown == {"publicKey": following, "folder": "registry", "privateKeyHere": True}
    assert following != key
    receipt = cli.ok("receipt", registry, vehicle(cli, registry)["id"]).output
    written(cli, "receipt", receipt)
    for each in (key, following):
        cli.ok("verify", "receipt", "--key", each)
        cli.ok("checkpoint", registry, "--key", each)
    assert (cli.folder / "registry" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert following in cli.ok("key", "show", registry).output


def test_keys_of_no_ledger(cli: CommandLine) -> None:
    for command in (("key", "show"), ("key", "rotate"), ("checkpoint",), ("consistency",)):
        rest = ("1", "1") if command == ("consistency",) else ()
        assert cli.run(*command, "file:nowhere", *rest).exit_code == 2
        assert not (cli.folder / "nowhere").exists()


def test_without_its_private_key_a_ledger_signs_nothing(cli: CommandLine, registry: str) -> None:
    (cli.folder / "registry" / "key.pem").unlink()
    done = cli.run("checkpoint", registry, "--json")

    assert (done.exit_code, done.error["code"]) == (8, "unsupported")
    assert cli.ok("key", "show", registry, "--json").document["privateKeyHere"] is False
    assert "not on this machine" in cli.ok("key", "show", registry).output
    cli.ok("execute", registry, "INSERT INTO vehicles ?", "-p", "{}")


def test_an_encrypted_key_and_one_from_the_environment(cli: CommandLine) -> None:
    url, secret = "file:sealed", {"INDELIBLE_KEY_PASSPHRASE": "a secret"}
    cli.ok("ledger", "create", url, **secret)
    pem = (cli.folder / "sealed" / "key.pem").read_text()

    assert "ENCRYPTED" in pem
    cli.ok("checkpoint", url, **secret)
    cli.ok("execute", url, "CREATE TABLE t")
    assert cli.run("checkpoint", url).exit_code == 4
    (cli.folder / "sealed" / "key.pem").unlink()
    cli.ok("checkpoint", url, **secret, INDELIBLE_PRIVATE_KEY=pem)
    assert "secret" not in cli.ok("config", **secret, INDELIBLE_PRIVATE_KEY=pem).output


def test_witnesses(cli: CommandLine, registry: str, key: str) -> None:
    names = ["witness.example.com/w1", "witness.example.com/w2"]
    keys = [
        cli.ok("key", "new", f"w{n}.pem", "--name", name, "--json").document["publicKey"]
        for n, name in enumerate(names)
    ]
    both = [f"--witness={each}" for each in keys]
    assert cli.run("checkpoint", registry, *both).exit_code == 8
    written(
        cli, "cosigned", cli.ok("witness", registry, "--key", "w0.pem", "--ledger-key", key).output
    )
    cli.ok("verify", "cosigned", "--key", key, both[0])
    kept = cli.ok("checkpoint", registry, "--cosign", "cosigned").output
    assert names[0] in kept
    assert cli.ok("checkpoint", registry, *both, "--threshold", "1").output == kept
    assert cli.run("checkpoint", registry, *both).exit_code == 7
    cli.ok("execute", registry, "INSERT INTO vehicles ?", "-p", "{}")
    assert cli.ok("checkpoint", registry).output.splitlines()[1] == "5"
    more = cli.ok("witness", registry, "--key", "w1.pem", "--checkpoint", "cosigned").output
    assert more.splitlines()[1] == "4"
    cli.ok("checkpoint", registry, "--cosign", written(cli, "cosigned", more), "--save")
    cli.ok("checkpoint", registry, *both)
    first = vehicle(cli, registry, "WHERE c.data.owner = 'Ann'")
    receipt = cli.ok("receipt", registry, first["id"], *both).output
    cli.ok("verify", written(cli, "receipt", receipt), "--key", key, *both)
    newest = vehicle(cli, registry, "WHERE c.data.owner IS MISSING")
    done = cli.run("receipt", registry, newest["id"], *both)
    assert (done.exit_code, done.output) == (8, "")
    assert "indelible witness" in done.errors

    later = cli.ok("witness", registry, "--key", "w0.pem").output
    assert later.splitlines()[1] == "5"
    cli.ok("checkpoint", registry, "--cosign", written(cli, "later", later))
    assert cli.run("checkpoint", registry, "--cosign", "cosigned").exit_code == 3
    done = cli.run("witness", registry, "--key", "w0.pem", "--checkpoint", "cosigned")
    assert done.exit_code == 2
    assert "has cosigned a tree of 5 blocks" in done.errors
    for name in ("nothing", "w0.pem", "receipt"):
        done = cli.run("witness", registry, "--key", "w0.pem", "--checkpoint", name)
        assert (done.exit_code, done.output) == (2 if name == "nothing" else 7, "")
    assert cli.run("checkpoint", registry, "--cosign", "nothing").exit_code == 2


def test_a_witness_refuses_another_past(cli: CommandLine, registry: str, key: str) -> None:
    cli.ok("key", "new", "w.pem", "--name", "w")
    shutil.copytree(cli.folder / "registry", cli.folder / "fork")
    for url, count in ((registry, 2), ("file:fork", 4)):
        for number in range(count):
            document = json.dumps({"number": number, "url": url})
            cli.ok("execute", url, "INSERT INTO vehicles ?", "-p", document)
    cli.ok("witness", registry, "--key", "w.pem")
    done = cli.run("witness", "file:fork", "--key", "w.pem")

    assert (done.exit_code, done.output) == (7, "")
    state = json.loads((cli.folder / "w.pem.state").read_text())
    assert [note.splitlines()[1] for note in state["seen"].values()] == ["6"]
    evidence = [
        *cli.folder.glob("w.pem.evidence-*.json"),
        *cli.folder.glob(".state/evidence/*.json"),
    ]
    assert evidence
    for path in evidence:
        proven = cli.run("verify", path, "--key", key)
        assert proven.exit_code == 0
        assert "fork" in proven.output


def test_a_witness_does_not_cosign_a_given_checkpoint_of_another_past(
    cli: CommandLine, registry: str, key: str
) -> None:
    """The ledger signed it, but does not have it any more; the witness has seen nothing so far."""
    cli.ok("key", "new", "w.pem", "--name", "w")
    shutil.copytree(cli.folder / "registry", cli.folder / "fork")
    notes = []
    for url, count in ((registry, 2), ("file:fork", 4), ("file:fork", 1)):
        for number in range(count):
            document = json.dumps({"number": number, "url": url})
            cli.ok("execute", url, "INSERT INTO vehicles ?", "-p", document)
        if url != registry:
            notes.append(cli.ok("checkpoint", url, "--key", key).output)
        shutil.rmtree(cli.folder / ".state", ignore_errors=True)
    for number in range(2):
        cli.ok("execute", registry, "INSERT INTO vehicles ?", "-p", json.dumps({"n": number}))
    for name, note in zip("ab", notes, strict=True):
        written(cli, name, note)
        done = cli.run("witness", registry, "--key", "w.pem", "--checkpoint", name)
        assert done.output == ""
        assert done.exit_code in {
            2,
            7,
        }  # no proof can be had from 8 blocks to 9; else a contradiction
    (evidence,) = cli.folder.glob("w.pem.evidence-*.json")

    assert cli.run("verify", evidence, "--key", key).exit_code == 0
    assert not (cli.folder / "w.pem.state").exists()


def test_witness_keys_that_are_none(cli: CommandLine, registry: str) -> None:
    cli.ok("key", "new", "w.pem", "--name", "w")
    assert (cli.folder / "w.pem").stat().st_mode & 0o777 == 0o600
    assert cli.run("key", "new", "w.pem", "--name", "w").exit_code == 2
    assert cli.run("key", "new", "v.pem", "--name", "a b").exit_code == 2
    assert not (cli.folder / "v.pem").exists()
    assert cli.run("witness", registry, "--key", "v.pem").exit_code == 2
    cli.ok("key", "new", "v.pem", "--name", "v")
    shutil.copy(cli.folder / "v.pem.pub", cli.folder / "w.pem.pub")
    assert cli.run("witness", registry, "--key", "w.pem").exit_code == 2
    shutil.copy(cli.folder / "registry" / "key.pem", cli.folder / "v.pem")
    assert cli.run("witness", registry, "--key", "v.pem").exit_code == 2
    cli.ok("key", "new", "u.pem", "--name", "u")
    written(cli, "u.pem.state", "nonsense")
    assert cli.run("witness", registry, "--key", "u.pem").exit_code == 4


def test_another_ledger_under_the_same_url(cli: CommandLine, registry: str) -> None:
    cli.ok("checkpoint", registry)
    shutil.rmtree(cli.folder / "registry")
    cli.ok("execute", registry, "CREATE TABLE t")
    done = cli.run("checkpoint", registry, "--json")

    assert (done.exit_code, done.error["code"]) == (7, "integrity")
    assert "known_ledgers, line 1" in done.error["message"]
    known = cli.folder / ".state" / "known_ledgers"
    known.write_text("")
    cli.ok("checkpoint", registry)


def test_a_restored_backup_is_noticed(cli: CommandLine, registry: str) -> None:
    shutil.copytree(cli.folder / "registry", cli.folder / "backup")
    cli.ok("execute", registry, "INSERT INTO vehicles ?", "-p", "{}")
    cli.ok("checkpoint", registry)
    shutil.rmtree(cli.folder / "registry")
    shutil.copytree(cli.folder / "backup", cli.folder / "registry")
    done = cli.run("checkpoint", registry, "--json")

    assert (done.exit_code, done.error["code"]) == (7, "inconsistent_checkpoint")
    assert "a smaller tree" in done.error["message"]


def test_what_goes_into_a_secret_file_stays_there(cli: CommandLine, registry: str) -> None:
    cli.ok("checkpoint", registry)
    cli.ok("key", "rotate", registry)
    files = {path.name: path.stat().st_mode & 0o777 for path in (cli.folder / "registry").iterdir()}

    assert files["key.pem"] == files["last-signed"] == files["last-signed.lock"] == 0o600
    assert "key.pem.next" not in files
