"""The block being built: transactions executed one after another straight on the state store.

```
statement --execute (pure)--> effects --> changes --> entry of the block
                                             +------> rows of the store (materializer.apply)
```

There is no overlay: the store's own open transaction is where later statements, and later transactions of
the same block, see earlier writes. A transaction that may have to be taken back runs under a savepoint;
one with a single effect needs none, since everything that can fail is tried before it writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from indelible.engine.limits import Limits, bound
from indelible.engine.requests import Answer, Request
from journal import document
from journal.ambient import Entropy
from journal.block import (
    BLOCK_SIZE_MAX,
    Block,
    build_block,
    payload_of,
    revision_entry,
    transaction_entry,
)
from journal.catalog import (
    DROPPED,
    INDEXES_TABLE_ID,
    SYSTEM_TABLE_IDS,
    TABLES_TABLE_ID,
    IndexInfo,
    index_document,
    table_document,
)
from journal.chain import Tip
from journal.codec import Entry, EntryBody, Operation, TransactionEntry, decode_body
from journal.errors import ConflictError, InvalidDocumentError, UniqueViolationError
from journal.ids import derived_id, id_text, parse_id
from journal.values import Value
from materializer.apply import Writes
from materializer.partiql import StatementCache, normalise
from materializer.partiql.view import (
    Context,
    CreateIndex,
    CreateTable,
    Delete,
    DropIndex,
    DropTable,
    Effect,
    Insert,
    Update,
)
from materializer.store.documents import StoredDocument, moment_of, position_of
from materializer.store.keys import key_is_partial, key_of, value_at
from materializer.store.store import Store
from materializer.store.view import StoreView

_ENVELOPE_SIZE: Final = 1024
"""More than header, marker and counts of a block take."""
_REVISION_SIZE: Final = 128
"""More than a revision takes beside its payload."""
_TRANSACTION_SIZE: Final = 512
"""More than a transaction's entry takes beside statements and labels."""


class BlockFullError(Exception):
    """The transaction does not fit beside those already in the block; it begins the next one."""


@dataclass(slots=True, kw_only=True)
class Change:
    """One revision before it has a position. `payload` is empty for a DELETE."""

    table_id: bytes
    document_id: bytes
    operation: Operation
    version: int
    payload: bytes
    data: dict[str, Value] | None
    current: StoredDocument | None


class BlockBuilder:
    """Executes requests into the open transaction of a store and gathers their entries.

    Attributes:
        size: Bytes that the block has so far, a little more than it really takes.
    """

    def __init__(
        self,
        store: Store,
        statements: StatementCache,
        limits: Limits,
        *,
        timestamp: int,
        entropy: Entropy,
    ) -> None:
        assert store.tip is not None
        self.size = _ENVELOPE_SIZE
        self._store, self._statements, self._limits, self._entropy = (
            store,
            statements,
            limits,
            entropy,
        )
        self._tip: Tip = store.tip
        self._timestamp, self._now = timestamp, moment_of(timestamp)
        self._open_block = (self._tip.sequence_number + 1, timestamp)
        self._first = position_of(self._open_block[0], 0)
        self._entries: list[Entry] = []
        self._contents: list[EntryBody] = []
        self._writes = Writes(store)
        self._view = store.view(self._open_block)

    @property
    def empty(self) -> bool:
        """Whether no transaction changed anything."""
        return not self._entries

    def add(self, request: Request) -> Answer:
        """Execute a request; its effects are in the store and in the block when this returns.

        Raises:
            BlockFullError: Try it in the next block; nothing of it is left in this one.
            StoreUnavailableError: The store cannot be written; the whole block is lost.
            LedgerError: The request fails, alone; nothing of it is left.
        """
        if not request.fresh and (answer := self._earlier(request)) is not None:
            return answer
        return _Transaction(self, request).run()

    def build(self, writer: str) -> Block:
        """The block of everything added."""
        return build_block(
            strand_id=self._tip.strand_id,
            sequence_number=self._open_block[0],
            previous_block_hash=self._tip.block_hash,
            timestamp=self._timestamp,
            writer=writer,
            entries=self._entries,
            contents=self._contents,
        )

    def finish(self, block: Block, offset: int) -> None:
        """Record the accepted block in the store; the caller commits."""
        self._writes.finish_block(block, offset)

    def _earlier(self, request: Request) -> Answer | None:
        """The answer of the commit that used this request's transaction id, if there is one.

        Raises:
            ConflictError: It was another transaction.
        """
        position = self._store.transaction_position(request.transaction_id)
        if position is None:
            return None
        stored = self._store.entry(position)
        assert stored is not None
        content = decode_body(stored[0])
        assert isinstance(content, TransactionEntry)
        texts = tuple(normalise(text) for text, _ in request.statements)
        if content.statements != texts or content.principal != request.principal:
            raise ConflictError(
                f"transaction id {id_text(request.transaction_id)} was used by another transaction",
                hint="an id belongs to one intention: same statements, same principal",
            )
        rows = []
        for index in range(1, content.revision_count + 1):
            revision = self._store.entry(position + index)
            assert revision is not None
            rows.append({"documentId": id_text(revision[0][33:49])})
        number = position >> 20
        return Answer(transaction_id=request.transaction_id, sequence_number=number, results=[rows])

    def _current_view(self) -> StoreView:
        if self._view.catalog is not self._store.view_catalog():
            self._view = self._store.view(self._open_block)
        return self._view


