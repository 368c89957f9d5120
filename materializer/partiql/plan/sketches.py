"""Plans as short texts, for the rules' examples and tests.

The query's tables are `t` and `u`; their indexes are given as lists of dotted paths with commas.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from materializer.partiql import logical, syntax
from materializer.partiql.logical import Plan
from materializer.partiql.parser import parse
from materializer.partiql.resolve import CatalogNames, resolve
from materializer.partiql.view import Index, Table


class _Tables:
    """A catalog of the tables `t` and `u`."""

    def __init__(self, indexes: Sequence[str]) -> None:
        self.tables: Mapping[str, Table] = {
            name: Table(id=name, name=name, indexes=tuple(_index(name, text) for text in indexes))
            for name in ("t", "u")
        }


def _index(table: str, text: str) -> Index:
    unique = text.startswith("unique ")
    names = text.removeprefix("unique ")
    paths = tuple(tuple(path.split(".")) for path in names.split(","))
    return Index(id=names, name=names, table_id=table, paths=paths, unique=unique, active=True)


def sketch(text: str, *rules: Callable[[Plan], Plan], indexes: Sequence[str] = ()) -> str:
    """The operators of a statement's plan after some rules, one a line, indented by depth."""
    plan, _ = resolve(parse(text), CatalogNames(_Tables(indexes)))
    for rule in rules:
        plan = rule(plan)
    if isinstance(plan, logical.UpdatePlan | logical.DeletePlan):
        source: Any = plan.source
    else:
        assert isinstance(plan, logical.QueryPlan)
        source = plan.query.source if isinstance(plan.query, logical.Block) else plan.query
        if isinstance(plan.query, logical.Block) and plan.query.order:
            return "\n".join(["sort", *_lines(source, 1)])
    return "\n".join(_lines(source, 0))


def _lines(node: Any, depth: int) -> Iterator[str]:
    label, children = _line(node)
    yield "  " * depth + label
    for child in children:
        yield from _lines(child, depth + 1)


def _line(node: Any) -> tuple[str, tuple[Any, ...]]:
    match node:
        case logical.Filter():
            return f"filter {formatted(node.condition)}", (node.source,)
        case logical.Joined():
            on = "" if node.condition is None else f" on {formatted(node.condition)}"
            return f"join {node.kind}{on}", (node.left, node.right)
        case logical.HashJoined():
            pairs = zip(node.left_keys, node.right_keys, strict=True)
            on = ", ".join(f"{formatted(a)} = {formatted(b)}" for a, b in pairs)
            return f"hash join {node.kind} on {on}", (node.left, node.right)
        case logical.OrderedSearch():
            way = " descending" if node.key.descending else ""
            return f"in order{way}", (node.search,)
        case logical.Grouped():
            return "group", (node.source,)
        case logical.Let():
            return "let", (node.source,)
        case _:
            return _source(node), ()


def _source(node: Any) -> str:
    match node:
        case logical.Scan():
            return f"scan {node.table.name}"
        case logical.DocumentLookup():
            return f"document lookup {node.scan.table.name}"
        case logical.IndexSearch():
            return f"search {node.scan.table.name} ({_uses(node)})"
        case logical.HistoryScan():
            of = "" if node.id is None else f" of {formatted(node.id)}"
            return f"history {node.table.name}{of}"
        case logical.TableCount():
            return f"count {node.table.name}"
        case logical.Iterate():
            return f"iterate {formatted(node.value)}"
        case _:
            return type(node).__name__.lower()


def _uses(node: logical.IndexSearch) -> str:
    names = [".".join(path) for path in node.index.paths]
    parts = [f"{name} =" for name in names[: len(node.equal)]]
    if node.member is not None:
        parts.append(f"{names[len(node.equal)]} in")
    if node.low is not None:
        parts.append(f"{names[len(node.equal)]} {'>=' if node.low.inclusive else '>'}")
    if node.high is not None:
        parts.append(f"{names[len(node.equal)]} {'<=' if node.high.inclusive else '<'}")
    if node.like is not None:
        parts.append(f"{names[len(node.equal)]} like")
    return ", ".join(parts) or "all"


def formatted(node: Any) -> str:
    """An expression as text, near to how it was written."""
    match node:
        case syntax.Constant():
            return repr(node.value)
        case syntax.Parameter():
            return "?"
        case logical.Variable():
            return node.name
        case syntax.Path():
            steps = "".join(
                f".{step.name}" if isinstance(step, syntax.Field) else "[]" for step in node.steps
            )
            return formatted(node.root) + steps
        case syntax.Operation():
            return f"{formatted(node.left)} {node.operator} {formatted(node.right)}"
        case syntax.Junction():
            return f" {node.operator} ".join(formatted(item) for item in node.items)
        case syntax.In():
            return f"{formatted(node.value)} in {formatted(node.collection)}"
        case logical.Nested():
            return "once (...)" if node.shared else "(...)"
        case syntax.Collection():
            return f"[{', '.join(formatted(item) for item in node.items)}]"
        case _:
            return type(node).__name__.lower()
