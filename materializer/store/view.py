"""A read view of the store: `materializer.partiql.view.View` over one SQLite connection."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import apsw

from journal.errors import InputError, StoreUnavailableError
from journal.ids import id_text, parse_id
from journal.values import Value, instant_of
from materializer.partiql.view import Index, KeyRange, Table
from materializer.store.catalogs import ViewCatalog
from materializer.store.documents import BlockTimes, StoredDocument, committed_row
from materializer.store.keys import AFTER, kind_range, part_of
from materializer.store.proofs import ProofRows
from materializer.store.schema import ENTRY_BITS
from materializer.store.trees import load_tree
from verifier.merkle import CompactRange

_GET: Final = (
    "select d.position, d.version, e.body, e.payload from documents d"
    " cross join entries e on e.position = d.position"
    " where d.table_id = ? and d.document_id = ? and d.deleted = 0"
)
_SCAN: Final = (
    "select d.position, d.version, e.body, e.payload from documents d"
    " cross join entries e on e.position = d.position"
    " where d.table_id = ? and d.deleted = 0 order by d.document_id"
)
_SEARCH: Final = (
    "select d.position, d.version, e.body, e.payload from index_entries i"
    " cross join documents d on d.table_id = ? and d.document_id = i.document_id"
    " cross join entries e on e.position = d.position"
    " where i.index_id = ? and i.key >= ? and i.key < ? order by i.key, i.document_id"
)
_SEARCH_ONE: Final = (
    "select d.position, d.version, e.body, e.payload from index_entries i"
    " cross join documents d on d.table_id = ? and d.document_id = i.document_id"
    " cross join entries e on e.position = d.position"
    " where i.index_id = ? and i.key = ?"
)
_SEARCH_DESCENDING: Final = _SEARCH.replace(
    "order by i.key, i.document_id", "order by i.key desc, i.document_id desc"
)


class StoreView:
    """Everything read through one of these is of one moment, if its connection is in a transaction.

    Args:
        connection: A reader's, inside BEGIN; or the writer's, inside the open block.
        catalog: The catalog of that moment.
        strand_id: For block addresses, in text.
        open_block: Sequence number and timestamp of the block being built, whose revisions have
            neither address nor hash yet; None for readers.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        catalog: ViewCatalog,
        strand_id: str,
        open_block: tuple[int, int] | None = None,
    ) -> None:
        self.catalog = catalog
        self.strand_id = strand_id
        self._connection = connection
        self._open_block = open_block
        self._times = BlockTimes(connection)
        self._committed = self._committed_row

    def get(self, table: Table, document_id: str) -> StoredDocument | None:
        """See `View.get`. Two index look-ups."""
        try:
            key = parse_id(document_id)
        except InputError:
            return None
        row = next(self._rows(_GET, (parse_id(table.id), key)), None)
        if row is None:
            return None
        position, version, body, payload = row
        return StoredDocument(position, version, body, payload, self._committed)

    def scan(self, table: Table) -> Iterator[StoredDocument]:
        """See `View.scan`."""
        return self._documents(_SCAN, (parse_id(table.id),))

    def count(self, table: Table) -> int:
        """See `View.count`. Reads the narrow pointer rows only."""
        ((count,),) = self._rows(
            "select count(*) from documents where table_id = ? and deleted = 0",
            (parse_id(table.id),),
        )
        assert isinstance(count, int)
        return count

    def search(self, index: Index, keys: KeyRange) -> Iterator[StoredDocument]:
        """See `View.search`. One descent of the index, then two look-ups a document."""
        ids = (parse_id(index.table_id), parse_id(index.id))
        prefix = b"".join(map(part_of, keys.equal))
        if keys.low is None and keys.high is None and len(keys.equal) == len(index.paths):
            return self._documents(_SEARCH_ONE, (*ids, prefix))
        sql = _SEARCH_DESCENDING if keys.descending else _SEARCH
        return self._documents(sql, (*ids, *_bounds(prefix, keys)))

    def history(
        self, table: Table, document_id: str | None, start: Value, end: Value
    ) -> Iterator[StoredDocument]:
        """See `View.history`. One look-up a revision, newest to oldest, then turned round."""
        table_id = parse_id(table.id)
        if document_id is None:
            heads = self._rows(
                "select position, version from documents where table_id = ? order by document_id",
                (table_id,),
            )
        else:
            try:
                key = parse_id(document_id)
            except InputError:
                return
            heads = self._rows(
                "select position, version from documents where table_id = ? and document_id = ?",
                (table_id, key),
            )
        for position, version in heads:
            yield from self._chain(position, version, start, end)

    def user_tables(self) -> Iterator[Mapping[str, Value]]:
        """See `View.user_tables`; dropped tables are listed with their status."""
        source = self.catalog.source
        for table in source.tables.values():
            yield {
                "tableId": id_text(table.table_id),
                "name": table.name,
                "status": "DROPPED" if table.dropped else "ACTIVE",
                "indexes": [
                    {
                        "indexId": id_text(index.index_id),
                        "name": index.name,
                        "expr": f"[{', '.join('.'.join(path) for path in index.paths)}]",
                        "unique": index.unique,
                        "status": "ACTIVE",
                    }
                    for index in source.indexes_of(table.table_id)
                ],
            }

    def newest_block(self) -> tuple[int, bytes]:
        """Sequence number and header bytes of the newest block."""
        row: Any = self._connection.execute(
            "select sequence_number, header from blocks order by sequence_number desc limit 1"
        ).fetchone()
        return row[0], row[1]

    @property
    def proofs(self) -> ProofRows:
        """What receipts and proofs are made of."""
        return ProofRows(self._connection)

    def tree(self, tree_size: int) -> CompactRange:
        """The ledger's tree at a size; one look-up for each 1-bit of it."""
        return load_tree(self._connection, tree_size)

    def _documents(self, sql: str, bindings: tuple[bytes, ...]) -> Iterator[StoredDocument]:
        committed = self._committed
        for position, version, body, payload in self._rows(sql, bindings):
            yield StoredDocument(position, version, body, payload, committed)

    def _rows(self, sql: str, bindings: tuple[Any, ...]) -> Iterator[Any]:
        try:
            yield from self._connection.execute(sql, bindings)
        except apsw.Error as error:
            raise StoreUnavailableError(f"the state store cannot be read: {error}") from error

    def _chain(
        self, position: int | None, version: int, start: Value, end: Value
    ) -> Iterator[StoredDocument]:
        """Revisions of one document that were current at some moment in [start, end]."""
        first = None if start is None else instant_of(start)
        last = None if end is None else instant_of(end)
        found = []
        while position is not None:
            ((body, payload, previous),) = self._rows(
                "select body, payload, previous from entries where position = ?", (position,)
            )
            began = self._timestamp(position)
            if last is None or began <= last * 1_000_000:
                found.append(StoredDocument(position, version, body, payload, self._committed))
            if first is not None and began <= first * 1_000_000:
                break
            position, version = previous, version - 1
        yield from reversed(found)

    def _timestamp(self, position: int) -> int:
        sequence_number = position >> ENTRY_BITS
        if self._open_block is not None and self._open_block[0] == sequence_number:
            return self._open_block[1]
        timestamp = self._times(sequence_number)
        assert timestamp is not None
        return timestamp

    def _committed_row(self, revision: StoredDocument) -> dict[str, Value]:
        in_block = (
            self._open_block is None or revision.position >> ENTRY_BITS != self._open_block[0]
        )
        timestamp = self._timestamp(revision.position)
        return committed_row(revision, self.strand_id, timestamp, in_block=in_block)


def _bounds(prefix: bytes, keys: KeyRange) -> tuple[bytes, bytes]:
    """The half-open byte range of a key range."""
    low, high = prefix, prefix + AFTER
    if keys.low is not None:
        part = part_of(keys.low[0])
        low = prefix + part if keys.low[1] else prefix + part + AFTER
        if keys.high is None:
            high = prefix + kind_range(part)[1]
    if keys.high is not None:
        part = part_of(keys.high[0])
        high = prefix + part + AFTER if keys.high[1] else prefix + part
        if keys.low is None:
            low = prefix + kind_range(part)[0]
    return low, high
