"""Laws of the streams' pure parts."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from journal import document
from streams.json_format import JSONTable
from streams.plain import plain_text
from streams.planning import RevisionChange, revision_of
from streams.records import flat, hash_text, revision_of_flat
from streams.topics import Kind, parse_topic, schema_part, topic_name
from tests.support.strategies import documents, examples, texts

identifiers = st.text("0123456789ABCXYZabcxyz", min_size=22, max_size=22)
changes = st.builds(
    RevisionChange,
    table=texts.filter(bool),
    document_id=identifiers,
    version=st.integers(0, 2**40),
    operation=st.sampled_from(["INSERT", "UPDATE"]),
    transaction_id=identifiers,
    hash=st.binary(min_size=32, max_size=32).map(hash_text),
    document=documents.map(document.encode),
    sequence_number=st.integers(0, 2**40),
    entry_index=st.integers(0, 2**20),
    timestamp=st.integers(0, 253_402_300_799_999).map(lambda milliseconds: milliseconds * 1000),
)


@given(st.text(min_size=1, max_size=20), st.sampled_from([Kind.CURRENT, Kind.HISTORY]))
@examples(300)
def test_a_table_is_found_again_in_its_topic(table: str, kind: Kind) -> None:
    topic = topic_name("a.b", "registry", kind, table)
    found = parse_topic(topic, prefix="a.b")

    assert found is not None
    assert (found.ledger, found.kind, found.table) == ("registry", kind, table)


@given(st.text(min_size=1, max_size=20))
@examples(200)
def test_the_name_of_a_schema_is_legal(name: str) -> None:
    assert schema_part(name).isascii()
    assert schema_part(name).isidentifier()


@given(st.text("abc.-_0123456789efAB", max_size=40))
@examples(300)
def test_a_topic_that_is_parsed_is_the_one_that_is_made(rest: str) -> None:
    topic = f"p.{rest}"
    found = parse_topic(topic, prefix="p")

    if found is not None:
        assert topic_name("p", found.ledger, found.kind, found.table) == topic


@given(changes, st.booleans())
@examples(200)
def test_a_spliced_record_is_the_flat_record_and_reads_back(
    change: RevisionChange, with_schema: bool
) -> None:
    table = JSONTable(change.table, "registry", columns=None, with_schema=with_schema)
    record = orjson.loads(table.encode(change).value)
    payload = record["payload"] if with_schema else record
    expected = revision_of(change, "registry")

    assert payload.keys() == flat(expected).keys()
    assert revision_of_flat(payload, table=change.table, entry_index=change.entry_index) == expected


@given(documents)
@examples(200)
def test_plain_json_holds_no_tag_and_every_field(value: dict[str, object]) -> None:
    found = orjson.loads(plain_text(document.encode(value)))

    assert found.keys() == value.keys()
