"""`import`: every document exactly once, whatever happens on the way."""

import json
import random
import time
from pathlib import Path

import pytest

import indelible
from indelible.cli.sources import CHUNK_DOCUMENTS
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.slow


def write_jsonl(path: Path, count: int) -> None:
    with path.open("w") as file:
        for number in range(count):
            file.write(json.dumps({"n": number, "text": f"document {number}"}) + "\n")


def numbers(folder: Path) -> list[int]:
    with indelible.connect(f"file:{folder}", read_only=True) as ledger:
        return sorted(ledger.query("SELECT VALUE n.n FROM numbers AS n"))


def test_json_lines_arrive_once(cli: CommandLine) -> None:
    write_jsonl(cli.folder / "n.jsonl", 1234)
    command = ["import", "file:ledger", "numbers", "n.jsonl", "--create", "--json"]
    first, again = cli.ok(*command).document, cli.ok(*command).document

    assert first == {"documents": 1234, "repeated": 0, "finished": True}
    assert again == {"documents": 1234, "repeated": 1234, "finished": True}
    assert numbers(cli.folder / "ledger") == list(range(1234))


def test_file_is_imported_again_only_under_another_name(cli: CommandLine) -> None:
    write_jsonl(cli.folder / "n.jsonl", 3)
    cli.ok("import", "file:ledger", "numbers", "n.jsonl", "--create")
    cli.ok("import", "file:ledger", "numbers", "n.jsonl", "--run", "second")

    assert numbers(cli.folder / "ledger") == [0, 0, 1, 1, 2, 2]


def test_csv_cells_are_texts_unless_types_are_given(cli: CommandLine) -> None:
    (cli.folder / "t.csv").write_text(
        'code,seats,price,built,note\n007,5,10.50,2004,"a, b"\n008,,NA,NA,\n'
    )
    cli.ok("import", "file:ledger", "plain", "t.csv", "--create")
    cli.ok(
        "import",
        "file:ledger",
        "typed",
        "t.csv",
        "--create",
        "--types",
        "seats=int,price=decimal",
        "--null",
        "NA",
        "--infer",
    )
    query = ["query", "file:ledger", "--json"]
    plain = cli.ok(*query, "SELECT VALUE t FROM plain AS t WHERE t.code = '007'").documents
    typed = cli.ok(*query, "SELECT VALUE t FROM typed AS t ORDER BY t.code").documents

    assert plain[0] == {
        "code": "007",
        "seats": "5",
        "price": "10.50",
        "built": "2004",
        "note": "a, b",
    }
    assert typed == [
        {
            "code": "007",
            "seats": 5,
            "price": {"$decimal": "10.50"},
            "built": 2004,
            "note": "a, b",
        },
        {"code": "008", "seats": None, "price": None, "built": None, "note": ""},
    ]


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("duplicate-key.jsonl", '{"a": 1}\n{"a": 1, "a": 2}\n', "line 2: "),
        ("not-json.jsonl", '{"a": 1}\n{"a": \n', "line 2: "),
        ("not-a-struct.jsonl", "[1]\n", "line 1: "),
        ("unknown-tag.jsonl", '{"a": {"$nothing": 1}}\n', "line 1: "),
        ("too-few-cells.csv", "a,b\n1,2\n3\n", "line 3: "),
        ("two-names.csv", "a,a\n1,2\n", "line 1: "),
        ("open-quote.csv", 'a\n"x\n', "line 2: "),
    ],
)
def test_bad_line_is_named_and_nothing_is_written(
    cli: CommandLine, name: str, content: str, place: str
) -> None:
    (cli.folder / name).write_text(content)
    done = cli.run("import", "file:ledger", "t", name, "--create", "--json")

    assert (done.exit_code, done.error["code"]) == (2, "input_error")
    assert f"{name}, {place}" in done.error["message"]
    assert not (cli.folder / "ledger").exists()


def test_chunk_that_the_ledger_refuses_is_named_by_its_lines(cli: CommandLine) -> None:
    write_jsonl(cli.folder / "n.jsonl", 2 * CHUNK_DOCUMENTS)
    with (cli.folder / "n.jsonl").open("a") as file:
        file.write('{"n": 0}\n')
    cli.ok("execute", "file:ledger", "CREATE TABLE numbers")
    cli.ok("execute", "file:ledger", "CREATE UNIQUE INDEX ON numbers (n)")
    done = cli.run("import", "file:ledger", "numbers", "n.jsonl", "--json")

    assert (done.exit_code, done.error["code"]) == (2, "unique_violation")
    assert "lines 1001 to 1001: " in done.error["message"]
    assert len(numbers(cli.folder / "ledger")) == 2 * CHUNK_DOCUMENTS


def test_missing_table_is_not_made_without_being_asked_for(cli: CommandLine) -> None:
    write_jsonl(cli.folder / "n.jsonl", 1)
    done = cli.run("import", "file:ledger", "numbers", "n.jsonl", "--json")

    assert done.error["code"] == "unknown_table"


def test_interrupted_import_ends_between_chunks_and_goes_on(cli: CommandLine) -> None:
    write_jsonl(cli.folder / "n.jsonl", 40_000)
    command = ["import", "file:ledger", "numbers", "n.jsonl", "--create", "--json"]
    with cli.start(*command) as process:
        _wait_for_blocks(cli.folder / "ledger", 5)
        process.terminate()
        output, _ = process.communicate(timeout=60)
    interrupted = json.loads(output)
    finished = cli.ok(*command).document

    assert process.returncode == 130
    assert interrupted["finished"] is False
    assert interrupted["documents"] % CHUNK_DOCUMENTS == 0
    assert finished["repeated"] == interrupted["documents"]
    assert numbers(cli.folder / "ledger") == list(range(40_000))


@pytest.mark.slow
def test_import_killed_again_and_again_writes_each_document_once(cli: CommandLine) -> None:
    write_jsonl(cli.folder / "n.jsonl", 30_000)
    command = ["import", "file:ledger", "numbers", "n.jsonl", "--create", "--json"]
    for kills in range(3):
        with cli.start(*command) as process:
            _wait_for_blocks(cli.folder / "ledger", 5 + 15 * kills)
            time.sleep(random.uniform(0.0, 0.1))
            process.kill()
    finished = cli.ok(*command).document

    assert finished["documents"] == 30_000
    assert 0 < finished["repeated"] < 30_000
    assert numbers(cli.folder / "ledger") == list(range(30_000))


def _wait_for_blocks(folder: Path, count: int) -> None:
    from journal.errors import LedgerError
    from journal.sqlite import SqliteLog

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            log = SqliteLog(folder / "journal.db", read_only=True)
        except LedgerError:
            time.sleep(0.01)
            continue
        try:
            if log.end_offset() >= count:
                return
        finally:
            log.close()
        time.sleep(0.005)
    raise AssertionError(f"{folder} did not reach {count} blocks")
