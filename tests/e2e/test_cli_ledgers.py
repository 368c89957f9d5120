"""`ledger`, `status`, `config`, `rebuild`, `materialize` as a user runs them."""

import signal
import stat
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

pytestmark = pytest.mark.slow


def test_created_ledger_is_listed_and_shown(cli: CommandLine) -> None:
    created = cli.ok("ledger", "create", "file:one", "--json").document
    cli.ok("execute", "file:one", "CREATE TABLE t")
    cli.ok("execute", "file:one", "CREATE UNIQUE INDEX ON t (a.b)")
    listed = cli.ok("ledger", "list", "file:.", "--json").document
    shown = cli.ok("ledger", "show", "file:one", "--json").document

    assert listed == [{"url": "file:one"}]
    assert shown["checkpointKey"] == created["checkpointKey"]
    assert shown["strandId"] == created["strandId"]
    assert [(t["name"], t["documents"]) for t in shown["tables"]] == [("t", 0)]
    assert shown["tables"][0]["indexes"] == ["[a.b]"]


def test_folder_and_key_are_for_their_owner_alone(cli: CommandLine) -> None:
    cli.ok("ledger", "create", "file:one")
    folder = cli.folder / "one"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600


def test_name_of_a_ledger_stands_in_its_key(cli: CommandLine) -> None:
    created = cli.ok("ledger", "create", "file:one?name=vehicles&prefix=dmv", "--json").document

    assert created["ledger"] == "vehicles"
    assert created["checkpointKey"].startswith(f"dmv/vehicles/{created['strandId']}+")


def test_status_for_people_and_for_programs_say_the_same(cli: CommandLine, registry: str) -> None:
    status = cli.ok("status", registry, "--json").document
    shown = cli.ok("status", registry).output

    assert status["tip"] == 3
    assert status["treeSize"] == 4
    assert status["rootHash"] in shown
    assert status["tipHash"] in shown


def test_settings_come_from_line_environment_and_file_in_this_order(cli: CommandLine) -> None:
    (cli.folder / "indelible.toml").write_text(
        "[limits]\nrows_max = 1\ntables_max = 2\nlabels_max = 3\n[kafka]\nsasl.password = 'hush'\n"
    )
    done = cli.ok("--set", "limits.rows_max=7", "config", "--json", INDELIBLE_LIMITS_TABLES_MAX="8")

    assert done.document["limits.rows_max"] == {"value": 7, "source": "command line"}
    assert done.document["limits.tables_max"]["value"] == 8
    assert done.document["limits.labels_max"] == {"value": 3, "source": "indelible.toml"}
    assert done.document["limits.queue_max"]["source"] == "default"
    assert "hush" not in done.output


def test_limit_from_the_settings_is_the_limit_of_the_engine(cli: CommandLine) -> None:
    done = cli.run(
        "--set", "limits.tables_max=1", "execute", "file:one", "CREATE TABLE a", "--json"
    )
    second = cli.run(
        "--set", "limits.tables_max=1", "execute", "file:one", "CREATE TABLE b", "--json"
    )

    assert done.exit_code == 0
    assert second.error["code"] == "limit_exceeded"
    assert "tables_max is 1" in second.error["message"]


def test_rebuilt_state_answers_as_before(cli: CommandLine, registry: str) -> None:
    query = ["query", registry, "SELECT * FROM history(vehicles) AS h", "--json"]
    before, status = cli.ok(*query).output, cli.ok("status", registry, "--json").document
    (cli.folder / "registry" / "state.db").unlink()
    rebuilt = cli.ok("rebuild", registry, "--json").document

    assert rebuilt["tipHash"] == status["tipHash"]
    assert rebuilt["blocks"] == 4
    assert cli.ok(*query).output == before
    assert cli.ok("status", registry, "--json").document == status


def test_state_that_is_no_database_is_rebuilt(cli: CommandLine, registry: str) -> None:
    for path in (cli.folder / "registry").glob("state.db*"):
        path.unlink()
    (cli.folder / "registry" / "state.db").write_bytes(b"no database" * 1000)
    refused = cli.run("status", registry, "--json")
    cli.ok("rebuild", registry)

    assert refused.exit_code == 7
    assert "indelible rebuild" in refused.error["hint"]
    assert cli.ok("status", registry, "--json").document["tip"] == 3


def test_replica_follows_until_sigterm(cli: CommandLine, registry: str) -> None:
    with cli.start("materialize", registry, "--data", "replica", "--json") as replica:
        assert replica.stdout is not None
        first = replica.stdout.readline()
        cli.ok("execute", registry, "UPDATE vehicles AS v SET v.owner = 'Bob'")
        second = replica.stdout.readline()
        rows = cli.ok("query", "file:replica", "SELECT VALUE v.owner FROM vehicles AS v", "--json")
        locked = cli.run("materialize", registry, "--data", "replica", "--json")
        replica.send_signal(signal.SIGTERM)
        exit_code = replica.wait(timeout=20)

    assert '"tip":3' in first
    assert '"tip":4' in second
    assert rows.documents == ["Bob"]
    assert (locked.exit_code, locked.error["code"]) == (5, "ledger_locked")
    assert exit_code == 0


def test_replica_goes_on_where_it_was(cli: CommandLine, registry: str) -> None:
    once = ["materialize", registry, "--data", "replica", "--once", "--json"]
    cli.ok(*once)
    cli.ok("execute", registry, "DELETE FROM vehicles")
    second = cli.ok(*once).document

    assert second["tip"] == 4
    assert cli.ok("query", "file:replica", "SELECT * FROM vehicles", "--json").documents == []


def test_replica_cannot_be_in_the_ledgers_own_folder(cli: CommandLine, registry: str) -> None:
    done = cli.run("materialize", registry, "--data", "registry", "--json")

    assert (done.exit_code, done.error["code"]) == (2, "input_error")


@pytest.mark.parametrize("option", ["--adopt", "--accept-journal"])
def test_store_can_be_bound_to_a_copy_of_its_journal(
    cli: CommandLine, registry: str, option: str
) -> None:
    _replace_journal_by_a_copy(cli.folder / "registry")
    refused = cli.run("status", registry, "--json")
    cli.ok("rebuild", registry, option)

    assert refused.error["code"] == "journal_replaced"
    assert cli.ok("status", registry, "--json").document["tip"] == 3


def test_store_is_not_bound_to_another_ledgers_journal(cli: CommandLine, registry: str) -> None:
    cli.ok("execute", "file:other", "CREATE TABLE vehicles")
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (cli.folder / "registry" / name).unlink(missing_ok=True)
    (cli.folder / "other" / "journal.db").rename(cli.folder / "registry" / "journal.db")
    refused = cli.run("rebuild", registry, "--adopt", "--json")

    assert (refused.exit_code, refused.error["code"]) == (7, "journal_replaced")


def _replace_journal_by_a_copy(folder: Path) -> None:
    """The same records in a file with another identity and other offsets, as after a mirroring."""
    import apsw

    from journal.log import Position
    from journal.sqlite import SqliteLog

    source = SqliteLog(folder / "journal.db", read_only=True)
    records = source.reader(Position(offset=0)).read(timeout=1)
    source.close()
    copy = SqliteLog.create(folder / "copy.db", database_id="another")
    copy.close()
    connection = apsw.Connection(str(folder / "copy.db"))
    for record in records:
        connection.execute(
            "insert into log values (?, ?)", (record.offset * 2, record.value)
        ).fetchall()
    connection.close()
    for path in folder.glob("journal.db*"):
        path.unlink()
    (folder / "copy.db").rename(folder / "journal.db")
