"""Apply: how accepted revisions change the state store.

One function for both ways in: the sequencer applies the effects of the transaction it executes, the
follower applies blocks it reads. So a rebuild gives what incremental work gave, row by row.

`Writes` gathers the rows of up to a block (sequencer) or of thousands of revisions (follower) and
`flush` writes them: only the newest pointer of each document, sorted by key. Whoever reads the store
flushes first. It checks what a correct writer guarantees, and raises `CorruptBlockError` naming block and
entry where that does not hold; uniqueness of indexes is the sequencer's business, never judged here.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import apsw

from journal import catalog as journal_catalog
from journal import document
from journal.block import Block, document_of
from journal.catalog import INDEXES_TABLE_ID, SYSTEM_TABLE_IDS, Catalog, CatalogError, IndexInfo
from journal.codec import Entry, Operation, RevisionEntry, TransactionEntry
from journal.errors import CorruptBlockError, InvalidDocumentError
from journal.values import Value
from materializer.store.documents import StoredDocument, address_of, position_of
from materializer.store.keys import key_of
from materializer.store.store import Store

Keys = Sequence[tuple[bytes, bytes]]
"""Index id and key, for each index of a document's table."""
_COMMITTED_BEFORE: Final = "a transaction that was committed before"


class Writes:
    """Rows on their way into a store: after `flush` all are there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._indexes: dict[bytes, tuple[IndexInfo, ...]] = {}
        self._indexes_as_of: Catalog | None = None
        self._entries: list[tuple[int, bytes, bytes, int | None]] = []
        self._transactions: dict[bytes, int] = {}
        self._pending: dict[tuple[bytes, bytes], StoredDocument] = {}
        self._inserted: dict[tuple[bytes, bytes], tuple[Any, ...]] = {}
        self._replaced: dict[tuple[bytes, bytes], tuple[Any, ...]] = {}
        self._new_keys: list[tuple[bytes, bytes, bytes, int]] = []
        self._old_keys: list[tuple[bytes, bytes, bytes, int]] = []
        self._holders: dict[tuple[bytes, bytes], bytes] = {}

    def transaction(self, position: int, entry: Entry, content: TransactionEntry) -> None:
        """Add a transaction's entry.

        Raises:
            CorruptBlockError: It was committed before; or `flush` finds that.
        """
        self._entries.append((position, entry.body, b"", None))
        if self._transactions.setdefault(content.transaction_id, position) != position:
            raise _corrupt(_COMMITTED_BEFORE, position)

    def revision(
        self,
        position: int,
        entry: Entry,
        content: RevisionEntry,
        *,
        current: StoredDocument | None = None,
        keys: Keys | None = None,
    ) -> None:
        """Add a revision.

        Args:
            position: Where its entry stands.
            entry, content: The entry, as stored and read.
            current: The document's newest revision, if the caller has read it already.
            keys: `keys_of` the document as it is now, if the caller has them already.

        Raises:
            CorruptBlockError: It does not fit what is there.
        """
        table_id, key = content.table_id, (content.table_id, content.document_id)
        indexes = self.indexes_of(table_id)
        if indexes is None:
            raise _corrupt("a revision of a table that is not there", position)
        if content.operation is not Operation.INSERT:
            current = self._pending.get(key) or current or self._store.current(*key)
            self._check_change(content, current, position)
        else:
            current = None
            if content.version or key in self._pending:
                raise _corrupt("an insert of a document that is there, or not version 0", position)
        previous = None if current is None else current.position
        self._entries.append((position, entry.body, entry.payload, previous))
        stored = StoredDocument(position, content.version, entry.body, entry.payload, None)
        self._pending[key] = stored
        row = (*key, position, content.version, content.operation is Operation.DELETE)
        target = self._inserted if current is None or key in self._inserted else self._replaced
        target[key] = row
        if indexes:
            if keys is None:
                keys = self.keys_of(table_id, _read(stored))
            self._change_keys(
                self.keys_of(table_id, _read(current) if current else None), keys, stored
            )
        if table_id in SYSTEM_TABLE_IDS:
            self._change_catalog(content, stored, position)

    def flush(self) -> None:
        """Write what was added.

        Raises:
            CorruptBlockError: A document was inserted, or a transaction committed, twice.
            StoreUnavailableError: The store cannot be written.
        """
        store = self._store
        try:
            if self._entries:
                store.executemany("insert into entries values (?, ?, ?, ?)", self._entries)
            if self._transactions:
                store.executemany(
                    "insert into transactions values (?, ?)", sorted(self._transactions.items())
                )
            if self._inserted:
                store.executemany(
                    "insert into documents values (?, ?, ?, ?, ?)", _sorted(self._inserted)
                )
            if self._replaced:
                store.executemany(
                    "insert or replace into documents values (?, ?, ?, ?, ?)",
                    _sorted(self._replaced),
                )
            self._flush_keys()
        except apsw.ConstraintError as error:
            raise self._explain(error) from error
        self.clear()

    def finish_block(self, block: Block, offset: int) -> None:
        """Record a block all of whose entries were added."""
        self._store.finish_block(block, offset)

    def clear(self) -> None:
        """Forget what was added since the last `flush`."""
        self._entries.clear()
        self._transactions.clear()
        self._pending.clear()
        self._inserted.clear()
        self._replaced.clear()
        self._new_keys.clear()
        self._old_keys.clear()
        self._holders.clear()

    def transaction_position(self, transaction_id: bytes) -> int | None:
        """Where a transaction's entry stands, here or in the store; None if it is nowhere."""
        position = self._transactions.get(transaction_id)
        return self._store.transaction_position(transaction_id) if position is None else position

    def holders_of(self, index_id: bytes, key: bytes) -> list[bytes]:
        """Ids of documents that have an index key, here or in the store; two of them at most."""
        if self._old_keys:
            self._flush_keys()
        holder = self._holders.get((index_id, key))
        if holder is not None:
            return [holder]
        rows = self._store.execute(
            "select document_id from index_entries where index_id = ? and key = ? limit 2",
            (index_id, key),
        )
        return [row[0] for row in rows]

    def keys_of(self, table_id: bytes, data: dict[str, Value] | None) -> Keys:
        """Index ids and keys of a document with these fields; none for one that is not there."""
        if data is None:
            return ()
        indexes = self.indexes_of(table_id) or ()
        return [(index.index_id, key_of(data, index.paths)) for index in indexes]

    def indexes_of(self, table_id: bytes) -> tuple[IndexInfo, ...] | None:
        """The indexes of a table; None where the table is not there."""
        catalog = self._store.catalog
        if catalog is not self._indexes_as_of:
            self._indexes, self._indexes_as_of = {}, catalog
        if (indexes := self._indexes.get(table_id)) is not None:
            return indexes
        table = catalog.tables.get(table_id)
        if table is None or table.dropped:
            return () if table_id in SYSTEM_TABLE_IDS else None
        indexes = self._indexes[table_id] = catalog.indexes_of(table_id)
        return indexes

    @staticmethod
    def _check_change(
        content: RevisionEntry, current: StoredDocument | None, position: int
    ) -> None:
        if current is None or not current.payload:
            raise _corrupt("a change to a document that is not there", position)
        if content.version != current.version + 1:
            raise _corrupt(
                f"version {content.version} of a document at version {current.version}", position
            )

    def _change_keys(self, old: Keys, new: Keys, stored: StoredDocument) -> None:
        """Move the document's index entries from its old keys to its new ones."""
        document_id, position = stored.document_id, stored.position
        for index_id, key in old:
            if (index_id, key) not in new:
                if self._new_keys:
                    self._flush_keys()
                self._old_keys.append((index_id, key, document_id, position))
        for index_id, key in new:
            if (index_id, key) not in old:
                if self._old_keys:
                    self._flush_keys()
                self._new_keys.append((index_id, key, document_id, position))
                self._holders[index_id, key] = document_id

    def _flush_keys(self) -> None:
        """Write index changes. At most one of the two lists is filled: their order matters."""
        if self._old_keys:
            self._store.executemany(
                "insert into index_entries_past select index_id, key, document_id, from_position, ?4"
                " from index_entries where index_id = ?1 and key = ?2 and document_id = ?3",
                self._old_keys,
            )
            self._store.executemany(
                "delete from index_entries where index_id = ?1 and key = ?2 and document_id = ?3"
                " and ?4",
                self._old_keys,
            )
            self._old_keys.clear()
        if self._new_keys:
            self._store.executemany(
                "insert into index_entries values (?, ?, ?, ?)", sorted(self._new_keys)
            )
            self._new_keys.clear()
            self._holders.clear()

    def _change_catalog(
        self, content: RevisionEntry, stored: StoredDocument, position: int
    ) -> None:
        try:
            value = _read(stored)
            catalog = journal_catalog.fold(
                self._store.catalog,
                content.table_id,
                content.document_id,
                content.operation,
                value,
            )
        except (CatalogError, InvalidDocumentError) as error:
            raise _corrupt(str(error), position) from error
        self._store.change_catalog(catalog, position)
        if content.table_id == INDEXES_TABLE_ID and content.operation is Operation.INSERT:
            self._build_index(self._store.catalog.indexes[content.document_id])

    def _build_index(self, index: IndexInfo) -> None:
        """Fill a new index from the documents that are there."""
        self.flush()
        rows = self._store.execute(
            "select d.document_id, d.position, e.payload from documents d"
            " cross join entries e on e.position = d.position"
            " where d.table_id = ? and d.deleted = 0",
            (index.table_id,),
        )
        self._new_keys = [
            (index.index_id, key_of(_decode(payload), index.paths), document_id, position)
            for document_id, position, payload in rows
        ]
        self._flush_keys()

    def _explain(self, error: apsw.ConstraintError) -> CorruptBlockError:
        """Which of the rows broke a primary key."""
        for key, row in self._inserted.items():
            if self._store.current(*key) is not None:
                return _corrupt("an insert of a document that is there", row[2])
        for transaction_id, position in self._transactions.items():
            if self._store.transaction_position(transaction_id) is not None:
                return _corrupt(_COMMITTED_BEFORE, position)
        return _corrupt(f"it breaks a key of the state store: {error}", self._entries[0][0])


