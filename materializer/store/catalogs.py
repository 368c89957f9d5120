"""The catalog as the query engine sees it, and how a reader gets the one of its read view."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import apsw

from journal import catalog as journal_catalog
from journal import document
from journal.block import document_of
from journal.catalog import SYSTEM_TABLE_IDS, Catalog, IndexInfo, TableInfo
from journal.codec import Operation
from journal.ids import id_text
from materializer.partiql.view import Index, Table
from materializer.store.schema import CATALOG_CHANGED


@dataclass(frozen=True, slots=True, eq=False)
class ViewCatalog:
    """`materializer.partiql.view.Catalog` over the journal's. Compared by identity."""

    source: Catalog
    tables: Mapping[str, Table]


def view_catalog(catalog: Catalog) -> ViewCatalog:
    """The catalog in the query engine's terms; dropped tables are left out."""
    tables = [_table(info, catalog) for info in catalog.tables.values() if not info.dropped]
    return ViewCatalog(catalog, {table.name: table for table in tables})


def load_catalog(connection: apsw.Connection) -> Catalog:
    """Fold the newest revisions of the system tables, in the order they were made."""
    rows: Any = connection.execute(
        "select d.table_id, d.document_id, e.payload from documents d join entries e"
        " on e.position = d.position where d.table_id in (?, ?, ?) and d.deleted = 0"
        " order by d.table_id, d.document_id",
        tuple(sorted(SYSTEM_TABLE_IDS)),
    )
    catalog = Catalog()
    for table_id, document_id, payload in rows:
        value = document.decode(document_of(payload))
        catalog = journal_catalog.fold(catalog, table_id, document_id, Operation.INSERT, value)
    return catalog


class CatalogCache:
    """Catalogs by the position of the last change to them; shared by all readers of a store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[int, ViewCatalog] | None = None

    def get(self, connection: apsw.Connection) -> ViewCatalog:
        """The catalog of the connection's read view; one look-up where it is unchanged."""
        position: Any = connection.execute(
            "select value from meta where key = ?", (CATALOG_CHANGED,)
        ).fetchall()[0][0]
        last = self._last
        if last is not None and last[0] == position:
            return last[1]
        catalog = view_catalog(load_catalog(connection))
        with self._lock:
            if self._last is None or self._last[0] < position:
                self._last = (position, catalog)
        return catalog


def _table(info: TableInfo, catalog: Catalog) -> Table:
    indexes = tuple(_index(index) for index in catalog.indexes_of(info.table_id))
    return Table(id=id_text(info.table_id), name=info.name, indexes=indexes)


def _index(info: IndexInfo) -> Index:
    return Index(
        id=id_text(info.index_id),
        name=info.name,
        table_id=id_text(info.table_id),
        paths=info.paths,
        unique=info.unique,
        active=True,
    )