class _Transaction:
    """One request being executed into a block."""

    def __init__(self, block: BlockBuilder, request: Request) -> None:
        self._block, self._request = block, request
        self._store, self._limits = block._store, block._limits
        self._counter = 0
        self._new_ids: dict[str, bytes] = {}
        self._entries: list[Entry] = []
        self._contents: list[EntryBody] = []
        self._size = self._fixed_size = _transaction_size(request)
        self._first = len(block._entries) + 1
        self._texts: list[str] = []
        self._savepoint: Any = None
        self._undoable = len(request.statements) > 1
        self._net: dict[tuple[bytes, bytes], list[Change]] = {}
        self._touched_twice = False

    def run(self) -> Answer:
        block, changed = self._block, dict(self._block._writes.changed)
        if self._undoable:
            self._open_savepoint()
        try:
            results = [
                self._execute(text, parameters) for text, parameters in self._request.statements
            ]
            if self._touched_twice:
                self._apply_net_changes()
        except BaseException:
            block._writes.clear()
            block._writes.changed = changed
            if self._savepoint is not None:
                self._store.undo(self._savepoint)
            raise
        number = self._seal() if self._entries else None
        if self._savepoint is not None:
            self._store.release()
        return Answer(
            transaction_id=self._request.transaction_id, sequence_number=number, results=results
        )

    def _execute(self, text: str, parameters: Sequence[Any]) -> Sequence[Any]:
        view = self._block._current_view()
        statement = self._block._statements.get(text, view.catalog)
        self._texts.append(statement.normalised)
        outcome = statement.execute(self._context(view), parameters)
        effects = outcome.effects
        if effects:
            self._apply(effects)
        return outcome.rows

    def _context(self, view: StoreView) -> Context:
        return Context(
            view=view,
            transaction_id=id_text(self._request.transaction_id),
            now=self._block._now,
            new_id=self._new_id,
            check=_never,
            rows_max=self._limits.rows_max,
        )

    def _new_id(self) -> str:
        value = derived_id(self._request.transaction_id, self._counter)
        self._counter += 1
        text = id_text(value)
        self._new_ids[text] = value
        return text

    def _bytes_of(self, text: str) -> bytes:
        return self._new_ids.get(text) or parse_id(text)

    def _apply(self, effects: Sequence[Effect]) -> None:
        """Turn the effects of one statement into revisions, in the store and in the block."""
        changes = [change for effect in effects for change in self._changes_of(effect)]
        bound(
            "revisions_per_transaction_max",
            len(self._entries) + len(changes),
            self._limits.revisions_per_transaction_max,
            hint="split the work into several transactions",
        )
        self._size += sum(len(change.payload) + _REVISION_SIZE for change in changes)
        self._check_size()
        if len(changes) > 1 or changes[0].table_id in SYSTEM_TABLE_IDS:
            self._open_savepoint()
        if self._savepoint is None:
            self._refuse_duplicate(changes[0])
        for change in changes:
            self._note(change)
            self._write(change)
        self._block._writes.flush()
        if self._savepoint is not None:
            self._refuse_duplicates(changes)

    def _open_savepoint(self) -> None:
        if self._savepoint is None:
            self._savepoint = self._store.savepoint()

    def _changes_of(self, effect: Effect) -> list[Change]:
        match effect:
            case Insert():
                table_id = self._bytes_of(effect.table.id)
                document_id = self._bytes_of(effect.document_id)
                return [self._inserted(table_id, document_id, effect.data)]
            case Update():
                return [self._replaced(effect.table.id, effect.document, effect.data)]
            case Delete():
                return [self._replaced(effect.table.id, effect.document, None)]
            case _:
                return self._catalog_changes(effect)

    def _inserted(self, table_id: bytes, document_id: bytes, data: Any) -> Change:
        payload, value = self._payload(data)
        return Change(
            table_id=table_id,
            document_id=document_id,
            operation=Operation.INSERT,
            version=0,
            payload=payload,
            data=value,
            current=None,
        )

    def _replaced(self, table_id: str, current: Any, data: Any) -> Change:
        assert isinstance(current, StoredDocument)
        payload, value = (b"", None) if data is None else self._payload(data)
        return Change(
            table_id=self._bytes_of(table_id),
            document_id=current.document_id,
            operation=Operation.DELETE if data is None else Operation.UPDATE,
            version=current.version + 1,
            payload=payload,
            data=value,
            current=current,
        )

    def _payload(self, data: Any) -> tuple[bytes, dict[str, Value]]:
        stored, value = document.canonical(data)
        if type(value) is not dict:
            raise InvalidDocumentError(f"a document is a struct, not a {type(data).__name__}")
        bound("document_size_max", len(stored), self._limits.document_size_max)
        return payload_of(stored, self._block._entropy), value

    def _catalog_changes(
        self, effect: CreateTable | DropTable | CreateIndex | DropIndex
    ) -> list[Change]:
        catalog = self._store.catalog
        match effect:
            case CreateTable():
                count = sum(not table.dropped for table in catalog.tables.values())
                bound("tables_max", count + 1, self._limits.tables_max)
                table_id = self._bytes_of(effect.table_id)
                return [self._inserted(TABLES_TABLE_ID, table_id, table_document(effect.name))]
            case DropTable():
                table_id = self._bytes_of(effect.table.id)
                dropped = [
                    self._replaced_system(INDEXES_TABLE_ID, index.index_id, None)
                    for index in catalog.indexes_of(table_id)
                ]
                data = table_document(effect.table.name, DROPPED)
                return [*dropped, self._replaced_system(TABLES_TABLE_ID, table_id, data)]
            case CreateIndex():
                table_id = self._bytes_of(effect.table.id)
                count = len(catalog.indexes_of(table_id))
                bound("indexes_per_table_max", count + 1, self._limits.indexes_per_table_max)
                index = IndexInfo(
                    index_id=self._bytes_of(effect.index_id),
                    name=effect.name,
                    table_id=table_id,
                    paths=effect.paths,
                    unique=effect.unique,
                )
                return [self._inserted(INDEXES_TABLE_ID, index.index_id, index_document(index))]
            case DropIndex():
                index_id = self._bytes_of(effect.index.id)
                return [self._replaced_system(INDEXES_TABLE_ID, index_id, None)]

    def _replaced_system(self, table_id: bytes, document_id: bytes, data: Any) -> Change:
        current = self._store.current(table_id, document_id)
        return self._replaced(id_text(table_id), current, data)

    def _note(self, change: Change) -> None:
        """Remember what the transaction did to each document, in order of first touch."""
        if not self._undoable:
            return
        history = self._net.setdefault((change.table_id, change.document_id), [])
        history.append(change)
        self._touched_twice = self._touched_twice or len(history) > 1

    def _write(self, change: Change) -> None:
        entry, content = revision_entry(
            self._request.transaction_id,
            change.table_id,
            change.document_id,
            change.version,
            change.operation,
            change.payload,
        )
        position = self._block._first + self._first + len(self._entries)
        self._block._writes.revision(
            position, entry, content, current=change.current, data=change.data
        )
        self._entries.append(entry)
        self._contents.append(content)

    def _apply_net_changes(self) -> None:
        """One revision for each document, however often the transaction touched it."""
        self._store.undo(self._savepoint)
        self._savepoint = None
        self._open_savepoint()
        self._entries, self._contents, self._size = [], [], self._fixed_size
        self._block._writes.changed = {
            table_id: position
            for table_id, position in self._block._writes.changed.items()
            if position < self._block._first + self._first
        }
        for history in self._net.values():
            if (change := _net_change(history)) is not None:
                self._size += len(change.payload) + _REVISION_SIZE
                self._write(change)
        self._block._writes.flush()

    def _check_size(self) -> None:
        """Refuse what no block can hold; defer what only this one cannot."""
        bound(
            "block_size_max",
            _ENVELOPE_SIZE + self._size,
            min(self._limits.block_size_max, BLOCK_SIZE_MAX),
            hint="split the work into several transactions",
        )
        if self._block.size + self._size > self._limits.block_size_max:
            raise BlockFullError

    def _seal(self) -> int:
        """Put the transaction's entries into the block; returns the block's sequence number."""
        block = self._block
        content = TransactionEntry(
            self._request.transaction_id,
            self._request.principal,
            tuple(self._texts),
            len(self._entries),
            self._request.labels,
        )
        entry = transaction_entry(content)
        block._writes.transaction(block._first + self._first - 1, entry, content)
        block._writes.flush()
        block._entries.append(entry)
        block._contents.append(content)
        block._entries += self._entries
        block._contents += self._contents
        block.size += self._size
        return block._open_block[0]

    def _refuse_duplicate(self, change: Change) -> None:
        """Raise if a single change, not yet written, breaks a unique index."""
        for index, key in self._unique_keys(change):
            rows = self._store.execute(
                "select document_id from index_entries where index_id = ? and key = ? limit 1",
                (index.index_id, key),
            )
            if rows and rows[0][0] != change.document_id:
                raise self._violation(index, change, rows[0][0])

    def _refuse_duplicates(self, changes: Sequence[Change]) -> None:
        """Raise if changes that are written break a unique index."""
        for change in changes:
            for index, key in self._unique_keys(change):
                rows = self._store.execute(
                    "select document_id from index_entries where index_id = ? and key = ? limit 2",
                    (index.index_id, key),
                )
                others = [row[0] for row in rows if row[0] != change.document_id]
                if others:
                    raise self._violation(index, change, others[0])
            if change.table_id == INDEXES_TABLE_ID and change.operation is Operation.INSERT:
                self._refuse_filled_duplicates(self._store.catalog.indexes[change.document_id])

    def _unique_keys(self, change: Change) -> list[tuple[IndexInfo, bytes]]:
        """The keys that must be the document's alone: of unique indexes, changed, and complete."""
        catalog = self._store.catalog
        if change.data is None or not catalog.indexes:
            return []
        before = change.current.data if change.current is not None else None
        keys = []
        for index in self._block._writes.indexes_of(change.table_id) or ():
            if index.unique and not key_is_partial(change.data, index.paths):
                key = key_of(change.data, index.paths)
                if before is None or key_of(before, index.paths) != key:
                    keys.append((index, key))
        return keys

    def _refuse_filled_duplicates(self, index: IndexInfo) -> None:
        """Raise if a new unique index over existing documents has the same key twice."""
        if not index.unique:
            return
        for (key,) in self._store.execute(
            "select key from index_entries where index_id = ? group by key having count(*) > 1",
            (index.index_id,),
        ):
            rows = self._store.execute(
                "select document_id from index_entries where index_id = ? and key = ? limit 2",
                (index.index_id, key),
            )
            first = self._store.current(index.table_id, rows[0][0])
            assert first is not None and first.data is not None
            if not key_is_partial(first.data, index.paths):
                raise _violation(index, self._table_name(index), first.data, rows[1][0])

    def _violation(self, index: IndexInfo, change: Change, other: bytes) -> UniqueViolationError:
        assert change.data is not None
        return _violation(index, self._table_name(index), change.data, other)

    def _table_name(self, index: IndexInfo) -> str:
        return self._store.catalog.tables[index.table_id].name


