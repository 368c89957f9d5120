"""A join on equal values, whose right side stands alone, is made by a table of keys."""

from typing import Any

from materializer.partiql import logical, syntax
from materializer.partiql.logical import Plan
from materializer.partiql.plan.conditions import conjunction, conjuncts
from materializer.partiql.slots import slots_set, slots_used
from materializer.partiql.syntax import Expression
from materializer.partiql.trees import rebuild


def hash_joins(plan: Plan) -> Plan:
    """Turn nested loops over a filtered scan into hash joins.

    A right side that an index already serves is left alone, and so is one that depends on the left.

    >>> from materializer.partiql.plan.push_filters import push_filters
    >>> from materializer.partiql.plan.sketches import sketch
    >>> print(sketch("SELECT * FROM t AS a JOIN u AS b ON a.x = b.y", push_filters, hash_joins))
    hash join inner on a.x = b.y
      scan t
      scan u
    """
    improved: Plan = _hashed(plan)
    return improved


def _hashed(node: Any) -> Any:
    node = rebuild(node, _hashed)
    if not isinstance(node, logical.Joined) or node.kind not in ("inner", "left"):
        return node
    if not isinstance(node.right, logical.Filter):
        return node
    return _hash_join(node, node.right) or node


def _hash_join(join: logical.Joined, right: logical.Filter) -> logical.HashJoined | None:
    source = right.source
    if isinstance(source, logical.IndexSearch | logical.DocumentLookup):
        return None
    left_slots, right_slots = slots_set(join.left), slots_set(source)
    if slots_used(source) & left_slots:
        return None
    keys: list[tuple[Expression, Expression]] = []
    alone, rest = [], []
    for condition in conjuncts(right.condition):
        pair = _equal_sides(condition, left_slots, right_slots)
        if pair is not None:
            keys.append(pair)
        elif slots_used(condition) & left_slots:
            rest.append(condition)
        else:
            alone.append(condition)
    if not keys:
        return None
    filter_of_right = conjunction(alone)
    return logical.HashJoined(
        "left" if join.kind == "left" else "inner",
        join.left,
        source if filter_of_right is None else logical.Filter(source, filter_of_right),
        tuple(left for left, _ in keys),
        tuple(right for _, right in keys),
        conjunction(rest),
        join.right_slots,
    )


def _equal_sides(
    condition: Expression, left_slots: set[int], right_slots: set[int]
) -> tuple[Expression, Expression] | None:
    """The left and the right side's expression, if the condition says that they are equal."""
    if not isinstance(condition, syntax.Operation) or condition.operator != "=":
        return None
    for first, second in ((condition.left, condition.right), (condition.right, condition.left)):
        of_first, of_second = slots_used(first), slots_used(second)
        apart = not of_second & left_slots and not of_first & right_slots
        if apart and of_second & right_slots and of_first & left_slots:
            return first, second
    return None
