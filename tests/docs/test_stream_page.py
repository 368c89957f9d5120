"""docs/formats/stream.md says what the code writes."""

import re
from pathlib import Path

from journal.block import Block
from streams.columns import _KINDS, DECIMAL_DIGITS_MAX
from streams.declarations import parse_declarations
from streams.json_format import JSONTable, value_schema
from streams.planning import SUMMARY_REVISIONS_MAX, BlockSummary, RevisionChange, summaries
from streams.records import METADATA
from streams.topics import Kind, topic_name
from streams.webhook import ANSWER_SECONDS, signature_headers
from tests.support.builders import a_block, a_genesis

PAGE = (Path(__file__).parents[2] / "docs" / "formats" / "stream.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"## {title}", 1)[1].split("\n## ", 1)[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_every_kind_of_topic_is_listed() -> None:
    names = [
        topic_name("p", "l", kind, "t" if kind.is_of_table else "")
        .replace("p.l.", "<prefix>.<ledger>.")
        .replace(".t", ".<table>")
        for kind in Kind
    ]

    assert first_cells(section("1. Topics")) == names


def test_the_columns_are_listed_in_order() -> None:
    assert tuple(first_cells(section("2. Values"))[: len(METADATA)]) == METADATA


def test_the_example_of_a_value_is_what_is_written() -> None:
    change = RevisionChange(
        "vehicles", "0" * 21 + "3", 1, "UPDATE", "0" * 21 + "1", "A" * 43 + "=",
        '{"owner":"Zoë","vin":"a"}'.encode(), 2, 1, 1_790_000_002_000_000,
    )  # fmt: skip
    table = JSONTable("vehicles", "registry", columns=None, with_schema=False)
    shown = re.search(r"```json value\n(.*?)\n```", PAGE, re.DOTALL)

    assert shown is not None
    assert shown[1] == table.encode(change).value.decode()


def test_every_type_of_column_is_listed() -> None:
    listed = first_cells(section("2. Values").split("### 2.2", 1)[1])

    assert [name for name in listed if name != "decimal(n)"] == list(_KINDS)
    assert "decimal(n)" in listed
    assert f"{DECIMAL_DIGITS_MAX} in all" in PAGE


def test_the_example_of_a_declaration_is_one() -> None:
    text = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert text is not None
    columns = parse_declarations(text[1], source="page")["vehicles"]

    names = [field["field"] for field in value_schema("vehicles", columns)["fields"]]
    assert names == ["vin", "price", "seen", "tags", *METADATA]


def test_the_fields_of_a_block_are_listed() -> None:
    block: Block = a_block(after=a_genesis())
    (record,) = summaries(BlockSummary(block, [], []), "registry")
    listed = set(re.findall(r"`(\w+)`", section("4. Blocks")))

    assert record.keys() <= listed
    assert f"{SUMMARY_REVISIONS_MAX:,} revisions" in PAGE


def test_the_headers_of_a_request_are_listed() -> None:
    listed = first_cells(section("6. Lines and requests"))

    assert set(signature_headers(b"secret", 1, b"")) <= set(listed)
    assert f"none within {ANSWER_SECONDS:.0f} s" in PAGE
