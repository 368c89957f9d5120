"""Whole statements: rows and effects.

Nothing here changes anything: effects are only described, and whoever executes the statement applies
them. All documents are read before the first effect is, so a statement never sees its own changes.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from journal.errors import QueryTypeError
from journal.values import MISSING, Value
from materializer.partiql import logical
from materializer.partiql.compile.edits import edit, exactly_same
from materializer.partiql.compile.frames import Compiler, Frame, Rows, hold
from materializer.partiql.compile.storable import storable
from materializer.partiql.explain import explain
from materializer.partiql.logical import CONTEXT
from materializer.partiql.operators.kinds import kind_of
from materializer.partiql.view import (
    CreateIndex,
    CreateTable,
    Delete,
    DropIndex,
    DropTable,
    Effect,
    Insert,
    Outcome,
    Update,
)

Execute = Callable[[Frame], Outcome]


def query_rows(compiler: Compiler, plan: logical.QueryPlan) -> Rows:
    """The rows of a query; an expression is one row, or the elements of a list or bag."""
    query = plan.query
    if isinstance(query, logical.Block) and query.pivot is None:
        return compiler.rows(query)
    if isinstance(query, logical.Combined):
        return compiler.rows(query)
    if isinstance(query, logical.Block):
        struct = compiler.result(query)
        return lambda frame: iter([struct(frame)])
    code = compiler.expression(query)

    def rows(frame: Frame) -> Iterator[Value]:
        value = code(frame)
        if isinstance(value, list):
            yield from value
        elif value is not MISSING:
            yield value

    return rows


def insert(compiler: Compiler, plan: logical.InsertPlan) -> Execute:
    """INSERT."""
    value, table, single = storable(compiler, plan.value), plan.table, plan.single

    def execute(frame: Frame) -> Outcome:
        given, new_id = value(frame), frame[CONTEXT].new_id
        if type(given) is dict:
            document_id = new_id()
            effect = Insert(table=table, document_id=document_id, data=given)
            return Outcome(rows=[{"documentId": document_id}], effects=[effect])
        effects = []
        for document in _documents(given, single):
            effects.append(Insert(table=table, document_id=new_id(), data=document))
            hold(frame, len(effects))
        rows = [{"documentId": effect.document_id} for effect in effects]
        return Outcome(rows=rows, effects=effects)

    return execute


def _documents(given: Value, single: bool) -> Iterable[dict[str, Value]]:
    """The documents to insert.

    Raises:
        QueryTypeError: Something among them is no struct.
    """
    documents = given if isinstance(given, list) and not single else [given]
    for document in documents:
        yield _checked(document)


def _checked(document: Value) -> dict[str, Value]:
    if type(document) is dict:
        return document
    raise QueryTypeError(f"a document is a struct, this is {kind_of(document)}")


class _Touched:
    """A document that the statement changes, and what it has become so far."""

    __slots__ = ("before", "data", "document")

    def __init__(self, document: Any, data: Any) -> None:
        self.document, self.before, self.data = document, data, data


def update(compiler: Compiler, plan: logical.UpdatePlan) -> Execute:
    """UPDATE: one row for each document found, one effect for each that really changes."""
    source, table = compiler.bindings(plan.source), plan.table
    edits = [edit(compiler, each) for each in plan.edits]
    document_slot, variable = plan.document, plan.variable

    def execute(frame: Frame) -> Outcome:
        touched: dict[str, _Touched] = {}
        for _ in source(frame):
            document = frame[document_slot]
            if document is None:
                continue
            entry = touched.get(document.id)
            if entry is None:
                entry = touched[document.id] = _Touched(document, frame[variable])
                hold(frame, len(touched))
            for apply in edits:
                frame[variable] = entry.data
                entry.data = apply(frame, entry.data)
            frame[variable] = entry.data
        return _update_outcome(table, touched)

    return execute


def _update_outcome(table: Any, touched: dict[str, _Touched]) -> Outcome:
    effects: list[Effect] = []
    for entry in touched.values():
        data = _checked(entry.data)
        if not exactly_same(entry.before, data):
            effects.append(Update(table=table, document=entry.document, data=data))
    return Outcome(rows=[{"documentId": each} for each in touched], effects=effects)


def delete(compiler: Compiler, plan: logical.DeletePlan) -> Execute:
    """DELETE."""
    source, table, slot = compiler.bindings(plan.source), plan.table, plan.document

    def execute(frame: Frame) -> Outcome:
        found: dict[str, Any] = {}
        for _ in source(frame):
            found.setdefault(frame[slot].id, frame[slot])
            hold(frame, len(found))
        effects = [Delete(table=table, document=document) for document in found.values()]
        return Outcome(rows=[{"documentId": each} for each in found], effects=effects)

    return execute


_NOTHING: Final = Outcome(rows=(), effects=())


def create_table(_compiler: Compiler, plan: logical.CreateTablePlan) -> Execute:
    """CREATE TABLE."""
    name = plan.name

    def execute(frame: Frame) -> Outcome:
        if name is None:
            return _NOTHING
        table_id = frame[CONTEXT].new_id()
        effect = CreateTable(name=name, table_id=table_id)
        return Outcome(rows=[{"tableId": table_id}], effects=[effect])

    return execute


def drop_table(_compiler: Compiler, plan: logical.DropTablePlan) -> Execute:
    """DROP TABLE."""
    table = plan.table

    def execute(_frame: Frame) -> Outcome:
        if table is None:
            return _NOTHING
        return Outcome(rows=[{"tableId": table.id}], effects=[DropTable(table=table)])

    return execute


def create_index(_compiler: Compiler, plan: logical.CreateIndexPlan) -> Execute:
    """CREATE INDEX."""
    name = plan.name

    def execute(frame: Frame) -> Outcome:
        if name is None:
            return _NOTHING
        index_id = frame[CONTEXT].new_id()
        effect = CreateIndex(
            table=plan.table, index_id=index_id, name=name, paths=plan.paths, unique=plan.unique
        )
        return Outcome(rows=[{"indexId": index_id}], effects=[effect])

    return execute


def drop_index(_compiler: Compiler, plan: logical.DropIndexPlan) -> Execute:
    """DROP INDEX."""
    index = plan.index

    def execute(_frame: Frame) -> Outcome:
        if index is None:
            return _NOTHING
        effect = DropIndex(table=plan.table, index=index)
        return Outcome(rows=[{"indexId": index.id}], effects=[effect])

    return execute


def explained(_compiler: Compiler, plan: logical.ExplainPlan) -> Execute:
    """EXPLAIN."""
    rows = explain(plan.plan)
    return lambda _frame: Outcome(rows=[dict(row) for row in rows], effects=())


STATEMENTS: Final[dict[type, tuple[str, Any]]] = {
    logical.InsertPlan: ("dml", insert),
    logical.UpdatePlan: ("dml", update),
    logical.DeletePlan: ("dml", delete),
    logical.CreateTablePlan: ("ddl", create_table),
    logical.DropTablePlan: ("ddl", drop_table),
    logical.CreateIndexPlan: ("ddl", create_index),
    logical.DropIndexPlan: ("ddl", drop_index),
    logical.ExplainPlan: ("explain", explained),
}
