"""Unique indexes: judged by whoever executes, never by whoever replays.

A key with a null or MISSING part is never a duplicate, as NULLs are none in SQL.
"""

from collections.abc import Iterator, Sequence

from indelible.engine.changes import Change
from journal.catalog import INDEXES_TABLE_ID, IndexInfo
from journal.codec import Operation
from journal.errors import UniqueViolationError
from journal.ids import id_text
from journal.values import Value
from materializer.apply import Keys, Writes
from materializer.store.keys import key_is_partial, value_at
from materializer.store.store import Store


def refuse_duplicate_before(store: Store, writes: Writes, change: Change) -> None:
    """Check a single change that is not in the store yet.

    Raises:
        UniqueViolationError: Another document has its key.
    """
    for index, key in _unique_keys(store, writes, change):
        _refuse_others(store, writes, index, key, change)


def refuse_duplicates_after(store: Store, writes: Writes, changes: Sequence[Change]) -> None:
    """Check changes that are in the store already; the caller can undo them.

    Raises:
        UniqueViolationError: A key stands for two documents.
    """
    for change in changes:
        for index, key in _unique_keys(store, writes, change):
            _refuse_others(store, writes, index, key, change)
        if change.table_id == INDEXES_TABLE_ID and change.operation is Operation.INSERT:
            _refuse_filled(store, store.catalog.indexes[change.document_id])


def _unique_keys(store: Store, writes: Writes, change: Change) -> Iterator[tuple[IndexInfo, bytes]]:
    """The keys that must be the document's alone: of unique indexes, changed, and complete."""
    if change.data is None or not change.keys:
        return
    before: Keys = ()
    if change.current is not None:
        before = writes.keys_of(change.table_id, change.current.data)
    indexes = store.catalog.indexes
    for index_id, key in change.keys:
        index = indexes[index_id]
        if (
            index.unique
            and (index_id, key) not in before
            and not key_is_partial(change.data, index.paths)
        ):
            yield index, key


def _refuse_others(
    store: Store, writes: Writes, index: IndexInfo, key: bytes, change: Change
) -> None:
    for document_id in writes.holders_of(index.index_id, key):
        if document_id != change.document_id:
            assert change.data is not None
            raise _violation(store, index, change.data, document_id)


def _refuse_filled(store: Store, index: IndexInfo) -> None:
    """Check a new index over documents that were there before it."""
    if not index.unique:
        return
    for (key,) in store.execute(
        "select key from index_entries where index_id = ? group by key having count(*) > 1",
        (index.index_id,),
    ):
        rows = store.execute(
            "select document_id from index_entries where index_id = ? and key = ? limit 2",
            (index.index_id, key),
        )
        first = store.current(index.table_id, rows[0][0])
        assert first is not None
        if first.data is not None and not key_is_partial(first.data, index.paths):
            raise _violation(store, index, first.data, rows[1][0])


def _violation(
    store: Store, index: IndexInfo, data: dict[str, Value], other: bytes
) -> UniqueViolationError:
    parts = (f"{'.'.join(path)} = {value_at(data, path)!r}"[:200] for path in index.paths)
    return UniqueViolationError(
        index=index.name,
        table=store.catalog.tables[index.table_id].name,
        key=", ".join(parts),
        document_id=id_text(other),
    )
