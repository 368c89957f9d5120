"""What one record of a stream says, whatever its format and wherever it goes.

A record is **flat**: the document's fields as columns where a declaration says which, else all of them as
one column of JSON text; beside them what the ledger knows:

```
data            the document as plain JSON text       (or one column for each declared field)
_document_id    text of 22 letters                    _transaction_id   text of 22 letters
_version        0, 1, 2, ...                          _committed_at     UTC milliseconds since 1970
_ledger         its name                              _hash             base64 of the revision's leaf hash
_sequence_number  of the block                        _operation        INSERT, UPDATE or DELETE
```

A field of the document that begins with `_` gets one more `_`, so no field can pass for one of these. No
column is ever called `op` in a record without a named schema: Debezium's sinks would take that for a
change event of theirs.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import orjson

from journal.codec import Operation

OperationName = Literal["INSERT", "UPDATE", "DELETE"]

DATA: Final = "data"
METADATA: Final = (
    "_document_id", "_version", "_ledger", "_sequence_number",
    "_operation", "_transaction_id", "_committed_at", "_hash",
)  # fmt: skip
"""The columns that every record has, in this order, after those of the document."""

SEQUENCE_HEADER: Final = "indelible-sequence"
HASH_HEADER: Final = "indelible-hash"

OPERATION_NAMES: Final[Mapping[Operation, OperationName]] = {
    Operation.INSERT: "INSERT",
    Operation.UPDATE: "UPDATE",
    Operation.DELETE: "DELETE",
}


class Position(NamedTuple):
    """A place in a ledger: everything below it was delivered. Compared block by block, then inside.

    >>> Position(7, 3) < Position(7, 4) < Position(8, 0)
    True
    """

    sequence_number: int
    entry_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision, as a reader of a stream has it.

    Attributes:
        ledger, table: Names.
        document_id: 22 letters.
        version: 0-based.
        sequence_number, entry_index: The block, and the entry in it; together they never repeat.
        operation: What was done to the document.
        transaction_id: 22 letters.
        committed_at: UTC microseconds since 1970; whole milliseconds where it came through a topic.
        hash: Base64 of the 32 bytes that a receipt of this revision proves.
        document: In plain JSON values (`streams.plain`); None after a DELETE.
    """

    ledger: str
    table: str
    document_id: str
    version: int
    sequence_number: int
    entry_index: int
    operation: OperationName
    transaction_id: str
    committed_at: int
    hash: str
    document: dict[str, Any] | None

    @property
    def position(self) -> Position:
        """Where in the ledger it stands."""
        return Position(self.sequence_number, self.entry_index)


def flat(revision: Revision) -> dict[str, Any]:
    """The flat record of a revision whose table has no declaration."""
    document = revision.document
    return {
        DATA: None if document is None else orjson.dumps(document).decode(),
        **metadata(revision),
    }


def metadata(revision: Revision) -> dict[str, Any]:
    """The columns of `METADATA`."""
    return {
        "_document_id": revision.document_id,
        "_version": revision.version,
        "_ledger": revision.ledger,
        "_sequence_number": revision.sequence_number,
        "_operation": revision.operation,
        "_transaction_id": revision.transaction_id,
        "_committed_at": revision.committed_at // 1000,
        "_hash": revision.hash,
    }


def revision_of_flat(record: Mapping[str, Any], *, table: str, entry_index: int) -> Revision:
    """The revision that a flat record tells of; its columns are its document where it has no `data`.

    A document that itself has a declared column named `data` is told apart by the other columns.

    Args:
        record: The columns (of the envelope's `payload`, where there is one).
        table: From the topic's name.
        entry_index: From the header `indelible-sequence`.

    Raises:
        KeyError: A column of `METADATA` is missing.
    """
    operation: OperationName = record["_operation"]
    return Revision(
        ledger=record["_ledger"],
        table=table,
        document_id=record["_document_id"],
        version=record["_version"],
        sequence_number=record["_sequence_number"],
        entry_index=entry_index,
        operation=operation,
        transaction_id=record["_transaction_id"],
        committed_at=record["_committed_at"] * 1000,
        hash=record["_hash"],
        document=None if operation == "DELETE" else _document_in(record),
    )


def format_sequence(position: Position) -> str:
    """The header `indelible-sequence`: the place of the revision that a record tells of.

    >>> format_sequence(Position(12, 3))
    '12:3'
    """
    return f"{position.sequence_number}:{position.entry_index}"


def parse_sequence(text: str) -> Position:
    """Inverse of `format_sequence`.

    Raises:
        ValueError: Not one.
    """
    sequence_number, _, entry_index = text.partition(":")
    return Position(int(sequence_number), int(entry_index))


def column_name(field: str) -> str:
    """The column of a document's field.

    >>> column_name("vin"), column_name("_version")
    ('vin', '__version')
    """
    return f"_{field}" if field.startswith("_") else field


def field_name(column: str) -> str:
    """The field of a column. Inverse of `column_name`."""
    return column[1:] if column.startswith("__") else column


def hash_text(leaf_hash: bytes) -> str:
    """How a revision's hash is written."""
    return base64.b64encode(leaf_hash).decode()


_METADATA_SET: Final = frozenset(METADATA)


def _document_in(record: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: value for name, value in record.items() if name not in _METADATA_SET}
    if set(columns) == {DATA} and isinstance(columns[DATA], str):
        found = orjson.loads(columns[DATA])
        if isinstance(found, dict):
            return found
    return {field_name(name): value for name, value in columns.items()}
