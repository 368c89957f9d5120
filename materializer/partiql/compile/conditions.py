"""Comparisons and three-valued logic.

Where both sides are of one common type the answer is Python's; all else goes to `operators.kinds`. A
condition counts as met only when it is `True`.
"""

import operator
from collections.abc import Callable
from typing import Any, Final

from journal.values import MISSING, Value
from materializer.partiql import logical, syntax
from materializer.partiql.compile.frames import Compiler, Evaluate, Frame
from materializer.partiql.operators import text
from materializer.partiql.operators.casts import type_test
from materializer.partiql.operators.kinds import comparable, equality, identity, is_nan, kind_of
from materializer.partiql.operators.reject import Reject

_DIRECT: Final = frozenset({str, int, bool})
_ORDERED: Final = frozenset({str, int})
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def comparison(compiler: Compiler, node: syntax.Operation) -> Evaluate:
    """`=`, `<>` and the four that order."""
    left, right = compiler.expression(node.left), compiler.expression(node.right)
    if node.operator == "=":
        return _equal(left, right)
    if node.operator == "<>":
        equal = _equal(left, right)

        def different(frame: Frame) -> Value:
            result = equal(frame)
            return not result if type(result) is bool else result

        return different
    return _ordered(node.operator, left, right, compiler.reject)


def _equal(left: Evaluate, right: Evaluate) -> Evaluate:
    def equal(frame: Frame) -> Value:
        a, b = left(frame), right(frame)
        if type(a) is type(b) and type(a) in _DIRECT:
            return a == b
        return equality(a, b)

    return equal


def _ordered(symbol: str, left: Evaluate, right: Evaluate, reject: Reject) -> Evaluate:
    compare = _COMPARISONS[symbol]

    def ordered(frame: Frame) -> Value:
        a, b = left(frame), right(frame)
        if type(a) is type(b) and type(a) in _ORDERED:
            return compare(a, b)
        return compared(symbol, a, b, reject)

    return ordered


def compared(symbol: str, left: Value, right: Value, reject: Reject) -> Value:
    """`left < right` and its like, of any values."""
    if left is None or right is None or left is MISSING or right is MISSING:
        return text.absent(left, right)
    keys = comparable(left, right)
    if keys is None:
        if isinstance(left, float) or isinstance(right, float):
            return False  # NaN is neither less nor more
        return reject(f"{symbol} does not compare {kind_of(left)} and {kind_of(right)}")
    return _COMPARISONS[symbol](*keys)


def junction(compiler: Compiler, node: syntax.Junction) -> Evaluate:
    """AND and OR; an unknown side leaves the other to decide."""
    items, reject = [compiler.expression(item) for item in node.items], compiler.reject
    deciding = node.operator == "OR"
    name = node.operator

    def decide(frame: Frame) -> Value:
        result: Value = not deciding
        for item in items:
            value = item(frame)
            if value is deciding:
                return deciding
            if value is None or value is MISSING:
                result = None
            elif value is not (not deciding):
                result = reject(f"{name} does not work on {kind_of(value)}")
        return result

    return decide


def negation(operand: Evaluate, reject: Reject) -> Evaluate:
    """NOT."""

    def negate(frame: Frame) -> Value:
        value = operand(frame)
        if value is True or value is False:
            return not value
        if value is None or value is MISSING:
            return None
        return reject(f"NOT does not work on {kind_of(value)}")

    return negate


def between(compiler: Compiler, node: syntax.Between) -> Evaluate:
    """`value >= low AND value <= high`."""
    value, low, high = (compiler.expression(part) for part in (node.value, node.low, node.high))
    reject = compiler.reject

    def inside(frame: Frame) -> Value:
        subject = value(frame)
        above = compared(">=", subject, low(frame), reject)
        below = compared("<=", subject, high(frame), reject)
        if above is False or below is False:
            return False
        if above is True and below is True:
            return True
        return text.absent(above, below)

    return inside


