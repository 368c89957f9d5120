"""Flat records, in every format, read back."""

import io

import fastavro
import orjson
import pytest

from journal import document
from streams.avro_format import AvroTable, schema_ids, schemas_of, unregistered_schemas
from streams.columns import Misfit
from streams.declarations import parse_declarations
from streams.json_format import JSONTable
from streams.planning import RevisionChange, revision_of
from streams.records import (
    METADATA,
    Position,
    column_name,
    field_name,
    flat,
    format_sequence,
    parse_sequence,
    revision_of_flat,
)

COLUMNS = parse_declarations(
    '[tables.t]\nvin = "string"\nn = "int"\nf = "float"\nok = "bool"\nprice = "decimal(2)"\n'
    'seen = "timestamp"\nraw = "bytes"\ntags = "json"\n"a b" = "int"\n',
    source="",
)["t"]


def a_change(data: object = None, **changes: object) -> RevisionChange:
    """One revision, of a document with all of JSON's kinds unless given."""
    stored = document.encode({"vin": 'a "b" \\ zoë', "n": 1} if data is None else data)
    change = RevisionChange(
        "t", "0353KwUpDDmYXLYBlTV6mO", 3, "UPDATE", "0353KwUpDASYypTaGJA0v7",
        "WRFq+aJrRTnry8bHj1SaMdRom8LdGUKP3voielRSSMY=", stored, 12, 5, 1_795_552_913_841_999,
    )  # fmt: skip
    return change._replace(**changes)


DELETED = a_change(operation="DELETE", document=b"")


@pytest.mark.parametrize("change", [a_change(), DELETED], ids=["update", "delete"])
@pytest.mark.parametrize("with_schema", [True, False])
def test_a_json_record_reads_back_as_the_revision(
    change: RevisionChange, *, with_schema: bool
) -> None:
    table = JSONTable("t", "registry", columns=None, with_schema=with_schema)
    record = orjson.loads(table.encode(change).value)
    payload = record["payload"] if with_schema else record

    expected = revision_of(change, "registry")
    found = revision_of_flat(payload, table="t", entry_index=5)

    assert payload == flat(expected)
    assert (found.document, found.position) == (expected.document, Position(12, 5))
    assert found.committed_at == 1_795_552_913_841_000
    assert list(payload) == ["data", *METADATA]


@pytest.mark.parametrize("columns", [None, COLUMNS], ids=["data", "declared"])
def test_the_schema_in_a_record_names_its_fields_in_order(columns) -> None:
    table = JSONTable("my cars", "registry", columns=columns, with_schema=True)
    encoded = table.encode(a_change({"vin": "a"}))
    for text, name in (
        (encoded.value, "indelible.my_20cars.Value"),
        (encoded.current_key, "indelible.my_20cars.Key"),
        (encoded.history_key, "indelible.my_20cars.HistoryKey"),
    ):
        record = orjson.loads(text)

        assert record["schema"]["name"] == name
        assert [each["field"] for each in record["schema"]["fields"]] == list(record["payload"])
    assert orjson.loads(table.current_key(a_change().document_id)) == orjson.loads(
        encoded.current_key
    )


def test_every_declared_column_is_sent_even_where_the_document_has_none() -> None:
    table = JSONTable("t", "registry", columns=COLUMNS, with_schema=False)
    for change in (a_change({"vin": "a"}), DELETED):
        record = orjson.loads(table.encode(change).value)

        assert list(record) == [*(column.name for column in COLUMNS), *METADATA]
        assert record["tags"] is None


def test_an_avro_record_is_what_fastavro_reads() -> None:
    table = AvroTable("t", "registry", columns=COLUMNS, prefix="p", schema_id=schema_ids(""))
    change = a_change(
        document.parse_json(
            '{"vin":"x","n":-70,"f":1.5,"ok":true,"price":{"$decimal":"-10.50"},"tags":{"a":[1]},'
            '"seen":{"$timestamp":"2026-11-23T18:00:00.123Z"},"raw":{"$bytes":"AP8="},"a b":1}',
            size_max=1000,
        )
    )
    encoded, known = table.encode(change), unregistered_schemas("t", COLUMNS)

    def read(data: bytes) -> dict[str, object]:
        assert data[0] == 0
        schema = orjson.loads(known[int.from_bytes(data[1:5], "big")])
        stream = io.BytesIO(data[5:])
        found = fastavro.schemaless_reader(stream, schema, None)
        assert not stream.read()
        return found

    value = read(encoded.value)
    assert (value["vin"], value["n"], value["f"], value["ok"]) == ("x", -70, 1.5, True)
    assert (str(value["price"]), value["raw"], value["tags"]) == (
        "-10.50",
        b"\x00\xff",
        '{"a":[1]}',
    )
    assert value["seen"].isoformat() == "2026-11-23T18:00:00.123000+00:00"
    assert (value["a_20b"], value["_version"], value["_sequence_number"]) == (1, 3, 12)
    assert read(encoded.history_key) == {"_document_id": change.document_id, "_version": 3}
    assert read(table.current_key(change.document_id)) == read(encoded.current_key)
    assert read(table.encode(DELETED).value)["vin"] is None
    assert value.keys() == {field["name"] for field in schemas_of("t", COLUMNS)[2]["fields"]}


def test_a_document_that_does_not_fit_is_a_misfit_in_both_formats() -> None:
    misfit = a_change({"n": "seven"})
    tables = [
        JSONTable("t", "registry", columns=COLUMNS, with_schema=True),
        AvroTable("t", "registry", columns=COLUMNS, prefix="p", schema_id=schema_ids("")),
    ]
    for table in tables:
        with pytest.raises(Misfit, match="'n' is no int"):
            table.encode(misfit)


def test_tagged_values_are_plain_in_data() -> None:
    change = a_change({"$x": 1, "big": 2**70, "half": 2.0})
    table = JSONTable("t", "registry", columns=None, with_schema=False)
    data = orjson.loads(orjson.loads(table.encode(change).value)["data"])

    assert data == {"$x": 1, "big": str(2**70), "half": 2.0}


def test_names_of_fields_and_columns_go_both_ways() -> None:
    for name in ("vin", "_version", "__x", "data"):
        assert field_name(column_name(name)) == name
        assert column_name(name) not in METADATA


def test_a_position_is_written_in_the_header() -> None:
    assert parse_sequence(format_sequence(Position(12, 3))) == Position(12, 3)
