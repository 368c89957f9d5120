"""Arithmetic, text operators, CAST, functions and nested queries."""

from typing import Any, Final

from journal.values import MISSING, Bag, Value
from materializer.partiql import logical, syntax
from materializer.partiql.compile import conditions
from materializer.partiql.compile.frames import Compiler, Evaluate, Frame, hold
from materializer.partiql.logical import CONTEXT, OUTER
from materializer.partiql.operators import arithmetic, functions, periods, text
from materializer.partiql.operators.casts import caster
from materializer.partiql.operators.kinds import equality
from materializer.partiql.operators.reject import Reject
from materializer.partiql.operators.structs import fields_of


def operation(compiler: Compiler, node: syntax.Operation) -> Evaluate:
    """Two operands."""
    if node.operator in ("=", "<>", "<", "<=", ">", ">="):
        return conditions.comparison(compiler, node)
    left, right, reject = (
        compiler.expression(node.left),
        compiler.expression(node.right),
        compiler.reject,
    )
    if node.operator == "OVERLAPS":
        return lambda frame: periods.overlaps(left(frame), right(frame), reject)
    if node.operator == "||":
        return lambda frame: text.concatenate(left(frame), right(frame), reject)
    apply = arithmetic.OPERATORS[node.operator]
    return lambda frame: apply(left(frame), right(frame), reject)


def negation(compiler: Compiler, node: syntax.Negation) -> Evaluate:
    """A sign, or NOT."""
    operand, reject = compiler.expression(node.operand), compiler.reject
    if node.operator == "NOT":
        return conditions.negation(operand, reject)
    apply = arithmetic.negate if node.operator == "-" else arithmetic.plus
    return lambda frame: apply(operand(frame), reject)


def cast(compiler: Compiler, node: syntax.Cast) -> Evaluate:
    """`CAST(value AS type)`."""
    value, convert, reject = compiler.expression(node.value), caster(node.type), compiler.reject
    return lambda frame: convert(value(frame), reject)


def call(compiler: Compiler, node: syntax.Call) -> Evaluate:
    """A function."""
    special = _SPECIAL.get(node.name)
    arguments = [compiler.expression(argument) for argument in node.arguments]
    if special is not None:
        return special(arguments)
    reject = compiler.reject
    function = functions.FUNCTIONS.get(node.name)
    if function is None:
        name = node.name.removeprefix("COLL_")
        function = functions.collection_aggregate(name, distinct=node.distinct)
    apply = function.call
    fill = function.fill[len(arguments) - function.most :] if len(arguments) < function.most else ()
    if len(arguments) == 1 and not fill:
        only = arguments[0]
        return lambda frame: apply(only(frame), reject)
    return lambda frame: apply(*[argument(frame) for argument in arguments], *fill, reject)


def _coalesce(arguments: list[Evaluate]) -> Evaluate:
    def coalesce(frame: Frame) -> Value:
        result: Value = MISSING
        for argument in arguments:
            value = argument(frame)
            if value is None:
                result = None
            elif value is not MISSING:
                return value
        return result

    return coalesce


def _nullif(arguments: list[Evaluate]) -> Evaluate:
    first, second = arguments

    def nullif(frame: Frame) -> Value:
        value = first(frame)
        return None if equality(value, second(frame)) is True else value

    return nullif


def _transaction_id(_arguments: list[Evaluate]) -> Evaluate:
    return lambda frame: frame[CONTEXT].transaction_id


def _now(_arguments: list[Evaluate]) -> Evaluate:
    return lambda frame: frame[CONTEXT].now


_SPECIAL: Final = {
    "COALESCE": _coalesce, "NULLIF": _nullif, "TXID": _transaction_id, "UTCNOW": _now,
}  # fmt: skip


def nested(compiler: Compiler, node: logical.Nested) -> Evaluate:
    """A query as a value; one that depends on nothing around it is computed once."""
    code, slot = _nested(compiler, node), node.slot
    if not node.shared:

        def again(frame: Frame) -> Value:
            frame[CONTEXT].check()  # small tables never reach the interval of their own scans
            return code(frame)

        return again

    def once(frame: Frame) -> Value:
        kept = frame[slot]
        if kept is None:
            before, frame[OUTER] = frame[OUTER], False
            kept = (code(frame),)
            if not frame[OUTER]:
                frame[slot] = kept
            frame[OUTER] = before or frame[OUTER]
        return kept[0]

    return once


def _nested(compiler: Compiler, node: logical.Nested) -> Evaluate:
    if node.form == "collection":
        return compiler.result(node.query)
    rows, reject = compiler.rows(node.query), compiler.reject
    if node.form == "column":
        return lambda frame: Bag(
            [_only_field(value, reject) for value in _held(rows(frame), frame)]
        )

    def scalar(frame: Frame) -> Value:
        found: Value = None
        for count, value in enumerate(rows(frame)):
            if count:
                return reject("the query has more than one row where one value is wanted")
            found = _only_field(value, reject)
        return found

    return scalar


def _held(rows: Any, frame: Frame) -> Any:
    for count, value in enumerate(rows, 1):
        hold(frame, count)
        yield value


def _only_field(value: Value, reject: Reject) -> Value:
    pairs = list(fields_of(value)) if isinstance(value, dict) else []
    if len(pairs) == 1:
        return pairs[0][1]
    if not pairs and isinstance(value, dict):
        return MISSING
    return reject("the query has rows of more than one field where one value is wanted")


EXPRESSIONS: Final[dict[type, Any]] = {
    syntax.Operation: operation,
    syntax.Negation: negation,
    syntax.Cast: cast,
    syntax.Call: call,
    logical.Nested: nested,
}