def membership(compiler: Compiler, node: syntax.In) -> Evaluate:
    """`value IN collection`: unknown if no element is equal and one comparison is unknown."""
    value, collection = compiler.expression(node.value), compiler.expression(node.collection)

    def contains(frame: Frame) -> Value:
        subject, items = value(frame), collection(frame)
        if subject is MISSING or items is MISSING:
            return MISSING
        if not isinstance(items, list):
            return None if items is None else MISSING
        return _member(subject, items)

    if isinstance(node.collection, syntax.Collection) and len(node.collection.items) > _FEW:
        return _constant_membership(node, value) or contains
    if isinstance(node.collection, logical.Nested) and node.collection.shared:
        return _shared_membership(value, collection, node.collection.slot)
    return contains


_FEW: Final = 8


def _member(subject: Value, items: list[Value]) -> Value:
    result: Value = False
    for item in items:
        same = equality(subject, item)
        if same is True:
            return True
        if same is not False:
            result = None
    return result


def _constant_membership(node: syntax.In, value: Evaluate) -> Evaluate | None:
    """`IN` of a long list of literal texts: a set."""
    assert isinstance(node.collection, syntax.Collection)
    items = [item.value for item in node.collection.items if isinstance(item, syntax.Constant)]
    if len(items) != len(node.collection.items) or not all(type(item) is str for item in items):
        return None
    texts = frozenset(items)

    def contains(frame: Frame) -> Value:
        subject = value(frame)
        if type(subject) is str:
            return subject in texts
        return MISSING if subject is MISSING else _member(subject, items)

    return contains


def _shared_membership(value: Evaluate, collection: Evaluate, slot: int) -> Evaluate:
    """`IN` of a query that is computed once: the identities of its values, and whether one is absent.

    They are kept in the query's own slot, beside its value.
    """

    def contains(frame: Frame) -> Value:
        subject, items = value(frame), collection(frame)
        if subject is MISSING or not isinstance(items, list):
            return MISSING
        if subject is None or is_nan(subject):
            return _member(subject, items)
        kept = frame[slot]
        if kept is None:  # a bare name in the query was found outside of it
            return _member(subject, items)
        if len(kept) == 1:
            absent = any(item is None or item is MISSING for item in items)
            kept = frame[slot] = (items, frozenset(map(identity, items)), absent)
        if identity(subject) in kept[1]:
            return True
        return None if kept[2] else False

    return contains


def like(compiler: Compiler, node: syntax.Like) -> Evaluate:
    """LIKE; a literal pattern is compiled once."""
    value, reject = compiler.expression(node.value), compiler.reject
    escape = node.escape if node.escape is not None else syntax.Constant("")
    if isinstance(node.pattern, syntax.Constant) and isinstance(escape, syntax.Constant):
        pattern, escaping = node.pattern.value, escape.value
        if type(pattern) is str and type(escaping) is str:
            return _like_literal(value, pattern, escaping, reject)
    form, escape_code = compiler.expression(node.pattern), compiler.expression(escape)
    return lambda frame: text.like(value(frame), form(frame), escape_code(frame), reject)


def _like_literal(value: Evaluate, pattern: str, escape: str, reject: Reject) -> Evaluate:
    matches = text.like_matcher(pattern, escape or None)

    def matched(frame: Frame) -> Value:
        subject = value(frame)
        if type(subject) is str:
            return matches(subject)
        return text.like(subject, pattern, escape, reject)

    return matched


def is_type(compiler: Compiler, node: syntax.Is) -> Evaluate:
    """`value IS type`."""
    value, test = compiler.expression(node.value), type_test(node.type)
    return lambda frame: test(value(frame))


def case(compiler: Compiler, node: syntax.Case) -> Evaluate:
    """CASE, with an operand or with conditions."""
    operand = None if node.operand is None else compiler.expression(node.operand)
    branches = [
        (compiler.expression(condition), compiler.expression(result))
        for condition, result in node.branches
    ]
    otherwise = None if node.otherwise is None else compiler.expression(node.otherwise)

    def choose(frame: Frame) -> Value:
        subject = None if operand is None else operand(frame)
        for condition, result in branches:
            met = condition(frame)
            if operand is not None:
                met = equality(subject, met)
            if met is True:
                return result(frame)
        return None if otherwise is None else otherwise(frame)

    return choose


EXPRESSIONS: Final[dict[type, Any]] = {
    syntax.Junction: junction,
    syntax.Between: between,
    syntax.In: membership,
    syntax.Like: like,
    syntax.Is: is_type,
    syntax.Case: case,
}
