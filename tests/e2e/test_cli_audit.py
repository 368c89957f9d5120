"""`audit`, `export`, `restore` as a user runs them."""

import signal
import sqlite3
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

pytestmark = pytest.mark.slow


@pytest.fixture
def key(cli: CommandLine, registry: str) -> str:
    return str(cli.ok("key", "show", registry, "--json").document["publicKey"])


def test_audit_says_what_is_missing_and_has_an_exit_code_for_it(cli, registry, key):
    bare = cli.run("audit", registry)
    pinned = cli.run("audit", registry, "--key", key)
    cli.ok("checkpoint", registry)
    proven = cli.run("audit", registry, "--key", key)

    assert bare.exit_code == 3
    assert "not proven: key not pinned" in bare.errors
    assert pinned.exit_code in {0, 3}
    assert "key not pinned" not in pinned.errors
    assert proven.exit_code == 0
    assert "whole and proven" in proven.errors
    assert "(pinned)" in proven.output


def test_audit_compares_with_the_checkpoint_that_was_saved(cli, registry, key):
    cli.ok("checkpoint", registry, "--save")
    (cli.folder / "registry" / "last-signed").unlink()
    report = cli.ok("audit", registry, "--key", key, "--json").document

    assert (report["proven"], report["checkpoints"]) == (True, [4])


def test_audit_takes_checkpoints_from_files(cli, registry, key):
    (cli.folder / "note").write_text(cli.ok("checkpoint", registry).output)
    cli.ok("execute", registry, "UPDATE vehicles AS v SET v.owner = 'Eve'")
    (cli.folder / "registry" / "last-signed").unlink()
    done = cli.run("audit", registry, "--key", key, "--checkpoint", "note", "--json")

    assert (done.exit_code, done.document["anchoredBlocks"]) == (3, 4)
    assert done.document["missing"][0].startswith("tail not anchored")


def test_audit_finds_a_changed_block_and_names_it(cli, registry, key):
    path = cli.folder / "registry" / "journal.db"
    with sqlite3.connect(path) as connection:
        (value,) = connection.execute("select value from log where offset = 2").fetchone()
        connection.execute(
            "update log set value = ? where offset = 2", (value.replace(b"Nova", b"Evil"),)
        )
    connection.close()
    done = cli.run("audit", registry, "--key", key, "--json")

    assert done.exit_code == 7
    assert done.error["code"] == "corrupt_block"
    assert done.error["message"].startswith("block 2, entry 1: the record at offset 2 is damaged")


def test_audit_finds_a_changed_state_store(cli, registry):
    state = cli.folder / "registry" / "state.db"
    good = cli.run("audit", registry, "--state", state, "--json")
    with sqlite3.connect(state) as connection:
        connection.execute("update documents set version = 9 where version = 1")
    connection.close()
    bad = cli.run("audit", registry, "--state", state)

    assert good.document["state"]["blocks"] == 4
    assert bad.exit_code == 7
    assert "table documents, row" in bad.errors


def test_a_journal_goes_out_and_comes_back(cli, registry, key):
    cli.ok("checkpoint", registry)
    exported = cli.ok("export", "journal", registry, "copy", "--json").document
    audited = cli.ok("audit", "export:copy", "--key", key, "--json").document
    restored = cli.ok("restore", "copy", "file:back", "--key", key, "--json").document

    assert exported["tipHash"] == audited["tipHash"] == restored["tipHash"]
    assert (exported["withCheckpoint"], restored["proven"], restored["takenOver"]) == (
        True,
        True,
        False,
    )
    refused = cli.run("execute", "file:back", "UPDATE vehicles AS v SET v.owner = 'Eve'")
    assert refused.exit_code == 4
    assert "restore --take-over" in refused.errors
    assert cli.ok(
        "query", "file:back", "SELECT VALUE v.owner FROM vehicles AS v", "--json"
    ).documents == ["Ann"]
    assert cli.ok("restore", "--take-over", "file:back", "--json").document["changed"] is True
    cli.ok("execute", "file:back", "UPDATE vehicles AS v SET v.owner = 'Eve'")
    assert cli.run("checkpoint", "file:back").exit_code == 8


def test_an_export_is_not_written_over(cli, registry):
    cli.ok("export", "journal", registry, "copy")
    done = cli.run("export", "journal", registry, "copy")

    assert done.exit_code == 2
    assert "is not empty" in done.errors


def test_tiles_go_out_with_a_new_checkpoint(cli, registry):
    done = cli.ok("export", "tiles", registry, "tiles", "--json").document

    assert done["treeSize"] == 4
    assert (cli.folder / "tiles/tile/0/000.p/4").stat().st_size == 128
    assert (cli.folder / "tiles/checkpoint").read_text().startswith(done["origin"])


def test_what_makes_no_sense_is_refused(cli, registry):
    for words in (
        ("audit", "memory:"),
        ("audit", "file:nothing"),
        ("audit", "export:nothing"),
        ("audit", "file:registry", "--webhook", "http://x"),
        ("audit", "file:registry", "--metrics", "x"),
        ("audit", "file:registry", "--follow", "--state", "x"),
        ("audit", "file:registry", "--follow", "--webhook", "x"),
        ("audit", "file:registry", "--checkpoint", "nothing"),
        ("audit", "file:registry", "--key", "hello"),
        ("audit", "file:registry", "--key", "hello", "--checkpoint", "registry/last-signed"),
        ("query", "export:copy", "SELECT 1 FROM x"),
        ("restore",),
        ("restore", "copy"),
        ("restore", "nothing", "file:back"),
        ("restore", "--take-over", "file:registry"),
        ("export", "journal", "file:registry"),
    ):
        done = cli.run(*words)

        assert done.exit_code == 2, (words, done.errors)
        assert "error: " in done.errors


def test_follow_goes_on_until_it_is_told_to_stop(cli, registry, key):
    process = cli.start(
        "audit", registry, "--key", key, "--follow", "--interval", "0.05", "--json",
        "--memory", Path("memory.json"), "--metrics", Path("audit.prom"),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert '"blocks":4' in process.stdout.readline()
        cli.ok("execute", registry, "UPDATE vehicles AS v SET v.owner = 'Eve'")
        assert '"blocks":5' in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()

    assert (process.returncode, "stopped" in errors) == (0, True)
    assert '"tree_size": 5' in (cli.folder / "memory.json").read_text()
    assert "\nindelible_audit_blocks 5\n" in (cli.folder / "audit.prom").read_text()


def test_follow_ends_with_evidence_when_a_check_fails(cli, registry):
    path = cli.folder / "registry" / "journal.db"
    with sqlite3.connect(path) as connection:
        connection.execute("update log set value = cast(value || x'00' as blob) where offset = 2")
    connection.close()
    done = cli.run("audit", registry, "--follow", "--memory", "m", "--json")

    assert done.exit_code == 7
    assert done.document["event"] == "audit_failed"
    assert done.document["code"] == "corrupt_block"
