"""The block being built: transactions executed one after another straight on the state store.

```
statement --execute (pure)--> effects --> changes --> entries of the block
                                             +------> rows of the store (materializer.apply)
```

There is no overlay (ADR 3): the store's own open transaction is where later statements, and later
transactions of the same block, see earlier writes. A transaction that may have to be taken back runs
under a savepoint; one with a single change needs none, since all that can fail is tried before it writes.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

from indelible.engine.changes import Change, ChangeMaker, net_changes
from indelible.engine.limits import Limits, bound
from indelible.engine.requests import Answer, Request
from indelible.engine.uniqueness import refuse_duplicate_before, refuse_duplicates_after
from journal.ambient import Entropy
from journal.block import BLOCK_SIZE_MAX, Block, build_block, revision_entry, transaction_entry
from journal.catalog import SYSTEM_TABLE_IDS
from journal.codec import Entry, EntryBody, TransactionEntry, decode_body
from journal.errors import ConflictError, LimitExceededError
from journal.ids import derived_id, id_text, parse_id
from materializer.apply import Writes
from materializer.partiql import normalise
from materializer.partiql.view import Catalog, Context, Effect, Executable
from materializer.store.documents import address_of, document_id_of, moment_of, position_of
from materializer.store.store import Store
from materializer.store.view import StoreView

_ENVELOPE_SIZE: Final = 1024
"""More than header, marker and counts of a block take."""
_REVISION_SIZE: Final = 128
"""More than a revision takes beside its payload."""
_TRANSACTION_SIZE: Final = 512
"""More than a transaction's entry takes beside statements and labels."""


class Statements(Protocol):
    """Where the statement of a text comes from."""

    def get(self, text: str, catalog: Catalog) -> Executable:
        """The statement, ready to run on the tables of `catalog`.

        Raises:
            InputError: There is none of this text.
        """


class BlockFullError(Exception):
    """The transaction does not fit beside those already in the block; it begins the next one."""


class OpenBlock:
    """A block that grows by whole transactions, inside an open transaction of the store.

    Attributes:
        size: Bytes that the block has so far, or a little less than this.
        new_ids: Ids made for its transactions, by their texts.
        changes: Turns effects into changes.
    """

    def __init__(
        self,
        store: Store,
        statements: Statements,
        limits: Limits,
        *,
        timestamp: int,
        entropy: Entropy,
        monotonic: Callable[[], float],
    ) -> None:
        """Begin the block on top of the store's tip, stamped `timestamp` (UTC microseconds)."""
        assert store.tip is not None
        self.size = _ENVELOPE_SIZE
        self.store, self.statements, self.limits = store, statements, limits
        self.entropy, self.timestamp, self.monotonic = entropy, timestamp, monotonic
        self.now = moment_of(timestamp)
        self.sequence_number = store.tip.sequence_number + 1
        self.writes = Writes(store)
        self.new_ids: dict[str, bytes] = {}
        self.changes = ChangeMaker(store, limits, entropy, self._bytes_of)
        self._tip = store.tip
        self._entries: list[Entry] = []
        self._contents: list[EntryBody] = []
        self._view = store.view((self.sequence_number, timestamp))

    @property
    def empty(self) -> bool:
        """Whether no transaction changed anything."""
        return not self._entries

    @property
    def view(self) -> StoreView:
        """What the next statement reads, with the catalog as it is by now."""
        if self._view.catalog is not self.store.view_catalog():
            self._view = self.store.view((self.sequence_number, self.timestamp))
        return self._view

    @property
    def next_position(self) -> int:
        """Where the next transaction's entry stands."""
        return position_of(self.sequence_number, len(self._entries))

    def add(self, request: Request) -> Answer:
        """Execute a request; its effects are in the store and in the block when this returns.

        Raises:
            BlockFullError: Try it in the next block; nothing of it is left in this one.
            StoreUnavailableError: The store cannot be written; the whole block is lost.
            LedgerError: The request fails, alone; nothing of it is left.
        """
        if not request.fresh and (answer := self._earlier(request)) is not None:
            return answer
        return _Execution(self, request).run()

    def extend(self, entries: Sequence[Entry], contents: Sequence[EntryBody], size: int) -> None:
        """Add the entries of a transaction that was applied to the store."""
        self._entries += entries
        self._contents += contents
        self.size += size

    def build(self, writer: str) -> Block:
        """The block of everything added; all of it is in the store when this returns.

        Raises:
            StoreUnavailableError: The store cannot be written; the whole block is lost.
        """
        self.writes.flush()
        return build_block(
            strand_id=self._tip.strand_id,
            sequence_number=self.sequence_number,
            previous_block_hash=self._tip.block_hash,
            timestamp=self.timestamp,
            writer=writer,
            entries=self._entries,
            contents=self._contents,
        )

    def finish(self, block: Block, offset: int) -> None:
        """Record the accepted block in the store; the caller commits."""
        self.writes.finish_block(block, offset)

    def _bytes_of(self, text: str) -> bytes:
        return self.new_ids.get(text) or _known_id(text)

    def _earlier(self, request: Request) -> Answer | None:
        """The answer of the commit that used this request's transaction id, if there is one.

        Raises:
            ConflictError: It was another transaction.
        """
        position = self.writes.transaction_position(request.transaction_id)
        if position is None:
            return None
        self.writes.flush()
        body, _ = self.store.entry(position)
        content = decode_body(body)
        assert isinstance(content, TransactionEntry)
        texts = tuple(normalise(text) for text, _ in request.statements)
        if content.statements != texts or content.principal != request.principal:
            raise ConflictError(
                f"transaction id {request.transaction_text} was used by another transaction",
                hint="an id belongs to one intention: same statements, same principal",
            )
        revisions = range(position + 1, position + 1 + content.revision_count)
        return Answer(
            transaction_id=request.transaction_text,
            sequence_number=address_of(position)[0],
            results=[
                [
                    {"documentId": id_text(document_id_of(self.store.entry(at)[0]))}
                    for at in revisions
                ]
            ],
        )


