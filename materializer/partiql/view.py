"""The port between the query engine and whatever holds the documents.

The engine knows no store: it plans against a `Catalog`, reads through a `View`, and answers with rows
and `Effect`s. Whoever calls it applies the effects. Ids are texts here, as users see them.

```
statement + Catalog -> Statement (compiled)      Statement + Context(view, ...) -> rows, effects
```
"""

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from journal.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index of a table. `paths` are field paths, `(("address", "city"), ("name",))`."""

    id: str
    name: str
    table_id: str
    paths: tuple[tuple[str, ...], ...]
    unique: bool
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is there (not dropped)."""

    id: str
    name: str
    indexes: tuple[Index, ...]


class Catalog(Protocol):
    """The tables as of some block. Immutable: another catalog is another object."""

    @property
    def tables(self) -> Mapping[str, Table]:
        """Active tables by name."""


class Document(Protocol):
    """One revision of a document, read from the view; its parts are decoded when asked for."""

    @property
    def id(self) -> str:
        """Document id, 22 characters."""

    @property
    def data(self) -> dict[str, Value] | None:
        """The document's fields; None for the revision of a DELETE. Treat as read-only."""

    @property
    def committed(self) -> dict[str, Value]:
        """`{blockAddress: {strandId, sequenceNo}, hash, data, metadata: {id, version, txTime, txId}}`.

        A revision that the open transaction itself made has no blockAddress and no hash yet; the
        revision of a DELETE has no data.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """The part of an index to read: first keys fixed, then at most one bound pair.

    Attributes:
        equal: Values of the first key parts.
        low, high: Bounds on the next key part, as (value, inclusive), or None for open. Both are of
            one comparable kind (numbers, strings, timestamps ...): a range never leaves that kind.
        descending: Read from the high end.
    """

    equal: tuple[Value, ...] = ()
    low: tuple[Value, bool] | None = None
    high: tuple[Value, bool] | None = None
    descending: bool = False


class View(Protocol):
    """A read view: everything read from one of it is of one moment."""

    @property
    def catalog(self) -> Catalog:
        """The tables as of this view."""

    def get(self, table: Table, document_id: str) -> Document | None:
        """The current revision, or None (also for a text that is no id)."""

    def scan(self, table: Table) -> Iterator[Document]:
        """Current revisions, in order of document id (about order of insertion)."""

    def count(self, table: Table) -> int:
        """How many documents the table has; decodes nothing."""

    def search(self, index: Index, keys: KeyRange) -> Iterator[Document]:
        """Current revisions whose keys are in the range, in key order.

        Null and MISSING are keys of their own (`equal=(None,)`, `equal=(MISSING,)`). Numbers equal by
        value are one key; timestamps are one key if they are one instant.
        """

    def history(
        self, table: Table, document_id: str | None, start: Value, end: Value
    ) -> Iterator[Document]:
        """All revisions, of one document or of all, oldest first per document.

        `start` and `end` are timestamps or None: revisions that were current at some moment in
        [start, end].
        """

    def user_tables(self) -> Iterator[Mapping[str, Value]]:
        """Rows of information_schema.user_tables: `{tableId, name, indexes: [...], status}`."""


class Insert(NamedTuple):
    """Add a document."""

    table: Table
    document_id: str
    data: dict[str, Value]


class Update(NamedTuple):
    """Replace the fields of `document`, which was read from the view."""

    table: Table
    document: Document
    data: dict[str, Value]


class Delete(NamedTuple):
    """Delete `document`, which was read from the view."""

    table: Table
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """Make a table; the engine has checked that the name is free."""

    name: str
    table_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    """Drop a table and its indexes; its history stays."""

    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIndex:
    """Make an index, filled from the documents that are there."""

    table: Table
    index_id: str
    name: str
    paths: tuple[tuple[str, ...], ...]
    unique: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIndex:
    """Drop an index."""

    table: Table
    index: Index


Effect = Insert | Update | Delete | CreateTable | DropTable | CreateIndex | DropIndex


class Context(NamedTuple):
    """What a statement runs in: its view and everything that is not in the statement.

    Attributes:
        view: Where documents are read.
        transaction_id: What TXID() gives.
        now: What UTCNOW() gives, with offset; fixed for the whole transaction.
        new_id: A fresh document, table or index id. Called in order of need, so that executing the
            same statements again gives the same ids.
        check: Called now and then while reading; raises when the statement may not go on
            (time limit, cancelled).
        rows_max: Most rows that may be held in memory at once, for sorting and aggregation results;
            beyond it LimitExceededError.
    """

    view: View
    transaction_id: str
    now: datetime.datetime
    new_id: Callable[[], str]
    check: Callable[[], None]
    rows_max: int


class Outcome(NamedTuple):
    """What a statement gives: rows for the client, effects for the store."""

    rows: Sequence[Any]
    effects: Sequence[Effect]


class Executable(Protocol):
    """A statement that is ready to run: compiled from a text, or made without one."""

    @property
    def normalised(self) -> str:
        """The text without any value in it, for the journal."""

    @property
    def reads(self) -> bool:
        """Whether it reads documents."""

    def execute(self, context: Context, parameters: Sequence[Value]) -> Outcome:
        """Run it once.

        Raises:
            LedgerError: It cannot be run with this.
        """
