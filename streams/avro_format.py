"""Records in Avro, framed as Confluent's serialisers do.

```
00 | schema id, 4 bytes, big-endian | Avro binary encoding
```

With a schema registry (`--registry URL`, Confluent's API) the schemas are registered there under
`<topic>-key` and `<topic>-value`, and the id is the registry's. Without one the id is the CRC-32 of the
schema's text with its top bit cleared, and whoever reads has the schemas from `unregistered_schemas`.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Final
from zlib import crc32

from journal.codec import encode_varint
from journal.errors import ConfigurationError, InputError, UnavailableError
from streams.columns import Column, values_of
from streams.json_format import Encoded
from streams.plain import plain_text
from streams.planning import RevisionChange
from streams.records import DATA
from streams.topics import Kind, schema_part, topic_name

SchemaIds = Callable[[str, str], int]
"""(subject, schema text) -> the schema's id."""

_REGISTRY_SECONDS: Final = 10.0
_NULL: Final = b"\x00"
_PRESENT: Final = b"\x02"
_frame = Struct(">bI").pack
_double = Struct("<d").pack


class AvroTable:
    """Writes the records of one table."""

    def __init__(
        self,
        table: str,
        ledger: str,
        *,
        columns: Sequence[Column] | None,
        prefix: str,
        schema_id: SchemaIds,
    ) -> None:
        """Ask for the schemas' ids.

        Raises:
            ConfigurationError, UnavailableError: The registry refuses one, or does not answer.
        """
        self._columns = columns
        self._ledger = _string(ledger)
        key, history_key, value = (json.dumps(schema) for schema in schemas_of(table, columns))
        current = topic_name(prefix, ledger, Kind.CURRENT, table)
        history = topic_name(prefix, ledger, Kind.HISTORY, table)
        self._key = _frame(0, schema_id(f"{current}-key", key))
        self._history_key = _frame(0, schema_id(f"{history}-key", history_key))
        value_id = schema_id(f"{current}-value", value)
        if schema_id(f"{history}-value", value) != value_id:
            raise ConfigurationError(
                f"the registry gives one schema two ids, under {current}-value and {history}-value"
            )
        self._value = _frame(0, value_id)
        self._nothing = _NULL * (1 if columns is None else len(columns))

    def encode(self, change: RevisionChange) -> Encoded:
        """The records of a revision.

        Raises:
            Misfit: The document does not fit the declared columns.
        """
        document_id = _string(change.document_id)
        version = encode_varint(change.version)
        return Encoded(
            self._key + document_id,
            b"".join((self._history_key, document_id, version)),
            b"".join((
                self._value,
                self._document(change.document),
                document_id,
                version,
                self._ledger,
                encode_varint(change.sequence_number),
                _string(change.operation),
                _string(change.transaction_id),
                encode_varint(change.timestamp // 1000),
                _string(change.hash),
            )),
        )  # fmt: skip

    def current_key(self, document_id: str) -> bytes:
        """The key of a tombstone."""
        return self._key + _string(document_id)

    def _document(self, document: bytes) -> bytes:
        if not document:
            return self._nothing
        if self._columns is None:
            return _PRESENT + _string(plain_text(document))
        values = values_of(document, self._columns)
        return b"".join(_NULL if value is None else _PRESENT + _encoded(value) for value in values)


def schemas_of(
    table: str, columns: Sequence[Column] | None
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The Avro schemas of keys in `current`, of keys in `history`, and of values in both."""
    if columns is None:
        document = [_optional(DATA, "string")]
    else:
        document = [_optional(column.name, column.kind.avro_type) for column in columns]
    document_id, version = _field("_document_id", "string"), _field("_version", "long")
    timestamp = {"type": "long", "logicalType": "timestamp-millis"}
    return (
        _record(table, "Key", [document_id]),
        _record(table, "HistoryKey", [document_id, version]),
        _record(
            table,
            "Value",
            [
                *document,
                document_id,
                version,
                _field("_ledger", "string"),
                _field("_sequence_number", "long"),
                _field("_operation", "string"),
                _field("_transaction_id", "string"),
                _field("_committed_at", timestamp),
                _field("_hash", "string"),
            ],
        ),
    )


def unregistered_id(schema: str) -> int:
    """The id of a schema's text where there is no registry."""
    return crc32(schema.encode()) & 0x7FFFFFFF


def unregistered_schemas(table: str, columns: Sequence[Column] | None) -> dict[int, str]:
    """Id -> text of the three schemas of a table, where there is no registry: what a reader needs."""
    texts = [json.dumps(schema) for schema in schemas_of(table, columns)]
    return {unregistered_id(text): text for text in texts}


def schema_ids(registry: str) -> SchemaIds:
    """How ids of schemas are found: by asking a registry, or without one.

    Raises:
        InputError: Not a registry's URL.
    """
    if not registry:
        return lambda _subject, schema: unregistered_id(schema)
    if not registry.startswith(("http://", "https://")):
        raise InputError(f"not a registry's URL: {registry!r}", hint="http://HOST:8081")
    known: dict[tuple[str, str], int] = {}

    def register(subject: str, schema: str) -> int:
        if (subject, schema) not in known:
            known[subject, schema] = _register(registry, subject, schema)
        return known[subject, schema]

    return register


def _register(registry: str, subject: str, schema: str) -> int:
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        f"{registry.rstrip('/')}/subjects/{subject}/versions",
        json.dumps({"schema": schema}).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_REGISTRY_SECONDS) as answer:  # noqa: S310
            return int(json.load(answer)["id"])
    except urllib.error.HTTPError as error:
        with error:
            reason = error.read(2_000).decode("utf-8", "replace")
        if error.code >= 500:
            raise UnavailableError(f"schema registry {registry}: {error.code} {reason}") from error
        raise ConfigurationError(
            f"schema registry {registry} refuses the schema of {subject}: {error.code} {reason}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnavailableError(f"schema registry {registry} does not answer: {error}") from error


def _encoded(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"\x01" if value else b"\x00"
    if isinstance(value, int):
        return encode_varint(value)
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, bytes):
        return encode_varint(len(value)) + value
    return _string(value)


def _string(text: str) -> bytes:
    data = text.encode()
    return encode_varint(len(data)) + data


def _record(table: str, name: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    namespace = f"indelible.{schema_part(table)}"
    return {"type": "record", "name": name, "namespace": namespace, "fields": fields}


def _field(name: str, kind: Any) -> dict[str, Any]:
    return {"name": name, "type": kind}


def _optional(column: str, kind: Any) -> dict[str, Any]:
    return {"name": schema_part(column), "type": ["null", kind], "default": None}
