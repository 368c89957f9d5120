"""The exporter's formats are read back, and what is none of them is refused."""

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import fastavro
import orjson
import pytest

from journal.errors import InputError, UnavailableError
from streams.agents.codecs import Format, decoder_of, registry

COLUMNS = {"data": '{"vin":"x"}', "_version": 3}
SCHEMA = orjson.dumps(
    {
        "type": "record",
        "name": "Value",
        "fields": [
            {"name": "data", "type": ["null", "string"]},
            {"name": "_version", "type": "long"},
        ],
    }
).decode()


def avro(schema_id: int) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(orjson.loads(SCHEMA)), COLUMNS)
    return b"\x00" + schema_id.to_bytes(4) + body.getvalue()


def test_json_with_schema_is_its_payload():
    value = orjson.dumps({"schema": {"type": "struct"}, "payload": COLUMNS})

    assert decoder_of(Format.JSON_SCHEMA)(value) == COLUMNS


def test_plain_json_is_its_columns():
    assert decoder_of("json")(orjson.dumps(COLUMNS)) == COLUMNS


def test_avro_asks_for_each_schema_once():
    asked = []

    def schemas(schema_id: int) -> str:
        asked.append(schema_id)
        return SCHEMA

    decode = decoder_of(Format.AVRO, schemas)

    assert [decode(avro(7)), decode(avro(7)), decode(avro(8))] == [COLUMNS] * 3
    assert asked == [7, 8]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("json", b"not json"),
        ("json", b"[1]"),
        ("json-schema", b'{"schema":{}}'),
        ("json-schema", b'{"schema":{},"payload":7}'),
        ("avro", b"{}"),
        ("avro", b"\x00\x00"),
    ],
)
def test_other_bytes_are_refused(name, value):
    with pytest.raises((ValueError, KeyError, TypeError)):
        decoder_of(name, lambda _: SCHEMA)(value)


def test_avro_without_schemas_is_refused():
    with pytest.raises(InputError, match="schema") as raised:
        decoder_of("avro")

    assert "registry" in raised.value.hint


class _Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/schemas/ids/7"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(orjson.dumps({"schema": SCHEMA}))

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def registry_url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_registry_is_asked_by_the_schemas_number(registry_url):
    assert decoder_of("avro", registry(registry_url))(avro(7)) == COLUMNS


def test_a_schema_that_no_registry_has_says_so(registry_url):
    with pytest.raises(UnavailableError, match=r"schema 8 .*404"):
        registry(registry_url)(8)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InputError, match="file:"):
        registry("file:///etc")(1)
