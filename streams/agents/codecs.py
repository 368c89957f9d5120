"""The exporter's formats, from bytes to the columns of a record.

```
json-schema   {"schema": {...}, "payload": {columns}}
json          {columns}
avro          0x00, schema id (4 bytes, big-endian), Avro body         the schema is asked for once an id
```
"""

import io
import urllib.request
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import fastavro
import orjson

from journal.errors import InputError, UnavailableError

Decoder = Callable[[bytes], dict[str, Any]]
"""Bytes of a value to its columns. Raises ValueError, KeyError or TypeError for what is none."""

SchemaSource = Callable[[int], str]
"""The JSON text of the Avro schema of an id."""

_MAGIC: Final = b"\x00"
_REGISTRY_TIMEOUT_SECONDS: Final = 10.0


class Format(StrEnum):
    """How the exporter writes values."""

    JSON_SCHEMA = "json-schema"
    JSON = "json"
    AVRO = "avro"


def decoder_of(name: Format | str, schemas: SchemaSource | None = None) -> Decoder:
    """The decoder of a format.

    Args:
        name: Of the format.
        schemas: Where Avro's schemas are found (`registry`, or a function of yours).

    Raises:
        InputError: Avro without `schemas`.
    """
    match Format(name):
        case Format.JSON_SCHEMA:
            return _decode_json_schema
        case Format.JSON:
            return _decode_json
        case Format.AVRO:
            if schemas is None:
                raise InputError(
                    "Avro values name their schema by a number, and nobody says what it means",
                    hint="give schemas=registry(URL), or a function from id to schema",
                )
            return _Avro(schemas)


def registry(url: str) -> SchemaSource:
    """Ask a schema registry (Confluent's API).

    Args:
        url: Of its root, as in `http://localhost:8081`.
    """

    def ask(schema_id: int) -> str:
        address = f"{url.rstrip('/')}/schemas/ids/{schema_id}"
        if not address.startswith(("http://", "https://")):
            raise InputError(
                f"{url} is no address of a schema registry", hint="http(s)://HOST:PORT"
            )
        try:
            with urllib.request.urlopen(address, timeout=_REGISTRY_TIMEOUT_SECONDS) as answer:  # noqa: S310
                schema: str = orjson.loads(answer.read())["schema"]
        except (OSError, KeyError, ValueError) as error:
            raise UnavailableError(
                f"schema {schema_id} cannot be had from {address}: {error}"
            ) from error
        return schema

    return ask


class _Avro:
    """Keeps the schemas that it has asked for."""

    def __init__(self, schemas: SchemaSource) -> None:
        self._source = schemas
        self._parsed: dict[int, Any] = {}

    def __call__(self, value: bytes) -> dict[str, Any]:
        if value[:1] != _MAGIC or len(value) < 5:
            raise ValueError("not Avro with a schema id in front")
        schema_id = int.from_bytes(value[1:5])
        schema = self._parsed.get(schema_id)
        if schema is None:
            schema = fastavro.parse_schema(orjson.loads(self._source(schema_id)))
            self._parsed[schema_id] = schema
        return _columns(fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None))


def _decode_json_schema(value: bytes) -> dict[str, Any]:
    return _columns(orjson.loads(value)["payload"])


def _decode_json(value: bytes) -> dict[str, Any]:
    return _columns(orjson.loads(value))


def _columns(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise TypeError(f"a record with columns was expected, not {type(found).__name__}")
    return found
