"""A document whose id is given is fetched, not searched for."""

from typing import Any

from materializer.partiql import logical, syntax
from materializer.partiql.logical import Plan
from materializer.partiql.plan.conditions import comparisons, conjuncts
from materializer.partiql.slots import slots_set, slots_used
from materializer.partiql.syntax import Expression
from materializer.partiql.trees import rebuild

_COMMITTED_ID = ("metadata", "id")


def use_document_ids(plan: Plan) -> Plan:
    """Turn scans under `id = value` or `id IN values` into look-ups.

    `id` is the variable of BY, or `metadata.id` of the committed view and of history.

    >>> from materializer.partiql.plan.sketches import sketch
    >>> print(sketch("SELECT * FROM t BY d WHERE d = ?", use_document_ids))
    filter d = ?
      document lookup t
    """
    improved: Plan = _looked_up(plan)
    return improved


def _looked_up(node: Any) -> Any:
    node = rebuild(node, _looked_up)
    if not isinstance(node, logical.Filter):
        return node
    source = node.source
    bound = slots_set(source)
    for condition in conjuncts(node.condition):
        if isinstance(source, logical.Scan):
            found = _scan_id(source, condition, bound)
            if found is not None:
                return logical.Filter(logical.DocumentLookup(source, *found), node.condition)
        elif isinstance(source, logical.HistoryScan) and source.id is None:
            for comparison in comparisons(condition, source.variable, bound):
                if comparison.path == _COMMITTED_ID and comparison.operator == "=":
                    return logical.Filter(_history_of(source, comparison.value), node.condition)
    return node


def _scan_id(
    scan: logical.Scan, condition: Expression, bound: set[int]
) -> tuple[Expression, bool] | None:
    """The id, or the collection of ids, that a condition asks for."""
    if scan.committed:
        for comparison in comparisons(condition, scan.variable, bound):
            if comparison.path == _COMMITTED_ID and comparison.operator in ("=", "IN"):
                return comparison.value, comparison.operator == "IN"
    if scan.document_id is None:
        return None
    if isinstance(condition, syntax.Operation) and condition.operator == "=":
        for side, value in ((condition.left, condition.right), (condition.right, condition.left)):
            if _is_variable(side, scan.document_id) and not slots_used(value) & bound:
                return value, False
    if isinstance(condition, syntax.In) and _is_variable(condition.value, scan.document_id):
        return None if slots_used(condition.collection) & bound else (condition.collection, True)
    return None


def _is_variable(node: Any, slot: int) -> bool:
    return isinstance(node, logical.Variable) and node.slot == slot


def _history_of(scan: logical.HistoryScan, document_id: Expression) -> logical.HistoryScan:
    return logical.HistoryScan(scan.table, scan.start, scan.end, scan.variable, document_id)
