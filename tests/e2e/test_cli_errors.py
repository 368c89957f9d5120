"""Errors as a user meets them: one line, a hint, an exit code by class, never a traceback."""

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (["query", "file:registry", "SELEC * FROM"], 2, "query_syntax"),
        (["query", "file:registry", "SELECT * FROM nothing"], 2, "unknown_table"),
        (["query", "file:registry", "DELETE FROM vehicles"], 2, "input_error"),
        (["execute", "file:registry", "INSERT INTO vehicles ?"], 2, None),
        (["execute", "file:registry", "INSERT INTO vehicles ?", "-p", "Nova"], 2, "input_error"),
        (["query", "file:absent", "SELECT * FROM t"], 2, "unknown_ledger"),
        (["status", "file:absent"], 2, "unknown_ledger"),
        (["rebuild", "file:absent"], 2, "unknown_ledger"),
        (["materialize", "file:absent", "--data", "replica"], 2, "unknown_ledger"),
        (["ledger", "create", "file:registry"], 2, "ledger_exists"),
        (["ledger", "create", "file:other?name=Not+A+Name"], 2, "input_error"),
        (["query", "postgres://x", "SELECT 1"], 2, "input_error"),
        (["status", "http://localhost:8700/registry"], 8, "unsupported"),
        (["status"], 2, "input_error"),
        (["--set", "limits.nothing=1", "status", "file:registry"], 4, "settings"),
        (["--set", "limits.statement_length_max=5", "query", "file:registry", "SELECT 1"], 2, None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_exit_code_is_that_of_the_error_class(
    cli: CommandLine, shared_registry: Path, arguments: list[str], exit_code: int, code: str | None
) -> None:
    there = CommandLine(shared_registry)
    done = there.run(*arguments, "--json")

    assert exit_code == done.exit_code, done.errors
    assert code in {None, done.error["code"]}
    assert done.output == ""


def test_people_get_a_sentence_and_a_hint(cli: CommandLine) -> None:
    done = cli.run("query", "file:absent", "SELECT * FROM t")

    assert done.errors.splitlines() == [
        "error: no ledger in absent",
        "hint: make one with: indelible ledger create file:absent",
    ]
    assert not (cli.folder / "absent").exists()


def test_syntax_error_points_at_its_place(cli: CommandLine, registry: str) -> None:
    done = cli.run("query", registry, "SELECT *\nFRUM vehicles")

    assert "line 2, column 1" in done.errors
    assert "  FRUM vehicles\n  ^" in done.errors


def test_damaged_journal_ends_with_the_exit_code_of_integrity(
    cli: CommandLine, registry: str
) -> None:
    path = cli.folder / "registry" / "journal.db"
    path.write_bytes(b"not a database" * 1000)
    (cli.folder / "registry" / "journal.db-wal").unlink(missing_ok=True)
    done = cli.run("status", registry, "--json")

    assert (done.exit_code, done.error["code"]) == (7, "integrity")


def test_journal_that_was_cut_is_reported_and_given_up_only_on_demand(
    cli: CommandLine, registry: str
) -> None:
    apsw = pytest.importorskip("apsw")
    connection = apsw.Connection(str(cli.folder / "registry" / "journal.db"))
    connection.execute("delete from log where offset = (select max(offset) from log)").fetchall()
    connection.close()
    status = cli.run("status", registry, "--json")
    refused = cli.run("rebuild", registry, "--json")
    accepted = cli.ok("rebuild", registry, "--accept-journal", "--json").document
    rows = cli.ok("query", registry, "SELECT VALUE v.owner FROM vehicles AS v", "--json")

    assert (status.exit_code, status.error["code"]) == (7, "journal_replaced")
    assert (refused.exit_code, refused.error["code"]) == (7, "journal_replaced")
    assert "--accept-journal" in refused.error["hint"]
    assert accepted["tip"] == 2
    assert rows.documents == ["Nova"]


@pytest.fixture(scope="module")
def shared_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `file:registry` is a ledger with an empty table; nothing here changes it."""
    folder = tmp_path_factory.mktemp("errors")
    CommandLine(folder).ok("execute", "file:registry", "CREATE TABLE vehicles")
    return folder
