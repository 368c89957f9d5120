"""Conditions go to where their variables are bound, so that an index can serve them there."""

from typing import Any

from materializer.partiql import logical
from materializer.partiql.logical import Plan
from materializer.partiql.plan.conditions import conjuncts, filtered
from materializer.partiql.slots import slots_set, slots_used
from materializer.partiql.syntax import Expression
from materializer.partiql.trees import rebuild


def push_filters(plan: Plan) -> Plan:
    """Split conditions at AND, and push each part below the joins that it does not need.

    The ON of an inner or left join becomes a filter of its right side, which may use the left: a nested
    loop whose inner side is filtered by values of the outer. A condition on the right side of a left
    join stays above it.

    >>> from materializer.partiql.plan.sketches import sketch
    >>> print(sketch("SELECT * FROM t AS a, u AS b WHERE a.x = 1 AND b.y = a.y", push_filters))
    join inner
      filter a.x = 1
        scan t
      filter b.y = a.y
        scan u
    """
    improved: Plan = _pushed(plan)
    return improved


def _pushed(node: Any) -> Any:
    node = rebuild(node, _pushed)
    if isinstance(node, logical.Joined) and node.kind in ("inner", "left"):
        node = _with_condition_inside(node)
    if isinstance(node, logical.Filter):
        return _push(node.source, list(conjuncts(node.condition)))
    return node


def _with_condition_inside(node: logical.Joined) -> logical.Joined:
    if node.condition is None:
        return node
    right = _push(node.right, list(conjuncts(node.condition)))
    return logical.Joined(node.kind, node.left, right, None, node.left_slots, node.right_slots)


def _push(source: logical.Operator, conditions: list[Expression]) -> logical.Operator:
    if isinstance(source, logical.Filter):
        return _push(source.source, [*conjuncts(source.condition), *conditions])
    if isinstance(source, logical.Joined) and source.kind in ("inner", "left"):
        return _through_join(source, conditions)
    return filtered(source, conditions)


def _through_join(join: logical.Joined, conditions: list[Expression]) -> logical.Operator:
    right_slots = slots_set(join.right)
    to_left, to_right, stay = [], [], []
    for condition in conditions:
        if not slots_used(condition) & right_slots:
            to_left.append(condition)
        elif join.kind == "inner":
            to_right.append(condition)
        else:
            stay.append(condition)
    left = _push(join.left, to_left) if to_left else join.left
    right = _push(join.right, to_right) if to_right else join.right
    joined = logical.Joined(
        join.kind, left, right, join.condition, join.left_slots, join.right_slots
    )
    return filtered(joined, stay)
