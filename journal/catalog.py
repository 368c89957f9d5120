"""The catalog is data: tables and indexes are documents in system tables, with history like any other.

```
table id 1  ledger   one document: name, strandId, createdAt, formatVersion, checkpointKey, durability,
                     and keyRotation once the key was rotated
table id 2  tables   document id = table id:  {name, status: ACTIVE | DROPPED}
table id 3  indexes  document id = index id:  {name, tableId, paths, unique, status: ACTIVE}
```

A dropped table's document stays, with status DROPPED; a dropped index's document is deleted. `fold`
takes the revisions of these tables one after another and gives the catalog as of each block; whoever
follows the journal (materializer, streams, audit) uses this same fold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from journal.codec import Operation
from journal.errors import InputError
from journal.ids import id_text, parse_id

LEDGER_TABLE_ID: Final = (1).to_bytes(16, "big")
TABLES_TABLE_ID: Final = (2).to_bytes(16, "big")
INDEXES_TABLE_ID: Final = (3).to_bytes(16, "big")
SYSTEM_TABLE_IDS: Final = frozenset((LEDGER_TABLE_ID, TABLES_TABLE_ID, INDEXES_TABLE_ID))

ACTIVE: Final = "ACTIVE"
DROPPED: Final = "DROPPED"

Path = tuple[str, ...]


class CatalogError(ValueError):
    """A system document that no correct writer writes; carries the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerInfo:
    """The ledger document of the genesis (or its newest revision).

    `key_rotation` is the note by which the key before named `checkpoint_key`; empty before a rotation.
    """

    name: str
    strand_id: bytes
    created_at: str
    checkpoint_key: str
    allow_single_broker: bool
    unverified_settings: bool
    key_rotation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInfo:
    """A table, dropped ones included: their history stays readable."""

    table_id: bytes
    name: str
    dropped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInfo:
    """An index that is there."""

    index_id: bytes
    name: str
    table_id: bytes
    paths: tuple[Path, ...]
    unique: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Ledger, tables and indexes as of a block. Immutable: `fold` makes another one."""

    ledger: LedgerInfo | None = None
    tables: Mapping[bytes, TableInfo] = field(default_factory=dict)
    indexes: Mapping[bytes, IndexInfo] = field(default_factory=dict)

    def indexes_of(self, table_id: bytes) -> tuple[IndexInfo, ...]:
        """The indexes of a table, in order of their ids (about order of age)."""
        found = [index for index in self.indexes.values() if index.table_id == table_id]
        return tuple(sorted(found, key=lambda index: index.index_id))


def ledger_document(ledger: LedgerInfo) -> dict[str, Any]:
    """The document of the ledger table, in Python values but for `createdAt`, which is text."""
    document: dict[str, Any] = {
        "name": ledger.name,
        "strandId": id_text(ledger.strand_id),
        "createdAt": ledger.created_at,
        "formatVersion": 1,
        "checkpointKey": ledger.checkpoint_key,
        "durability": {
            "allowSingleBroker": ledger.allow_single_broker,
            "unverifiedSettings": ledger.unverified_settings,
        },
    }
    if ledger.key_rotation:
        document["keyRotation"] = ledger.key_rotation
    return document


def table_document(name: str, status: str = ACTIVE) -> dict[str, Any]:
    """The document of a table."""
    return {"name": name, "status": status}


def index_document(index: IndexInfo) -> dict[str, Any]:
    """The document of an index."""
    return {
        "name": index.name,
        "tableId": id_text(index.table_id),
        "paths": [list(path) for path in index.paths],
        "unique": index.unique,
        "status": ACTIVE,
    }


def fold(
    catalog: Catalog, table_id: bytes, document_id: bytes, operation: Operation, document: Any
) -> Catalog:
    """The catalog after one revision of a system table. `document` is None for a DELETE.

    Raises:
        CatalogError: The document has not the shape that its table needs.
    """
    try:
        if table_id == LEDGER_TABLE_ID:
            return replace(catalog, ledger=_ledger(document))
        if table_id == TABLES_TABLE_ID:
            return _fold_table(catalog, document_id, document)
        return _fold_index(catalog, document_id, operation, document)
    except (KeyError, TypeError, AttributeError, InputError) as error:
        raise CatalogError(f"not a document of system table {table_id[-1]}: {error}") from error


def parse_ledger_document(document: Any) -> LedgerInfo:
    """The ledger that a genesis document describes.

    Raises:
        CatalogError: It has not the shape of one.
    """
    try:
        return _ledger(document)
    except (KeyError, TypeError, InputError) as error:
        raise CatalogError(f"not a ledger document: {error}") from error


def _ledger(document: Any) -> LedgerInfo:
    durability = document["durability"]
    return LedgerInfo(
        name=_expect(document["name"], str),
        strand_id=parse_id(document["strandId"]),
        created_at=_expect(document["createdAt"], str),
        checkpoint_key=_expect(document["checkpointKey"], str),
        allow_single_broker=_expect(durability["allowSingleBroker"], bool),
        unverified_settings=_expect(durability["unverifiedSettings"], bool),
        key_rotation=_expect(document.get("keyRotation", ""), str),
    )


def _fold_table(catalog: Catalog, table_id: bytes, document: Any) -> Catalog:
    table = TableInfo(
        table_id=table_id,
        name=_expect(document["name"], str),
        dropped={ACTIVE: False, DROPPED: True}[document["status"]],
    )
    return replace(catalog, tables={**catalog.tables, table_id: table})


def _fold_index(catalog: Catalog, index_id: bytes, operation: Operation, document: Any) -> Catalog:
    others = {key: value for key, value in catalog.indexes.items() if key != index_id}
    if operation is Operation.DELETE:
        return replace(catalog, indexes=others)
    index = IndexInfo(
        index_id=index_id,
        name=_expect(document["name"], str),
        table_id=parse_id(document["tableId"]),
        paths=tuple(map(_path, _expect_some(document["paths"]))),
        unique=_expect(document["unique"], bool),
    )
    if document["status"] != ACTIVE:
        raise CatalogError(f"index {index.name} with status {document['status']!r}")
    if index.table_id not in catalog.tables:
        raise CatalogError(f"index {index.name} of a table that was never made")
    return replace(catalog, indexes={**others, index_id: index})


def _path(steps: Any) -> Path:
    return tuple(_expect(step, str) for step in _expect_some(steps))


def _expect_some(value: Any) -> Any:
    if not _expect(value, list):
        raise TypeError("an empty list")
    return value


def _expect(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
