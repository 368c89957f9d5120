"""The examples of docs/formats are what the code writes, and the pages name what there is."""

import re
from pathlib import Path

import pytest

import journal.codec
from journal import document
from journal.catalog import (
    SYSTEM_TABLE_IDS,
    IndexInfo,
    index_document,
    ledger_document,
    table_document,
)
from journal.chain import Reason
from journal.codec import MARKER, BlockHeader, Entry, RevisionEntry, TransactionEntry
from tests.support.builders import a_ledger, an_id
from tests.vectors.make_vectors import example_chain

ROOT = Path(__file__).parents[2]
FORMATS = ROOT / "docs" / "formats"
BLOCK = example_chain()[1]
INDEX = IndexInfo(
    index_id=an_id(200),
    name="by_owner",
    table_id=an_id(100),
    paths=(("owner",), ("address", "city")),
    unique=False,
)

HEX = {
    ("document.md", "document"): document.encode(
        document.parse_json('{"name":"Zoë","paid":{"$decimal":"10.50"},"n":2.0}', size_max=100)
    ),
    ("block.md", "block"): BLOCK.encode(),
    ("block.md", "block_hash"): BLOCK.block_hash,
}
JSON = {
    ("catalog.md", "ledger"): ledger_document(a_ledger()),
    ("catalog.md", "table"): table_document("vehicles"),
    ("catalog.md", "index"): index_document(INDEX),
}


def fenced(page: str, language: str) -> dict[str, str]:
    """Name -> text of the fenced blocks of a page that open with a language and a name."""
    text = (FORMATS / page).read_text()
    return {
        match[1]: match[2]
        for match in re.finditer(
            rf"^```{language} (\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE
        )
    }


def bytes_of(text: str) -> bytes:
    """The bytes of an annotated hex dump: what stands before each `#`."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


@pytest.mark.parametrize(("page", "name"), HEX)
def test_a_hex_example_is_what_the_code_writes(page, name):
    assert HEX[page, name].hex() == bytes_of(fenced(page, "hex")[name]).hex()


@pytest.mark.parametrize(("page", "name"), JSON)
def test_a_json_example_is_what_the_code_writes(page, name):
    assert document.encode(JSON[page, name]).decode() == fenced(page, "json")[name].strip()


def test_every_named_example_is_checked():
    pages = [
        path.name
        for path in FORMATS.glob("*.md")
        if path.name in {"document.md", "block.md", "catalog.md"}
    ]
    hexes = {(page, name) for page in pages for name in fenced(page, "hex")}
    jsons = {(page, name) for page in pages for name in fenced(page, "json")} - {
        ("document.md", "canonical")
    }

    assert (set(HEX), set(JSON)) == (hexes, jsons)


@pytest.mark.parametrize("line", fenced("document.md", "json")["canonical"].splitlines())
def test_an_example_of_canonical_bytes_is_canonical(line):
    assert document.is_canonical(line.encode())


def test_the_table_of_types_shows_values_as_they_are_written():
    table = (FORMATS / "document.md").read_text().partition("### 1.1")[0]
    examples = re.findall(r"`(\{\"\$[^`]*\})`", table)

    assert len(examples) >= 11
    for example in examples:
        assert document.is_canonical(example.encode()), example
    known = set(re.findall(r'"(\$\w+)"', table))
    assert known == set(document._READERS)


def test_the_tables_of_the_block_page_have_the_fields_of_the_format_in_order():
    text = (FORMATS / "block.md").read_text()
    for title, cls, extra in (
        ("## 3. Header", BlockHeader, []),
        ("## 4. Entries", Entry, ["payload_encoding"]),
        ("### 4.1 ", TransactionEntry, []),
        ("### 4.2 ", RevisionEntry, []),
    ):
        section = re.split(r"^##", text.split(title, 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
        fields = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)

        assert list(cls._fields) == [field for field in fields if field not in extra]


def test_the_page_shows_the_marker_and_the_fingerprint():
    text = (FORMATS / "block.md").read_text()

    assert f"| {MARKER[:2].hex(' ').upper()} |" in text
    assert f"| {MARKER[2:].hex(' ').upper()} |" in text


def test_the_schemas_that_the_page_names_are_there():
    folder = Path(journal.codec.__file__).parent / "schemas"
    text = (FORMATS / "block.md").read_text()

    for path in folder.glob("*.avsc"):
        assert path.name in text


def test_the_catalog_page_has_the_system_tables():
    found = re.findall(
        r"^\| `([0-9a-f]{32})` \|", (FORMATS / "catalog.md").read_text(), re.MULTILINE
    )

    assert {table_id.hex() for table_id in SYSTEM_TABLE_IDS} == set(found)


def test_the_vectors_use_every_reason_for_ignoring_a_record_above_a_tip():
    judged = (ROOT / "tests/vectors/block/judged.json").read_text()

    for reason in set(Reason) - {Reason.NOT_GENESIS}:
        assert f'"ignored:{reason}"' in judged
