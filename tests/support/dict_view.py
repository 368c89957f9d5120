"""A view over dicts in memory: what the query engine needs, in as little code as is clear.

Its indexes are searched by looking at every document, in the key order of `materializer.store.keys`.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from journal.values import Value, instant_of
from materializer.partiql import Statement, prepare
from materializer.partiql.view import (
    Context,
    CreateIndex,
    CreateTable,
    Delete,
    DropIndex,
    DropTable,
    Index,
    Insert,
    KeyRange,
    Outcome,
    Table,
    Update,
)
from materializer.store.keys import AFTER, kind_range, part_of, value_at

NOW = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class DictCatalog:
    """Tables by name."""

    tables: Mapping[str, Table]


@dataclass(frozen=True)
class DictDocument:
    """A revision."""

    id: str
    version: int
    data: dict[str, Value] | None
    time: datetime.datetime = NOW

    @property
    def committed(self) -> dict[str, Value]:
        """The committed view's row."""
        row: dict[str, Value] = {
            "blockAddress": {"strandId": "s", "sequenceNo": self.version},
            "hash": f"{self.id}-{self.version}",
        }
        if self.data is not None:
            row["data"] = self.data
        row["metadata"] = {
            "id": self.id, "version": self.version, "txTime": self.time, "txId": "T",
        }  # fmt: skip
        return row


@dataclass
class DictView:
    """Tables of documents, with their history. `reads` counts documents handed out."""

    catalog: DictCatalog = field(default_factory=lambda: DictCatalog({}))
    revisions: dict[str, dict[str, list[DictDocument]]] = field(default_factory=dict)
    reads: int = 0
    counter: int = 0

    def get(self, table: Table, document_id: str) -> DictDocument | None:
        history = self.revisions[table.id].get(document_id)
        if history is None or history[-1].data is None:
            return None
        self.reads += 1
        return history[-1]

    def scan(self, table: Table) -> Iterator[DictDocument]:
        for document in self._current(table):
            self.reads += 1
            yield document

    def count(self, table: Table) -> int:
        return len(self._current(table))

    def search(self, index: Index, keys: KeyRange) -> Iterator[DictDocument]:
        assert index.active
        table = next(t for t in self.catalog.tables.values() if t.id == index.table_id)
        low, high = _bounds(b"".join(map(part_of, keys.equal)), keys)
        found = []
        for document in self._current(table):
            key = b"".join(part_of(value_at(document.data, path)) for path in index.paths)
            if low <= key < high:
                found.append((key, document.id, document))
        for _, _, document in sorted(found, key=lambda each: each[:2], reverse=keys.descending):
            self.reads += 1
            yield document

    def history(
        self, table: Table, document_id: str | None, start: Value, end: Value
    ) -> Iterator[DictDocument]:
        for each, revisions in sorted(self.revisions[table.id].items()):
            if document_id in (None, each):
                yield from _between(revisions, start, end)

    def user_tables(self) -> Iterator[Mapping[str, Value]]:
        for table in self.catalog.tables.values():
            names = [{"indexId": index.id, "name": index.name} for index in table.indexes]
            yield {"tableId": table.id, "name": table.name, "indexes": names, "status": "ACTIVE"}

    def _current(self, table: Table) -> list[DictDocument]:
        documents = (revisions[-1] for revisions in self.revisions[table.id].values())
        return [document for document in documents if document.data is not None]

    # Changes

    def new_id(self) -> str:
        self.counter += 1
        return f"{self.counter:022d}"

    def execute(self, text: str, *parameters: Value) -> list[Any]:
        """Run a statement and apply its effects; its rows."""
        outcome = self.run(text, *parameters)
        self.apply(outcome)
        return list(outcome.rows)

    def run(self, text: str, *parameters: Value, rows_max: int = 100_000) -> Outcome:
        """Run a statement and apply nothing."""
        return self.prepare(text).execute(self.context(rows_max=rows_max), parameters)

    def prepare(self, text: str) -> Statement:
        return prepare(text, self.catalog)

    def context(
        self, *, rows_max: int = 100_000, check: Callable[[], None] = lambda: None
    ) -> Context:
        return Context(
            view=self,
            transaction_id="T",
            now=NOW,
            new_id=self.new_id,
            check=check,
            rows_max=rows_max,
        )

    def apply(self, outcome: Outcome) -> None:
        for effect in outcome.effects:
            match effect:
                case Insert():
                    revision = DictDocument(effect.document_id, 0, effect.data)
                    self.revisions[effect.table.id][effect.document_id] = [revision]
                case Update() | Delete():
                    history = self.revisions[effect.table.id][effect.document.id]
                    data = effect.data if isinstance(effect, Update) else None
                    history.append(DictDocument(effect.document.id, history[-1].version + 1, data))
                case CreateTable():
                    self._set_table(Table(id=effect.table_id, name=effect.name, indexes=()))
                    self.revisions[effect.table_id] = {}
                case DropTable():
                    tables = dict(self.catalog.tables)
                    del tables[effect.table.name]
                    self.catalog = DictCatalog(tables)
                case CreateIndex():
                    index = Index(
                        id=effect.index_id, name=effect.name, table_id=effect.table.id,
                        paths=effect.paths, unique=effect.unique, active=True,
                    )  # fmt: skip
                    table = self.catalog.tables[effect.table.name]
                    self._set_table(replace(table, indexes=(*table.indexes, index)))
                case DropIndex():
                    table = self.catalog.tables[effect.table.name]
                    kept = tuple(each for each in table.indexes if each.id != effect.index.id)
                    self._set_table(replace(table, indexes=kept))

    def _set_table(self, table: Table) -> None:
        self.catalog = DictCatalog({**self.catalog.tables, table.name: table})


def a_view(**tables: Sequence[dict[str, Value]]) -> DictView:
    """A view with these tables and documents."""
    view = DictView()
    for name, documents in tables.items():
        view.execute(f'CREATE TABLE "{name}"')
        if documents:
            view.execute(f'INSERT INTO "{name}" ?', list(documents))
    view.reads = 0
    return view


def _between(revisions: list[DictDocument], start: Value, end: Value) -> Iterator[DictDocument]:
    for position, revision in enumerate(revisions):
        later = revisions[position + 1] if position + 1 < len(revisions) else None
        if end is not None and instant_of(revision.time) > instant_of(end):
            continue
        if start is not None and later is not None and instant_of(later.time) <= instant_of(start):
            continue
        yield revision


def _bounds(prefix: bytes, keys: KeyRange) -> tuple[bytes, bytes]:
    low, high = prefix, prefix + AFTER
    if keys.low is not None:
        part = part_of(keys.low[0])
        low = prefix + part if keys.low[1] else prefix + part + AFTER
        high = high if keys.high is not None else prefix + kind_range(part)[1]
    if keys.high is not None:
        part = part_of(keys.high[0])
        high = prefix + part + AFTER if keys.high[1] else prefix + part
        low = low if keys.low is not None else prefix + kind_range(part)[0]
    return low, high
