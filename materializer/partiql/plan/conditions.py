"""What the rules ask about conditions: their parts, the variables they use, the fields they compare."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from materializer.partiql import logical, syntax
from materializer.partiql.logical import Operator
from materializer.partiql.slots import slots_used
from materializer.partiql.syntax import Expression

MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Comparison(NamedTuple):
    """`field operator value`, with the field on the left."""

    path: tuple[str, ...]
    operator: str
    value: Expression


def conjuncts(condition: Expression | None) -> Iterator[Expression]:
    """The conditions that all have to be true for this one to be."""
    if condition is None:
        return
    if isinstance(condition, syntax.Junction) and condition.operator == "AND":
        for item in condition.items:
            yield from conjuncts(item)
    else:
        yield condition


def conjunction(conditions: Iterable[Expression]) -> Expression | None:
    """One condition from several; None from none."""
    items = tuple(conditions)
    if len(items) > 1:
        return syntax.Junction("AND", items)
    return items[0] if items else None


def filtered(source: Operator, conditions: Iterable[Expression]) -> Operator:
    """The operator with a filter over it, if there is anything to filter by."""
    condition = conjunction(conditions)
    return source if condition is None else logical.Filter(source, condition)


def field_path(node: Expression, slot: int) -> tuple[str, ...] | None:
    """The names, if the expression is a path of fields from that variable."""
    if not isinstance(node, syntax.Path) or not isinstance(node.root, logical.Variable):
        return None
    names = tuple(step.name for step in node.steps if isinstance(step, syntax.Field))
    return names if node.root.slot == slot and len(names) == len(node.steps) else None


def comparisons(condition: Expression, slot: int, bound: set[int]) -> Iterator[Comparison]:
    """What a condition says of fields of one variable, compared with values known before it is.

    Args:
        condition: One conjunct.
        slot: The variable's slot.
        bound: Slots that are bound together with it, which the values must not use.
    """
    match condition:
        case syntax.Operation() if condition.operator in MIRRORED:
            yield from _operation(condition, slot, bound)
        case syntax.Between():
            path = field_path(condition.value, slot)
            if path is not None:
                ends = ((">=", condition.low), ("<=", condition.high))
                for operator, value in ends:
                    if not slots_used(value) & bound:
                        yield Comparison(path, operator, value)
        case syntax.In():
            path = field_path(condition.value, slot)
            if path is not None and not slots_used(condition.collection) & bound:
                yield Comparison(path, "IN", condition.collection)
        case syntax.Like():
            path = field_path(condition.value, slot)
            used = slots_used(condition.pattern)
            used |= set() if condition.escape is None else slots_used(condition.escape)
            if path is not None and not used & bound:
                yield Comparison(path, "LIKE", condition)
        case _:
            return


def _operation(node: syntax.Operation, slot: int, bound: set[int]) -> Iterator[Comparison]:
    sides = (
        (node.left, node.right, node.operator),
        (node.right, node.left, MIRRORED[node.operator]),
    )
    for field, value, operator in sides:
        path = field_path(field, slot)
        if path is not None and not slots_used(value) & bound:
            yield Comparison(path, operator, value)
