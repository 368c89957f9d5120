"""A plan as rows, for people: what EXPLAIN gives.

One row for each operator, outermost first; `depth` says what belongs to what. A row with operation
`scan` reads a whole table.
"""

from collections.abc import Iterator
from typing import Any

from journal.values import Value
from materializer.partiql import logical, syntax
from materializer.partiql.trees import children

_Line = tuple[int, str, dict[str, Value]]


def explain(plan: logical.Plan) -> list[dict[str, Value]]:
    """The rows of EXPLAIN: `{step, depth, operation, ...}`."""
    return [
        {"step": step, "depth": depth, "operation": operation, **details}
        for step, (depth, operation, details) in enumerate(_plan(plan), 1)
    ]


def _plan(plan: logical.Plan) -> Iterator[_Line]:
    match plan:
        case logical.QueryPlan():
            yield from _query(plan.query, 0)
        case logical.InsertPlan():
            yield 0, "insert", {"table": plan.table.name}
            yield from _nested(plan.value, 1)
        case logical.UpdatePlan():
            yield 0, "update", {"table": plan.table.name}
            yield from _operator(plan.source, 1)
        case logical.DeletePlan():
            yield 0, "delete", {"table": plan.table.name}
            yield from _operator(plan.source, 1)
        case logical.ExplainPlan():
            yield from _plan(plan.plan)
        case _:
            yield 0, "change of tables or indexes", {}


def _query(query: Any, depth: int) -> Iterator[_Line]:
    if isinstance(query, logical.Combined):
        yield depth, query.operator.lower(), {"all": query.all}
        yield from _nested(query.left, depth + 1)
        yield from _nested(query.right, depth + 1)
        return
    if not isinstance(query, logical.Block):
        yield depth, "expression", {}
        yield from _nested(query, depth + 1)
        return
    if query.limit is not None or query.offset is not None:
        yield depth, "limit", {}
        depth += 1
    if query.distinct:
        yield depth, "distinct", {}
        depth += 1
    if query.order:
        yield depth, "sort", {"keys": len(query.order)}
        depth += 1
    yield depth, "project", {}
    yield from _nested(query.output, depth + 1)
    yield from _operator(query.source, depth + 1)


def _nested(node: syntax.Node, depth: int) -> Iterator[_Line]:
    """The queries inside an expression."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, logical.Nested):
            yield depth, "subquery", {"form": current.form}
            yield from _query(current.query, depth + 1)
        else:
            pending.extend(children(current))


def _operator(node: Any, depth: int) -> Iterator[_Line]:
    """An operator and what is below it."""
    match node:
        case logical.Iterate():
            yield depth, "unpivot" if node.unpivot else "iterate", {}
            yield from _nested(node.value, depth + 1)
        case logical.Joined() | logical.HashJoined():
            way = "hash join" if isinstance(node, logical.HashJoined) else "nested loop join"
            yield depth, way, {"kind": node.kind}
            yield from _operator(node.left, depth + 1)
            yield from _operator(node.right, depth + 1)
        case logical.Filter():
            yield depth, "filter", {}
            yield from _nested(node.condition, depth + 1)
            yield from _operator(node.source, depth + 1)
        case logical.Let():
            yield from _operator(node.source, depth)
        case logical.Grouped():
            yield depth, "group", {"keys": len(node.keys), "aggregates": len(node.aggregations)}
            yield from _operator(node.source, depth + 1)
        case _:
            yield _source(node, depth)


def _source(node: Any, depth: int) -> _Line:
    """An operator that reads."""
    match node:
        case logical.Scan():
            return depth, "scan", {"table": node.table.name, "note": "reads every document"}
        case logical.DocumentLookup():
            return depth, "document lookup", {"table": node.scan.table.name, "many": node.many}
        case logical.IndexSearch():
            return depth, "index search", _search(node)
        case logical.OrderedSearch():
            order = {"order": "descending" if node.key.descending else "ascending"}
            return depth, "index search", {**_search(node.search), **order}
        case logical.HistoryScan():
            whole = {"note": "reads every revision"} if node.id is None else {}
            return depth, "history", {"table": node.table.name, **whole}
        case logical.TableCount():
            return depth, "count", {"table": node.table.name}
        case logical.UserTables():
            return depth, "tables", {}
        case _:
            return depth, "one row", {}


def _search(node: logical.IndexSearch) -> dict[str, Value]:
    paths = [".".join(path) for path in node.index.paths]
    uses = [f"{path} =" for path in paths[: len(node.equal)]]
    rest = paths[len(node.equal) :]
    if node.member is not None:
        uses.append(f"{rest[0]} IN")
    elif node.like is not None:
        uses.append(f"{rest[0]} LIKE")
    elif node.low is not None or node.high is not None:
        uses.append(f"{rest[0]} range")
    return {
        "table": node.scan.table.name,
        "index": node.index.name,
        "unique": node.index.unique,
        "uses": ", ".join(uses) or "its order",
    }
