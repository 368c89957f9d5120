"""What the rules ask about conditions: their parts, the variables they use, the fields they compare."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from materializer.partiql import logical, syntax
from materializer.partiql.logical import Operator
from materializer.partiql.syntax import Expression
from materializer.partiql.trees import children, walk

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


def slots_used(node: syntax.Node) -> set[int]:
    """The slots whose variables stand in an expression, or anywhere below an operator."""
    return {each.slot for each in walk(node) if isinstance(each, logical.Variable)}


def slots_set(operator: Any) -> set[int]:
    """The slots that an operator binds."""
    match operator:
        case logical.Scan():
            slots = (operator.variable, operator.document_id, operator.document)
        case logical.DocumentLookup() | logical.IndexSearch():
            return slots_set(operator.scan)
        case logical.OrderedSearch():
            return slots_set(operator.search)
        case logical.HistoryScan() | logical.UserTables():
            slots = (operator.variable, None, None)
        case logical.Iterate():
            slots = (operator.variable, operator.ordinal, operator.document_id)
        case logical.Joined() | logical.HashJoined():
            return slots_set(operator.left) | slots_set(operator.right)
        case logical.Filter():
            return slots_set(operator.source)
        case logical.Let():
            return slots_set(operator.source) | {slot for slot, _ in operator.bindings}
        case _:
            return set()
    return {slot for slot in slots if slot is not None}


def free_slots(query: syntax.Node) -> tuple[set[int], set[int]]:
    """The slots of the queries around a query: those it uses, and those that bare names may use."""
    bound: set[int] = set()
    outer: set[int] = set()
    for node in walk(query):
        bound |= slots_set(node)
        if isinstance(node, logical.Attribute):
            outer |= {each.slot for each in node.variables[node.own :]}
        if isinstance(node, logical.Grouped):
            bound |= {slot for slot, _ in node.keys} | {each.slot for each in node.aggregations}
            bound |= set() if node.group is None else {node.group}
        elif isinstance(node, logical.TableCount):
            bound |= set(node.slots)
    certain = {
        each.slot
        for node in walk(query)
        if not isinstance(node, logical.Attribute)
        for each in children(node)
        if isinstance(each, logical.Variable)
    }
    return certain - bound, outer - bound


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
