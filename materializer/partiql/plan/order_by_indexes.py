"""Rows that an index gives in the wanted order are not sorted."""

from dataclasses import replace
from typing import Any

from materializer.partiql import logical
from materializer.partiql.logical import Block, IndexSearch, OrderedSearch, Plan
from materializer.partiql.plan.conditions import field_path
from materializer.partiql.trees import rebuild


def order_by_indexes(plan: Plan) -> Plan:
    """Replace ORDER BY one field by a search that goes through an index in that order.

    The index has the field first, or next after the equalities it already serves. Without a LIMIT a
    filtered scan is left as it is: sorting what passes is cheaper than fetching all in order.

    >>> from materializer.partiql.plan.sketches import sketch
    >>> print(sketch("SELECT * FROM t ORDER BY x DESC LIMIT 5", order_by_indexes, indexes=["x"]))
    in order descending
      search t (all)
    """
    improved: Plan = _ordered(plan)
    return improved


def _ordered(node: Any) -> Any:
    node = rebuild(node, _ordered)
    if not isinstance(node, Block) or len(node.order) != 1 or node.pivot is not None:
        return node
    key = node.order[0]
    source = _with_order(node.source, key, cut=node.limit is not None)
    return node if source is None else replace(node, source=source, order=())


def _with_order(source: Any, key: logical.SortKey, *, cut: bool) -> Any:
    """The operator in order, or None where no index can give it."""
    if isinstance(source, logical.Filter):
        if not cut and isinstance(source.source, logical.Scan):
            return None
        inner = _with_order(source.source, key, cut=cut)
        return None if inner is None else replace(source, source=inner)
    if isinstance(source, logical.Scan):
        return _over_scan(source, key)
    if isinstance(source, IndexSearch) and source.member is None and source.like is None:
        return OrderedSearch(source, key) if _next_path(source) == _path(source.scan, key) else None
    return None


def _over_scan(scan: logical.Scan, key: logical.SortKey) -> OrderedSearch | None:
    path = _path(scan, key)
    for index in scan.table.indexes:
        if index.active and index.paths[0] == path:
            return OrderedSearch(IndexSearch(scan, index, ()), key)
    return None


def _next_path(search: IndexSearch) -> tuple[str, ...] | None:
    rest = search.index.paths[len(search.equal) :]
    return rest[0] if rest else None


def _path(scan: logical.Scan, key: logical.SortKey) -> tuple[str, ...] | None:
    path = field_path(key.value, scan.variable)
    if path is None or not scan.committed:
        return path
    return path[1:] if path[0] == "data" and len(path) > 1 else ()
