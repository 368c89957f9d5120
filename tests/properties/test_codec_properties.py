"""The hand-written codec against fastavro on the published schemas, and against every changed byte."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

import journal.codec
from journal.codec import (
    BLOCK_FINGERPRINT,
    MARKER,
    BlockHeader,
    DecodeError,
    Operation,
    RevisionEntry,
    TransactionEntry,
    decode_body,
    decode_entries,
    decode_frozen_header,
    decode_header,
    encode_block,
    encode_header,
    split_envelope,
)
from tests.support.strategies import (
    bodies,
    encode_body,
    entries,
    examples,
    headers,
    revision_entries,
    transaction_entries,
)

SCHEMAS = Path(journal.codec.__file__).parent / "schemas"
NAMESPACE = "indelible.journal"
thorough = examples(200)


@cache
def schema(name: str) -> Any:
    return fastavro.parse_schema(json.loads((SCHEMAS / f"{name}.avsc").read_text()))


def avro_bytes(name: str, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema(name), value, strict=True)
    return out.getvalue()


def avro_value(name: str, data: bytes) -> Any:
    source = io.BytesIO(data)
    value = fastavro.schemaless_reader(source, schema(name), None, return_record_name=True)
    assert source.read() == b""
    return value


def as_avro(content: TransactionEntry | RevisionEntry) -> tuple[str, dict[str, Any]]:
    """The union value that fastavro writes; labels sorted, since Avro keeps the order it is given."""
    fields = content._asdict()
    if isinstance(content, TransactionEntry):
        labels = sorted(content.labels.items(), key=lambda item: item[0].encode())
        return f"{NAMESPACE}.TransactionEntry", fields | {
            "statements": list(content.statements),
            "labels": dict(labels),
        }
    return f"{NAMESPACE}.RevisionEntry", fields | {"operation": content.operation.name}


@thorough
@given(headers)
def test_a_header_has_the_bytes_that_fastavro_writes(header):
    data = encode_header(header)

    assert avro_bytes("BlockHeader", header._asdict()) == data
    assert header._asdict() == avro_value("BlockHeader", data)
    assert header == decode_header(data)
    assert header[:4] == decode_frozen_header(data)


@thorough
@given(bodies)
def test_an_entry_body_has_the_bytes_that_fastavro_writes(content):
    data = encode_body(content)

    name, fields = as_avro(content)
    assert avro_bytes("EntryBody", (name, fields)) == data
    assert avro_value("EntryBody", data) == (name, fields)
    assert content == decode_body(data)


@thorough
@given(st.binary(max_size=100), st.lists(entries, max_size=5))
def test_a_block_has_the_bytes_that_fastavro_writes(header, stored):
    data = encode_block(header, stored)

    value = {
        "header": header,
        "entries": [
            {
                "body": entry.body,
                "payload_encoding": 1 if entry.payload else 0,
                "payload": entry.payload,
            }
            for entry in stored
        ],
    }
    read = avro_value("Block", data[len(MARKER) :])
    assert MARKER + avro_bytes("Block", value) == data
    assert value["header"] == read["header"]
    assert value["entries"] == [
        entry[1] if isinstance(entry, tuple) else entry for entry in read["entries"]
    ]
    read_header, at = split_envelope(data)
    assert (header, stored) == (read_header, decode_entries(data, at))


def crc_64_avro(data: bytes) -> int:
    """Avro specification, "Schema Fingerprints", as it is written there."""
    empty = 0xC15D213AA4D7A795
    table = []
    for byte in range(256):
        fingerprint = byte
        for _ in range(8):
            fingerprint = (fingerprint >> 1) ^ (empty & -(fingerprint & 1))
        table.append(fingerprint)
    fingerprint = empty
    for byte in data:
        fingerprint = (fingerprint >> 8) ^ table[(fingerprint ^ byte) & 0xFF]
    return fingerprint


def test_the_fingerprint_is_that_of_the_schema_file_little_endian():
    canonical = fastavro.schema.to_parsing_canonical_form(
        json.loads((SCHEMAS / "Block.avsc").read_text())
    )

    assert crc_64_avro(canonical.encode()).to_bytes(8, "little") == BLOCK_FINGERPRINT
    assert fastavro.schema.fingerprint(canonical, "CRC-64-AVRO") == BLOCK_FINGERPRINT.hex()


def test_the_fingerprint_function_gives_the_value_published_for_the_int_schema():
    """Apache Avro's own test data, share/test/data/schema-tests.txt."""
    assert crc_64_avro(b'"int"') == 0x7275D51A3F395C8F


@pytest.mark.parametrize("name", ["BlockHeader", "EntryBody", "Block"])
def test_a_schema_file_is_valid_avro(name):
    assert schema(name)


def test_the_operations_have_the_numbers_of_the_schema():
    symbols = json.loads((SCHEMAS / "EntryBody.avsc").read_text())[1]["fields"][4]["type"][
        "symbols"
    ]

    assert symbols == [operation.name for operation in sorted(Operation)]


def test_the_classes_have_the_fields_of_the_schemas_in_their_order():
    header = json.loads((SCHEMAS / "BlockHeader.avsc").read_text())
    transaction, revision = json.loads((SCHEMAS / "EntryBody.avsc").read_text())
    for record, cls in (
        (header, BlockHeader), (transaction, TransactionEntry), (revision, RevisionEntry),
    ):  # fmt: skip
        assert tuple(field["name"] for field in record["fields"]) == cls._fields


def every_change_of_one_byte(data: bytes, changes: tuple[int, ...] = (1, 0x80, 0xFF)):
    for place in range(len(data)):
        for change in changes:
            yield data[:place] + bytes((data[place] ^ change,)) + data[place + 1 :]
        yield data[:place] + data[place + 1 :]
        yield data[:place] + b"\x00" + data[place:]
        yield data[:place] + b"\x80" + data[place:]


@examples(40)
@given(headers)
def test_a_changed_header_is_refused_or_is_exactly_another_ones_bytes(header):
    for data in every_change_of_one_byte(encode_header(header)):
        try:
            changed = decode_header(data)
        except DecodeError:
            continue

        assert data == encode_header(changed)


@examples(40)
@given(transaction_entries | revision_entries)
def test_a_changed_body_is_refused_or_is_exactly_another_ones_bytes(content):
    for data in every_change_of_one_byte(encode_body(content)):
        try:
            changed = decode_body(data)
        except DecodeError:
            continue

        assert data == encode_body(changed)
        assert content != changed


@examples(40)
@given(st.binary(max_size=30), st.lists(entries, max_size=3))
def test_a_changed_block_is_refused_or_is_exactly_another_ones_bytes(header, stored):
    for data in every_change_of_one_byte(encode_block(header, stored)):
        try:
            changed_header, at = split_envelope(data)
            changed = decode_entries(data, at)
        except DecodeError:
            continue

        assert data == encode_block(changed_header, changed)


@thorough
@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(data):
    for decode in (
        decode_header,
        decode_body,
        decode_frozen_header,
        lambda d: decode_entries(d, 0),
        split_envelope,
    ):
        try:
            decode(data)
        except DecodeError:
            continue
