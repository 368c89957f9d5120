"""`execute`, `query`, `history` as a user runs them."""

import pytest

from indelible.cli.output import ROWS_SHOWN
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.slow


def test_what_was_executed_is_found(cli: CommandLine, registry: str) -> None:
    rows = cli.ok("query", registry, "SELECT v.* FROM vehicles AS v", "--json").documents
    history = cli.ok("history", registry, "vehicles", "--json").documents

    assert rows == [{"vin": "1N4", "owner": "Ann"}]
    assert [(r["metadata"]["version"], r["data"]["owner"]) for r in history] == [
        (0, "Nova"),
        (1, "Ann"),
    ]


def test_tables_for_people_show_the_rows(cli: CommandLine, registry: str) -> None:
    shown = cli.ok("query", registry, "SELECT v.vin, v.owner FROM vehicles AS v").output
    history = cli.ok("history", registry, "vehicles").output

    assert "1N4" in shown
    assert "(1 row)" in shown
    assert "Nova" in history
    assert "(2 rows)" in history


def test_execute_tells_programs_where_the_transaction_stands(
    cli: CommandLine, registry: str
) -> None:
    done = cli.ok(
        "execute", registry, "INSERT INTO vehicles ?", "-p", '{"vin": "2"}', "--json"
    ).document

    assert set(done) == {"transactionId", "blockAddress", "rows"}
    assert done["blockAddress"]["sequenceNo"] == 4
    assert len(done["transactionId"]) == 22
    assert len(done["rows"][0]["documentId"]) == 22


def test_one_transaction_id_commits_once(cli: CommandLine, registry: str) -> None:
    arguments = ["execute", registry, "INSERT INTO vehicles ?", "-p", '{"vin": "3"}']
    identified = [*arguments, "--transaction-id", "0" * 21 + "7", "--json"]
    first, second = cli.ok(*identified).document, cli.ok(*identified).document
    (count,) = cli.ok("query", registry, "SELECT VALUE COUNT(*) FROM vehicles", "--json").documents

    assert first["blockAddress"] == second["blockAddress"]
    assert first["rows"] == second["rows"]
    assert count == 2


def test_values_of_all_kinds_survive_in_tagged_json(cli: CommandLine, registry: str) -> None:
    value = '{"amount":{"$decimal":"10.50"},"at":{"$timestamp":"2026-11-23T18:00:00Z"}}'
    cli.ok("execute", registry, "INSERT INTO vehicles ?", "-p", value)
    shown = cli.ok(
        "query", registry, "SELECT v.* FROM vehicles AS v WHERE v.amount = 10.5", "--json"
    ).output

    assert shown.strip() == value


def test_parameters_may_come_from_a_file_or_standard_input(cli: CommandLine, registry: str) -> None:
    (cli.folder / "values").write_text('"1N4"\n"Ann"\n')
    rows = cli.ok(
        "query",
        registry,
        "SELECT VALUE v.owner FROM vehicles AS v WHERE v.vin = ? AND v.owner = ?",
        "--file",
        "values",
        "--json",
    ).documents

    assert rows == ["Ann"]


def test_url_may_come_from_the_environment(cli: CommandLine, registry: str) -> None:
    rows = cli.ok(
        "query", "SELECT VALUE v.vin FROM vehicles AS v", "--json", INDELIBLE_URL=registry
    ).documents

    assert rows == ["1N4"]


def test_long_results_are_cut_for_people_only(cli: CommandLine, registry: str) -> None:
    documents = ",".join(f'{{"n":{n}}}' for n in range(ROWS_SHOWN + 5))
    cli.ok("execute", registry, "CREATE TABLE numbers")
    cli.ok("execute", registry, "INSERT INTO numbers ?", "-p", f"[{documents}]")
    shown = cli.ok("query", registry, "SELECT n.n FROM numbers AS n").output
    rows = cli.ok("query", registry, "SELECT n.n FROM numbers AS n", "--json").documents

    assert f"(first {ROWS_SHOWN:,} rows; --json gives all)" in shown
    assert len(rows) == ROWS_SHOWN + 5


def test_a_ledger_in_use_is_read_beside_its_writer(cli: CommandLine, registry: str) -> None:
    import indelible

    with indelible.connect(f"file:{cli.folder / 'registry'}") as ledger:
        ledger.execute("UPDATE vehicles AS v SET v.owner = 'Bob'")
        rows = cli.ok("query", registry, "SELECT VALUE v.owner FROM vehicles AS v", "--json")
        refused = cli.run("execute", registry, "DELETE FROM vehicles", "--json")

    assert rows.documents == ["Bob"]
    assert (refused.exit_code, refused.error["code"]) == (5, "ledger_locked")
