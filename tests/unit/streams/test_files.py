"""Revisions in a file of JSON lines: each once, wherever its exporter was killed."""

import os
import sys
from pathlib import Path

import orjson
import pytest

import indelible
from journal.errors import ConfigurationError, IntegrityError, LedgerLockedError
from streams.declarations import parse_declarations
from streams.files import FileSink, StandardOutputSink
from tests.support.feeding import export_once
from tests.support.streamed import written


@pytest.fixture
def url(tmp_path: Path) -> str:
    found = f"file:{tmp_path / 'registry'}"
    with indelible.connect(found) as ledger:
        ledger.execute("CREATE TABLE vehicles")
        ledger.execute("INSERT INTO vehicles ?", [{"n": number} for number in range(4)])
        ledger.execute("DELETE FROM vehicles WHERE n = 2")
    return found


def expect_each_once(path: Path, url: str) -> None:
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    seen = [(each["_document_id"], each["_version"], each["_hash"]) for each in lines]

    assert seen == [(each.document_id, each.version, each.hash) for each in written(url)]


def test_the_file_goes_on_where_it_ended(url: str, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    export_once(url, FileSink(path, "ledger", {}))
    with indelible.connect(url) as ledger:
        ledger.execute("INSERT INTO vehicles ?", {"n": 9})
    for _ in range(2):
        export_once(url, FileSink(path, "ledger", {}))

    expect_each_once(path, url)


@pytest.mark.slow
def test_wherever_a_line_was_torn_each_revision_stands_there_once(url: str, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    export_once(url, FileSink(path, "ledger", {}))
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        export_once(url, FileSink(path, "ledger", {}))

        assert path.read_bytes() == whole


def test_lines_longer_than_a_look_back_are_found(url: str, tmp_path: Path) -> None:
    with indelible.connect(url) as ledger:
        ledger.execute("INSERT INTO vehicles ?", {"text": "x" * 200_000})
    path = tmp_path / "out.jsonl"
    export_once(url, FileSink(path, "ledger", {}))
    whole = path.read_bytes()
    path.write_bytes(whole[:-100_000])
    export_once(url, FileSink(path, "ledger", {}))

    assert path.read_bytes() == whole


def test_what_does_not_fit_its_columns_stands_there_with_the_reason(
    url: str, tmp_path: Path
) -> None:
    path = tmp_path / "out.jsonl"
    declared = parse_declarations('[tables.vehicles]\nn = "string"\n', source="")
    export_once(url, FileSink(path, "ledger", declared))
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]

    assert [("reason" in line, line["_operation"]) for line in lines] == [
        *[(True, "INSERT")] * 4,
        (False, "DELETE"),
    ]
    expect_each_once(path, url)


@pytest.mark.parametrize("line", [b"hello\n", b"{}\n", b"[1]\n"])
def test_a_file_of_something_else_is_left_alone(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(line)
    sink = FileSink(path, "ledger", {})
    with pytest.raises(IntegrityError, match="no revision"):
        sink.open()
    sink.close()

    assert path.read_bytes() == line


def test_a_file_of_another_ledger_is_left_alone(url: str, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    export_once(url, FileSink(path, "ledger", {}))
    other = FileSink(path, "other", {})
    with pytest.raises(IntegrityError, match="of ledger 'ledger'"):
        other.open()
    other.close()


def test_two_exporters_do_not_write_one_file(tmp_path: Path) -> None:
    first, second = (FileSink(tmp_path / "out.jsonl", "ledger", {}) for _ in range(2))
    first.open()
    with pytest.raises(LedgerLockedError):
        second.open()
    first.close()
    assert second.open() is None
    second.close()


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationError, match="cannot write"):
        FileSink(tmp_path / "folder", "ledger", {}).open()


def test_nobody_reading_standard_output_ends_the_export(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        with pytest.raises(ConfigurationError, match="nobody reads"):
            export_once(url, StandardOutputSink("ledger", {}))
        monkeypatch.undo()
        with pytest.raises(BrokenPipeError):
            closed.buffer.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), write)
