"""Which slots of the frame a part of a plan binds, and which it uses."""

from typing import Any

from materializer.partiql import logical, syntax
from materializer.partiql.trees import children, walk


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