class _Execution:
    """One request being executed into a block."""

    def __init__(self, block: OpenBlock, request: Request) -> None:
        self._block, self._request = block, request
        self._store, self._writes, self._limits = block.store, block.writes, block.limits
        self._changes = block.changes
        self._position = block.next_position
        self._ids_made = 0
        self._texts: list[str] = []
        self._entries: list[Entry] = []
        self._contents: list[EntryBody] = []
        self._size = self._fixed_size = _transaction_size(request)
        self._savepoint: Any = None
        self._history: dict[tuple[bytes, bytes], list[Change]] = {}
        self._several = len(request.statements) > 1
        self._deadline = block.monotonic() + block.limits.execution_timeout

    def run(self) -> Answer:
        """Execute all statements; what is left of them is in store and block, or nothing is."""
        if self._several:
            self._open_savepoint()
        try:
            results = [self._execute(*statement) for statement in self._request.statements]
            if self._several and any(len(each) > 1 for each in self._history.values()):
                self._apply_net_changes()
            number = self._seal() if self._entries else None
        except BaseException:
            if self._savepoint is not None:
                self._undo()
            raise
        if self._savepoint is not None:
            self._store.release()
        return Answer(
            transaction_id=self._request.transaction_text, sequence_number=number, results=results
        )

    def _execute(self, text: str, parameters: Sequence[Any]) -> Sequence[Any]:
        view = self._block.view
        statement = self._block.statements.get(text, view.catalog)
        self._texts.append(statement.normalised)
        if statement.reads:
            self._writes.flush()
        outcome = statement.execute(self._context(view), parameters)
        if outcome.effects:
            self._apply(outcome.effects)
        return outcome.rows

    def _context(self, view: StoreView) -> Context:
        return Context(
            view=view,
            transaction_id=self._request.transaction_text,
            now=self._block.now,
            new_id=self._new_id,
            check=self._check_time,
            rows_max=self._limits.rows_max,
        )

    def _check_time(self) -> None:
        """Everybody else waits while a transaction executes."""
        if self._block.monotonic() > self._deadline:
            limit = int(self._limits.execution_timeout)
            raise LimitExceededError("execution_timeout", maximum=limit, actual=limit + 1)

    def _new_id(self) -> str:
        value = derived_id(self._request.transaction_id, self._ids_made)
        self._ids_made += 1
        text = id_text(value)
        self._block.new_ids[text] = value
        return text

    def _apply(self, effects: Sequence[Effect]) -> None:
        """Turn the effects of one statement into revisions, in the store and in the block."""
        changes = [change for effect in effects for change in self._changes.changes_of(effect)]
        for change in changes:
            self._size += len(change.payload) + _REVISION_SIZE
            if earlier := self._history.get((change.table_id, change.document_id)):
                self._size -= len(earlier[-1].payload) + _REVISION_SIZE
        self._check_size((len(self._history) if self._several else 0) + len(changes))
        if len(changes) > 1 or changes[0].table_id in SYSTEM_TABLE_IDS:
            self._open_savepoint()
        for change in changes:
            change.keys = self._writes.keys_of(change.table_id, change.data)
        if self._savepoint is None:
            refuse_duplicate_before(self._store, self._writes, changes[0])
        for change in changes:
            if self._several:
                key = (change.table_id, change.document_id)
                self._history.setdefault(key, []).append(change)
            self._write(change)
        if self._savepoint is not None:
            self._writes.flush()
            refuse_duplicates_after(self._store, self._writes, changes)

    def _open_savepoint(self) -> None:
        if self._savepoint is None:
            self._writes.flush()
            self._savepoint = self._store.savepoint()

    def _undo(self) -> None:
        self._writes.clear()
        self._store.undo(self._savepoint)
        self._savepoint = None

    def _check_size(self, revision_count: int) -> None:
        """Refuse what no block can hold; defer what only this one cannot."""
        bound(
            "revisions_per_transaction_max",
            revision_count,
            self._limits.revisions_per_transaction_max,
            hint="split the work into several transactions",
        )
        bound(
            "block_size_max",
            _ENVELOPE_SIZE + self._size,
            min(self._limits.block_size_max, BLOCK_SIZE_MAX),
            hint="split the work into several transactions",
        )
        if self._block.size + self._size > self._limits.block_size_max:
            raise BlockFullError

    def _write(self, change: Change) -> None:
        entry, content = revision_entry(
            self._request.transaction_id,
            change.table_id,
            change.document_id,
            change.version,
            change.operation,
            change.payload,
        )
        position = self._position + 1 + len(self._entries)
        self._writes.revision(position, entry, content, current=change.current, keys=change.keys)
        self._entries.append(entry)
        self._contents.append(content)

    def _apply_net_changes(self) -> None:
        """Start over with one revision for each document, however often it was touched."""
        self._undo()
        self._open_savepoint()
        self._entries, self._contents, self._size = [], [], self._fixed_size
        for change in net_changes(self._history.values()):
            self._size += len(change.payload) + _REVISION_SIZE
            change.keys = self._writes.keys_of(change.table_id, change.data)
            self._write(change)
        self._writes.flush()

    def _seal(self) -> int:
        """Put the transaction's entries into the block; returns the block's sequence number."""
        content = TransactionEntry(
            self._request.transaction_id,
            self._request.principal,
            tuple(self._texts),
            len(self._entries),
            self._request.labels,
        )
        entry = transaction_entry(content)
        self._writes.transaction(self._position, entry, content)
        self._block.extend([entry, *self._entries], [content, *self._contents], self._size)
        return self._block.sequence_number


@lru_cache(maxsize=4096)
def _known_id(text: str) -> bytes:
    """The bytes of an id that comes back often: a table's, an index's."""
    return parse_id(text)


def _transaction_size(request: Request) -> int:
    """No less than the request's transaction entry takes in a block."""
    size = _TRANSACTION_SIZE + 600 * len(request.labels)
    for text, _ in request.statements:
        size += 4 * len(text) + 8
    return size
