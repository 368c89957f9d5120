"""A query in a query that does not depend on it is computed once."""

from dataclasses import replace
from typing import Any

from materializer.partiql import logical
from materializer.partiql.logical import Plan
from materializer.partiql.slots import free_slots
from materializer.partiql.trees import rebuild


def share_subqueries(plan: Plan) -> Plan:
    """Mark the queries in expressions, and on the right sides of joins, that use no outer variable.

    A bare name is looked up in the outer queries only where the inner one has no such field; whether
    that happens, shows when the query runs.

    >>> from materializer.partiql.plan.sketches import sketch
    >>> print(sketch("SELECT * FROM t WHERE x IN (SELECT u.y FROM u)", share_subqueries))
    filter t.x in once (...)
      scan t
    >>> print(sketch("SELECT * FROM t WHERE x IN (SELECT u.y FROM u WHERE u.z = t.z)", share_subqueries))
    filter t.x in (...)
      scan t
    """
    improved: Plan = _shared(plan)
    return improved


def _shared(node: Any) -> Any:
    if isinstance(node, logical.Iterate) and isinstance(node.value, logical.Nested):
        # A source is streamed; only as the right side of a join would it be computed again.
        return replace(node, value=rebuild(node.value, _shared))
    node = rebuild(node, _shared)
    if isinstance(node, logical.Nested):
        return _marked(node)
    if isinstance(node, logical.Joined):
        return replace(node, right=_shared_source(node.right))
    return node


def _shared_source(node: Any) -> Any:
    if isinstance(node, logical.Filter):
        return replace(node, source=_shared_source(node.source))
    if isinstance(node, logical.Iterate) and isinstance(node.value, logical.Nested):
        return replace(node, value=_marked(node.value))
    return node


def _marked(node: logical.Nested) -> logical.Nested:
    used, perhaps_used = free_slots(node.query)
    return node if used else replace(node, shared=True, tracked=bool(perhaps_used))
