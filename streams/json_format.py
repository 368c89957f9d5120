"""Records as JSON: with the schema in each one, as Kafka Connect's JsonConverter has it, or plain.

```
json-schema   {"schema": {"type":"struct","name":"indelible.vehicles.Value",...}, "payload": {...}}
json          {...}
```

The schema is written once per table and spliced; of a document without tagged values the canonical bytes
are spliced, too: they are neither decoded nor written anew.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from streams.columns import JSON_SCHEMA, Column, columns_of
from streams.plain import plain_text
from streams.planning import RevisionChange
from streams.records import DATA
from streams.topics import schema_part

TIMESTAMP_SCHEMA: Final = "org.apache.kafka.connect.data.Timestamp"


class Encoded(NamedTuple):
    """A revision's record: `value` goes to both topics, `current` has none of it after a DELETE."""

    current_key: bytes
    history_key: bytes
    value: bytes


class JSONTable:
    """Writes the records of one table."""

    def __init__(
        self, table: str, ledger: str, *, columns: Sequence[Column] | None, with_schema: bool
    ) -> None:
        """Write what all its records share.

        Args:
            table: Its name.
            ledger: The ledger's name, in every record.
            columns: As declared; None: one column `data`.
            with_schema: Whether each record carries its schema.
        """
        self._columns = columns
        self._ledger = orjson.dumps(ledger).decode()
        self._key = _Frame(key_schema(table), with_schema=with_schema)
        self._history_key = _Frame(history_key_schema(table), with_schema=with_schema)
        self._value = _Frame(value_schema(table, columns), with_schema=with_schema)
        names = [column.name for column in columns] if columns is not None else [DATA]
        self._nothing = orjson.dumps(dict.fromkeys(names))[1:-1]

    def encode(self, change: RevisionChange) -> Encoded:
        """The records of a revision.

        Raises:
            Misfit: The document does not fit the declared columns.
        """
        document_id = change.document_id
        history = self._history_key
        value = self._value
        tail = (
            f',"_document_id":"{document_id}","_version":{change.version},"_ledger":{self._ledger},'
            f'"_sequence_number":{change.sequence_number},"_operation":"{change.operation}",'
            f'"_transaction_id":"{change.transaction_id}",'
            f'"_committed_at":{change.timestamp // 1000},"_hash":"{change.hash}"}}'
        ).encode()
        return Encoded(
            self.current_key(document_id),
            b'%b{"_document_id":"%b","_version":%d}%b'
            % (history.head, document_id.encode(), change.version, history.tail),
            b"".join((value.head, b"{", self._document(change.document), tail, value.tail)),
        )

    def current_key(self, document_id: str) -> bytes:
        """The key of a tombstone."""
        key = self._key
        return b'%b{"_document_id":"%b"}%b' % (key.head, document_id.encode(), key.tail)

    def _document(self, document: bytes) -> bytes:
        """The document's columns, without the braces."""
        if not document:
            return self._nothing
        if self._columns is None:
            return b'"data":' + orjson.dumps(plain_text(document))
        return orjson.dumps(columns_of(document, self._columns))[1:-1]


class _Frame:
    """What stands around a payload."""

    def __init__(self, schema: dict[str, Any], *, with_schema: bool) -> None:
        self.head = b'{"schema":%b,"payload":' % orjson.dumps(schema) if with_schema else b""
        self.tail = b"}" if with_schema else b""


def key_schema(table: str) -> dict[str, Any]:
    """Connect's schema of the keys of `current`."""
    return _struct(f"{_namespace(table)}.Key", [_field("_document_id", "string")])


def history_key_schema(table: str) -> dict[str, Any]:
    """Connect's schema of the keys of `history`."""
    return _struct(
        f"{_namespace(table)}.HistoryKey",
        [_field("_document_id", "string"), _field("_version", "int64")],
    )


def value_schema(table: str, columns: Sequence[Column] | None) -> dict[str, Any]:
    """Connect's schema of the values."""
    if columns is None:
        document = [{**_field(DATA, "string", optional=True), "name": JSON_SCHEMA, "version": 1}]
    else:
        document = [
            {"field": column.name, "optional": True, **column.kind.connect_schema}
            for column in columns
        ]
    return _struct(
        f"{_namespace(table)}.Value",
        [
            *document,
            _field("_document_id", "string"),
            _field("_version", "int64"),
            _field("_ledger", "string"),
            _field("_sequence_number", "int64"),
            _field("_operation", "string"),
            _field("_transaction_id", "string"),
            {**_field("_committed_at", "int64"), "name": TIMESTAMP_SCHEMA, "version": 1},
            _field("_hash", "string"),
        ],
    )


def _namespace(table: str) -> str:
    return f"indelible.{schema_part(table)}"


def _struct(name: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "struct", "name": name, "optional": False, "fields": fields}


def _field(name: str, kind: str, *, optional: bool = False) -> dict[str, Any]:
    return {"field": name, "type": kind, "optional": optional}
