"""The functions that a statement may call by name: how many arguments, and what they do.

CAST, COALESCE, NULLIF, EXISTS, TXID and UTCNOW are not here: they need more than values.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from journal.values import MISSING, Value
from materializer.partiql.operators import arithmetic, moments, text, time_patterns
from materializer.partiql.operators.aggregates import AGGREGATES, aggregate
from materializer.partiql.operators.kinds import NUMBERS, kind_of
from materializer.partiql.operators.reject import Reject
from materializer.partiql.operators.structs import RepeatedStruct, fields_of, struct_of


class Function(NamedTuple):
    """A function: it is called with its arguments and then `reject`.

    Attributes:
        fewest, most: How many arguments it takes; `fill` stands for those not given.
        kinds: What each argument has to be, when it is a literal: a name of `ARGUMENT_KINDS`, or "".
    """

    call: Callable[..., Value]
    fewest: int
    most: int
    fill: tuple[Any, ...] = ()
    kinds: tuple[str, ...] = ()


ARGUMENT_KINDS: Final[dict[str, frozenset[str]]] = {
    "text": frozenset({"string", "symbol", "null", "missing"}),
    "integer": frozenset({"int", "null", "missing"}),
    "collection": frozenset({"list", "bag", "struct", "null", "missing"}),
    "time": frozenset({"timestamp", "date", "time", "interval", "null", "missing"}),
    "timestamp": frozenset({"timestamp", "date", "time", "null", "missing"}),
}


def size(value: Value, reject: Reject) -> Value:
    """How many elements a list or bag has, or fields a struct."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, dict):
        return len(value.pairs) if type(value) is RepeatedStruct else len(value)
    return value if value is None or value is MISSING else reject(f"SIZE of {kind_of(value)}")


def exists(value: Value, reject: Reject) -> Value:
    """Whether a collection or struct has anything in it."""
    if isinstance(value, list | dict):
        return bool(value)
    return False if value is None or value is MISSING else reject(f"EXISTS of {kind_of(value)}")


def tuple_union(*arguments: Any) -> Value:
    """One struct with the fields of several; the last argument is `reject`."""
    *structs, reject = arguments
    pairs: list[tuple[str, Value]] = []
    for struct in structs:
        if isinstance(struct, dict):
            pairs.extend(fields_of(struct))
        elif struct is None or struct is MISSING:
            return struct
        else:
            return reject(f"TUPLEUNION needs structs, not {kind_of(struct)}")
    return struct_of(pairs)


def modulo(left: Value, right: Value, reject: Reject) -> Value:
    """`MOD(left, right)`: as `%`, but a wrong kind is told before null and missing go through."""
    for value in (left, right):
        if value is not None and value is not MISSING and type(value) not in NUMBERS:
            return reject(f"MOD does not work on {kind_of(value)}")
    return arithmetic.remainder(left, right, reject)


def _one_text(name: str, function: Callable[[str], Value]) -> Function:
    return Function(text.of_text(name, function), 1, 1, (), ("text",))


FUNCTIONS: Final[dict[str, Function]] = {
    "TUPLEUNION": Function(tuple_union, 1, 1_000),
    "SIZE": Function(size, 1, 1, (), ("collection",)),
    "CARDINALITY": Function(size, 1, 1),
    "EXISTS": Function(exists, 1, 1),
    "CHAR_LENGTH": _one_text("CHAR_LENGTH", len),
    "CHARACTER_LENGTH": _one_text("CHARACTER_LENGTH", len),
    "OCTET_LENGTH": _one_text("OCTET_LENGTH", lambda value: len(value.encode())),
    "BIT_LENGTH": _one_text("BIT_LENGTH", lambda value: 8 * len(value.encode())),
    "LOWER": _one_text("LOWER", str.lower),
    "UPPER": _one_text("UPPER", str.upper),
    "SUBSTRING": Function(text.substring, 2, 3, (text.TO_THE_END,), ("text", "integer", "integer")),
    "TRIM": Function(text.trim, 3, 3, (), ("", "text", "text")),
    "POSITION": Function(text.position, 2, 2),
    "OVERLAY": Function(text.overlay, 3, 4, (text.NO_LENGTH,)),
    "TEXT_REPLACE": Function(text.replace, 3, 3),
    "ABS": Function(arithmetic.absolute, 1, 1),
    "MOD": Function(modulo, 2, 2),
    "CEIL": Function(lambda value, reject: arithmetic.rounded(value, reject, up=True), 1, 1),
    "CEILING": Function(lambda value, reject: arithmetic.rounded(value, reject, up=True), 1, 1),
    "FLOOR": Function(lambda value, reject: arithmetic.rounded(value, reject, up=False), 1, 1),
    "DATE_ADD": Function(moments.date_add, 3, 3, (), ("", "integer", "timestamp")),
    "DATE_DIFF": Function(moments.date_diff, 3, 3, (), ("", "timestamp", "timestamp")),
    "EXTRACT": Function(moments.extract, 2, 2, (), ("", "time")),
    "TO_STRING": Function(time_patterns.to_string, 2, 2, (), ("timestamp", "text")),
    "TO_TIMESTAMP": Function(time_patterns.to_timestamp, 1, 2, (MISSING,), ("text", "text")),
}

COLLECTION_FUNCTIONS: Final = frozenset(
    {"SIZE", "CARDINALITY", "EXISTS", *(f"COLL_{name}" for name in AGGREGATES)}
)
"""Functions of a collection: a subquery that is their argument is not made a single value."""


def collection_aggregate(name: str, *, distinct: bool) -> Function:
    """The function `COLL_name`."""

    def call(values: Value, reject: Reject) -> Value:
        return aggregate(name, values, reject, distinct=distinct)

    return Function(call, 1, 1)
