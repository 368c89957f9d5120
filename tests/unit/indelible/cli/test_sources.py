"""Files become chunks of documents, the same ones each time; bad lines are refused by number."""

from pathlib import Path
from typing import Any

import pytest

from indelible import InputError
from indelible.cli.columns import Columns, parse_types
from indelible.cli.sources import CHUNK_BYTES, CHUNK_DOCUMENTS, CSVSource, JSONLinesSource
from journal.block import DOCUMENT_SIZE_MAX

TEXTS = Columns(types={})


def jsonl(folder: Path, content: str | bytes) -> JSONLinesSource:
    path = folder / "f.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return JSONLinesSource(path)


def csv(folder: Path, content: str, columns: Columns = TEXTS, delimiter: str = ",") -> CSVSource:
    path = folder / "f.csv"
    path.write_text(content, newline="")
    return CSVSource(path, columns, delimiter)


def documents(source: CSVSource | JSONLinesSource) -> list[dict[str, Any]]:
    return [value for chunk in source.chunks() for value in chunk.documents]


def test_chunks_are_numbered_and_know_their_lines(tmp_path: Path) -> None:
    source = jsonl(tmp_path, "\n".join(f'{{"n":{n}}}' for n in range(CHUNK_DOCUMENTS + 1)))
    first, second = source.chunks()

    assert source.count == CHUNK_DOCUMENTS + 1
    assert (first.number, first.first_line, first.last_line) == (0, 1, CHUNK_DOCUMENTS)
    assert (second.number, second.first_line) == (1, CHUNK_DOCUMENTS + 1)
    assert second.documents == [{"n": CHUNK_DOCUMENTS}]


def test_chunk_of_large_documents_ends_early(tmp_path: Path) -> None:
    line = '{"text":"' + "x" * (DOCUMENT_SIZE_MAX - 100) + '"}\n'
    source = jsonl(tmp_path, line * 9)
    sizes = [len(chunk.documents) for chunk in source.chunks()]

    assert sizes == [5, 4]
    assert 5 * len(line) > CHUNK_BYTES


def test_documents_do_not_depend_on_empty_lines_and_marks(tmp_path: Path) -> None:
    source = jsonl(tmp_path, b'\xef\xbb\xbf{"n":1}\r\n\r\n  \n{"n":2}')
    (chunk,) = source.chunks()

    assert list(chunk.documents) == [{"n": 1}, {"n": 2}]
    assert (chunk.first_line, chunk.last_line) == (1, 4)


def test_empty_file_has_no_chunks(tmp_path: Path) -> None:
    assert list(jsonl(tmp_path, "").chunks()) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"a":1,"a":2}', "line 1: "),
        ('{}\n{"a":', "line 2: "),
        (b'{"a":"\xff"}', "line 1: "),
        ('{"a":"' + "x" * DOCUMENT_SIZE_MAX + '"}', f"line 1: more than {DOCUMENT_SIZE_MAX} bytes"),
        ("5", "line 1: a document is a struct, this is a int"),
        ("[" * 100 + "]" * 100, "line 1: "),
    ],
    ids=["duplicate key", "cut short", "not UTF-8", "too large", "a number", "too deep"],
)
def test_bad_json_line_is_refused(tmp_path: Path, content: str | bytes, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        jsonl(tmp_path, content)

    assert f"{tmp_path}/f.jsonl, {problem}" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "line 1: the first line must name the columns"),
        ("a,,b\n", "line 1: the first line must name the columns"),
        ("a,a\n1,2\n", "line 1: two columns have one name"),
        ("a,b\n1\n", "line 2: 1 cells under 2 column names"),
        ('a\n"1', "line 2: "),
        ("a\n1\nx\n", "line 3: column 'a': 'x' is no int"),
    ],
)
def test_bad_csv_line_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    columns = Columns(types={"a": "int"} if "x" in content else {})
    with pytest.raises(InputError) as caught:
        csv(tmp_path, content, columns)

    assert problem in str(caught.value)


def test_file_that_changes_while_it_is_imported_is_refused(tmp_path: Path) -> None:
    source = jsonl(tmp_path, '{"n":1}\n' * (CHUNK_DOCUMENTS + 1))
    chunks = source.chunks()
    next(chunks)
    with source.path.open("a") as file:
        file.write('{"n":2}\n')

    with pytest.raises(InputError, match="changed"):
        list(chunks)


def test_quoted_cells_may_hold_line_breaks_and_delimiters(tmp_path: Path) -> None:
    source = csv(tmp_path, 'a;b\n"x;\ny";2\n', delimiter=";")

    assert documents(source) == [{"a": "x;\ny", "b": "2"}]


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "-2", ""], "int", [1, -2, None]),
        (["1", "2.50"], "decimal", ["1", "2.50"]),
        (["true", "false"], "bool", [True, False]),
        (["1", "x"], "str", ["1", "x"]),
        (["007", "8"], "str", ["007", "8"]),
        (["", ""], "str", ["", ""]),
        (["1e3"], "str", ["1e3"]),
    ],
)
def test_inferred_type_is_the_narrowest_that_fits_all_cells(
    tmp_path: Path, cells: list[str], kind: str, values: list[Any]
) -> None:
    content = "a,b\n" + "".join(f"{cell},x\n" for cell in cells)
    found = documents(csv(tmp_path, content, Columns(types={}, inferred=True)))

    assert [str(d["a"]) if kind == "decimal" else d["a"] for d in found] == values


def test_given_type_wins_over_inference_and_null_over_both(tmp_path: Path) -> None:
    columns = Columns(types={"a": "str"}, inferred=True, null="NA")
    found = documents(csv(tmp_path, "a,b\n1,2\nNA,NA\n", columns))

    assert found == [{"a": "1", "b": 2}, {"a": None, "b": None}]


def test_types_name_known_columns_and_types() -> None:
    with pytest.raises(InputError, match="COLUMN=TYPE"):
        parse_types("a=number")
    with pytest.raises(InputError, match="'b'"):
        Columns(types={"b": "int"}).check_names(["a"])
