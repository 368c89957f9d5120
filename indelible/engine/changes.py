"""From the effects of statements to revisions without a position. Reads the store, writes nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from indelible.engine.limits import Limits, bound
from journal import document
from journal.ambient import Entropy
from journal.block import payload_of
from journal.catalog import (
    DROPPED,
    INDEXES_TABLE_ID,
    TABLES_TABLE_ID,
    IndexInfo,
    index_document,
    table_document,
)
from journal.codec import Operation
from journal.errors import InvalidDocumentError
from journal.ids import id_text
from journal.values import Value
from materializer.apply import Keys
from materializer.partiql.view import (
    CreateIndex,
    CreateTable,
    Delete,
    DropIndex,
    DropTable,
    Effect,
    Insert,
    Update,
)
from materializer.store.documents import StoredDocument
from materializer.store.store import Store


@dataclass(slots=True, kw_only=True)
class Change:
    """One revision before it has a position. `payload` is empty and `data` None for a DELETE.

    `current` is the document's revision before it; None for an INSERT. `keys` are its index keys, set
    when the change is about to be written.
    """

    table_id: bytes
    document_id: bytes
    operation: Operation
    version: int
    payload: bytes
    data: dict[str, Value] | None
    current: StoredDocument | None
    keys: Keys = ()


class ChangeMaker:
    """Turns effects into changes for one transaction.

    Args:
        store: For the catalog and its documents.
        limits, entropy: Bounds on documents, and salt for their payloads.
        bytes_of: The 16 bytes of an id text.
    """

    def __init__(
        self, store: Store, limits: Limits, entropy: Entropy, bytes_of: Callable[[str], bytes]
    ) -> None:
        self._store, self._limits, self._entropy = store, limits, entropy
        self._bytes_of = bytes_of

    def changes_of(self, effect: Effect) -> list[Change]:
        """The revisions that an effect comes to, in the order in which they must be applied.

        Raises:
            InvalidDocumentError: The document cannot be stored.
            LimitExceededError: It is too large, or there are too many tables or indexes.
        """
        match effect:
            case Insert():
                table_id = self._bytes_of(effect.table.id)
                return [self._insert(table_id, self._bytes_of(effect.document_id), effect.data)]
            case Update():
                table_id = self._bytes_of(effect.table.id)
                return [self._replace(table_id, effect.document, effect.data)]
            case Delete():
                return [self._replace(self._bytes_of(effect.table.id), effect.document, None)]
            case CreateTable():
                return [self._create_table(effect)]
            case DropTable():
                return self._drop_table(effect)
            case CreateIndex():
                return [self._create_index(effect)]
            case DropIndex():
                index_id = self._bytes_of(effect.index.id)
                return [self._replace_system(INDEXES_TABLE_ID, index_id, None)]

    def _insert(self, table_id: bytes, document_id: bytes, data: Any) -> Change:
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

    def _replace(self, table_id: bytes, current: Any, data: Any) -> Change:
        """An UPDATE to `data`, or a DELETE where that is None."""
        assert isinstance(current, StoredDocument)
        payload, value = (b"", None) if data is None else self._payload(data)
        return Change(
            table_id=table_id,
            document_id=current.document_id,
            operation=Operation.DELETE if data is None else Operation.UPDATE,
            version=current.version + 1,
            payload=payload,
            data=value,
            current=current,
        )

    def _replace_system(self, table_id: bytes, document_id: bytes, data: Any) -> Change:
        return self._replace(table_id, self._store.current(table_id, document_id), data)

    def _payload(self, data: Any) -> tuple[bytes, dict[str, Value]]:
        stored, value = document.canonical(data)
        if type(value) is not dict:
            raise InvalidDocumentError(f"a document is a struct, not a {type(data).__name__}")
        bound("document_size_max", len(stored), self._limits.document_size_max)
        return payload_of(stored, self._entropy), value

    def _create_table(self, effect: CreateTable) -> Change:
        count = sum(not table.dropped for table in self._store.catalog.tables.values())
        bound("tables_max", count + 1, self._limits.tables_max)
        table_id = self._bytes_of(effect.table_id)
        return self._insert(TABLES_TABLE_ID, table_id, table_document(effect.name))

    def _drop_table(self, effect: DropTable) -> list[Change]:
        """First the indexes, then the table: an index never belongs to a dropped table."""
        table_id = self._bytes_of(effect.table.id)
        indexes = [
            self._replace_system(INDEXES_TABLE_ID, index.index_id, None)
            for index in self._store.catalog.indexes_of(table_id)
        ]
        document_ = table_document(effect.table.name, DROPPED)
        return [*indexes, self._replace_system(TABLES_TABLE_ID, table_id, document_)]

    def _create_index(self, effect: CreateIndex) -> Change:
        table_id = self._bytes_of(effect.table.id)
        count = len(self._store.catalog.indexes_of(table_id))
        bound("indexes_per_table_max", count + 1, self._limits.indexes_per_table_max)
        index = IndexInfo(
            index_id=self._bytes_of(effect.index_id),
            name=effect.name or id_text(self._bytes_of(effect.index_id)),
            table_id=table_id,
            paths=effect.paths,
            unique=effect.unique,
        )
        return self._insert(INDEXES_TABLE_ID, index.index_id, index_document(index))


def net_changes(histories: Iterable[Sequence[Change]]) -> list[Change]:
    """One change for each document, in order of first touch, from all that was done to it.

    A table that was made and dropped again was never there, and neither were its documents.
    """
    found = [change for history in histories if (change := _net_change(history)) is not None]
    gone = {
        change.document_id
        for change in found
        if change.table_id == TABLES_TABLE_ID
        and change.operation is Operation.INSERT
        and change.data is not None
        and change.data["status"] == DROPPED
    }
    return [
        change
        for change in found
        if change.table_id not in gone
        and not (change.table_id == TABLES_TABLE_ID and change.document_id in gone)
    ]


def _net_change(history: Sequence[Change]) -> Change | None:
    """What several changes to one document come to; None if to nothing.

    The first says what was there before the transaction, the last what is there after it.
    """
    first, last = history[0], history[-1]
    if len(history) == 1:
        return first
    if first.operation is Operation.INSERT and last.operation is Operation.DELETE:
        return None
    inserted = first.operation is Operation.INSERT
    return Change(
        table_id=first.table_id,
        document_id=first.document_id,
        operation=Operation.INSERT if inserted else last.operation,
        version=first.version,
        payload=last.payload,
        data=last.data,
        current=first.current,
    )