def _transaction_size(request: Request) -> int:
    """No less than the request's transaction entry takes in a block."""
    texts = sum(4 * len(text) + 8 for text, _ in request.statements)
    return _TRANSACTION_SIZE + texts + 600 * len(request.labels)


def _net_change(history: Sequence[Change]) -> Change | None:
    """What several changes to one document come to; None if to nothing.

    The first says what was there before the transaction, the last what is there after it.
    """
    first, last = history[0], history[-1]
    if len(history) == 1:
        return first
    if first.operation is Operation.INSERT:
        if last.operation is Operation.DELETE:
            return None
        first.payload, first.data = last.payload, last.data
        return first
    assert first.current is not None
    return Change(
        table_id=first.table_id,
        document_id=first.document_id,
        operation=last.operation,
        version=first.current.version + 1,
        payload=last.payload,
        data=last.data,
        current=first.current,
    )


def _violation(
    index: IndexInfo, table: str, data: dict[str, Value], other: bytes
) -> UniqueViolationError:
    key = ", ".join(f"{'.'.join(path)} = {value_at(data, path)!r}"[:200] for path in index.paths)
    return UniqueViolationError(index=index.name, table=table, key=key, document_id=id_text(other))


def _never() -> None:
    """Statements of the commit path are bounded by `rows_max`, not by time."""
