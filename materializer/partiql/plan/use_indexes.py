"""Conditions on indexed fields are answered by the index."""

from typing import Any, NamedTuple

from materializer.partiql import logical, syntax
from materializer.partiql.logical import Bound, IndexSearch, Plan
from materializer.partiql.plan.conditions import Comparison, comparisons, conjuncts
from materializer.partiql.slots import slots_set
from materializer.partiql.syntax import Expression
from materializer.partiql.trees import rebuild
from materializer.partiql.view import Index


def use_indexes(plan: Plan) -> Plan:
    """Turn scans under conditions into searches of the index that narrows them most.

    An index serves equalities on its first parts, and then one IN, one range or one LIKE. In the
    committed view `data.name` is what `name` is in the table.

    >>> from materializer.partiql.plan.sketches import sketch
    >>> print(sketch("SELECT * FROM t WHERE x = 1 AND z > 0", use_indexes, indexes=["x"]))
    filter t.x = 1 AND t.z > 0
      search t (x =)
    """
    improved: Plan = _indexed(plan)
    return improved


def _indexed(node: Any) -> Any:
    node = rebuild(node, _indexed)
    if isinstance(node, logical.Filter) and isinstance(node.source, logical.Scan):
        search = _best_search(node.source, node.condition)
        return node if search is None else logical.Filter(search, node.condition)
    return node


class _Use(NamedTuple):
    """A search and how much it promises; the greater rank wins."""

    rank: tuple[int, int, int, int]
    search: IndexSearch


def _best_search(scan: logical.Scan, condition: Expression) -> IndexSearch | None:
    bound = slots_set(scan)
    known: dict[tuple[str, ...], list[Comparison]] = {}
    for part in conjuncts(condition):
        for comparison in comparisons(part, scan.variable, bound):
            known.setdefault(_index_path(scan, comparison.path), []).append(comparison)
    uses = [_use(scan, index, known) for index in scan.table.indexes if index.active]
    best = max((use for use in uses if use is not None), key=lambda use: use.rank, default=None)
    return None if best is None else best.search


def _index_path(scan: logical.Scan, path: tuple[str, ...]) -> tuple[str, ...]:
    """The path in the document; in the committed view only what is under `data` has one."""
    if not scan.committed:
        return path
    return path[1:] if path[0] == "data" else ()


def _use(
    scan: logical.Scan, index: Index, known: dict[tuple[str, ...], list[Comparison]]
) -> _Use | None:
    equal: list[Expression] = []
    for path in index.paths:
        value = _value_of(known.get(path, ()), "=")
        if value is None:
            break
        equal.append(value)
    complete = len(equal) == len(index.paths)
    rest = () if complete else known.get(index.paths[len(equal)], ())
    member = _value_of(rest, "IN")
    low, high = _low(rest), _high(rest)
    like = _value_of(rest, "LIKE")
    ends = (low is not None) + (high is not None)
    if not equal and member is None and like is None and not ends:
        return None
    rank = (complete and index.unique, len(equal), 3 if member is not None else 0, ends)
    search = IndexSearch(scan, index, tuple(equal))
    if member is not None:
        search = IndexSearch(scan, index, tuple(equal), member)
    elif ends:
        search = IndexSearch(scan, index, tuple(equal), None, low, high)
    elif isinstance(like, syntax.Like):
        rank = (*rank[:3], 1)
        search = IndexSearch(scan, index, tuple(equal), like=like.pattern, escape=like.escape)
    return _Use(rank, search)


def _value_of(found: Any, operator: str) -> Expression | None:
    return next((each.value for each in found if each.operator == operator), None)


def _low(found: Any) -> Bound | None:
    return next(
        (Bound(c.value, c.operator == ">=") for c in found if c.operator in (">", ">=")), None
    )


def _high(found: Any) -> Bound | None:
    return next(
        (Bound(c.value, c.operator == "<=") for c in found if c.operator in ("<", "<=")), None
    )