def apply_block(writes: Writes, block: Block, offset: int) -> None:
    """Add an accepted block. The caller flushes.

    Raises:
        CorruptBlockError: It says something that no correct writer says.
    """
    first = position_of(block.header.sequence_number, 0)
    for index, (entry, content) in enumerate(zip(block.entries, block.contents, strict=True)):
        if type(content) is RevisionEntry:
            writes.revision(first + index, entry, content)
        else:
            assert isinstance(content, TransactionEntry)
            writes.transaction(first + index, entry, content)
    writes.finish_block(block, offset)


def _sorted(rows: dict[tuple[bytes, bytes], tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    return rows.values() if len(rows) == 1 else [rows[key] for key in sorted(rows)]


def _read(stored: StoredDocument) -> dict[str, Value] | None:
    """The fields of a stored document; None for a DELETE."""
    try:
        data = stored.data
    except InvalidDocumentError as error:
        raise _corrupt(str(error), stored.position) from error
    if data is not None and type(data) is not dict:
        raise _corrupt("a document that is no struct", stored.position)
    return data


def _decode(payload: bytes) -> dict[str, Value]:
    return document.decode(document_of(payload))  # type: ignore[no-any-return]


def _corrupt(reason: str, position: int) -> CorruptBlockError:
    sequence_number, entry_index = address_of(position)
    return CorruptBlockError(reason, sequence_number=sequence_number, entry_index=entry_index)
