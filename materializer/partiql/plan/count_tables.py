"""COUNT(*) of a whole table is asked of the store, which counts without reading documents."""

from typing import Any

from materializer.partiql import logical
from materializer.partiql.logical import Plan
from materializer.partiql.trees import rebuild


def count_tables(plan: Plan) -> Plan:
    """Replace one group of everything, counted, over a bare scan.

    >>> from materializer.partiql.plan.sketches import sketch
    >>> print(sketch("SELECT COUNT(*) AS n FROM t", count_tables))
    count t
    """
    improved: Plan = _counted(plan)
    return improved


def _counted(node: Any) -> Any:
    node = rebuild(node, _counted)
    if not isinstance(node, logical.Grouped) or node.keys or node.group is not None:
        return node
    if not isinstance(node.source, logical.Scan) or not node.aggregations:
        return node
    if any(each.value is not None or each.distinct for each in node.aggregations):
        return node
    return logical.TableCount(node.source.table, tuple(each.slot for each in node.aggregations))
