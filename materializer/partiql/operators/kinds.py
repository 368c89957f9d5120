"""The kinds of values, how PartiQL orders them, and when two values are one.

```
order of kinds:  boolean < number < date < time < timestamp < text < bytes < list < struct < bag
                 < interval < other Ion < null and missing
```

Three relations, which agree with one another:

* `equality(a, b)`: the operator `=`: null when a side is null, missing when one is missing, else deep
  equality;
* `identity(a)`: a hashable key, the same for equal values: DISTINCT, GROUP BY, hash joins;
* `order_key(a)`: a key whose order is that of ORDER BY.

Numbers are equal by value whatever their type, exactly: 1 = 1.0 = 1e0, but not 0.1 = 1e-1, since no
binary float is a tenth. Inside structures null and missing are one. NaN equals nothing; for
`identity`, and inside structures, it is itself.
"""

import datetime
from collections import Counter
from collections.abc import Hashable
from decimal import Decimal
from typing import Any, Final

from journal.values import (
    MISSING,
    Bag,
    IonValue,
    Missing,
    Symbol,
    Time,
    Timestamp,
    Value,
    instant_of,
)
from materializer.partiql.operators.intervals import Interval
from materializer.partiql.operators.structs import RepeatedStruct

KINDS: Final[dict[type, str]] = {
    bool: "bool", int: "int", float: "float", Decimal: "decimal", datetime.date: "date",
    datetime.time: "time", Time: "time", datetime.datetime: "timestamp", Timestamp: "timestamp",
    str: "string", Symbol: "symbol", bytes: "blob", list: "list", dict: "struct",
    RepeatedStruct: "struct", Bag: "bag", Interval: "interval", IonValue: "ion", type(None): "null",
    Missing: "missing",
}  # fmt: skip

(BOOLEAN, NUMBER, DATE, TIME, TIMESTAMP, TEXT, BYTES, LIST, STRUCT, BAG, INTERVAL, ION, ABSENT) = (
    range(13)
)

RANKS: Final[dict[type, int]] = {
    bool: BOOLEAN, int: NUMBER, float: NUMBER, Decimal: NUMBER, datetime.date: DATE,
    datetime.time: TIME, Time: TIME, datetime.datetime: TIMESTAMP, Timestamp: TIMESTAMP, str: TEXT,
    Symbol: TEXT, bytes: BYTES, list: LIST, dict: STRUCT, RepeatedStruct: STRUCT, Bag: BAG,
    Interval: INTERVAL, IonValue: ION, type(None): ABSENT, Missing: ABSENT,
}  # fmt: skip

NUMBERS: Final = frozenset({int, float, Decimal})
TEXTS: Final = frozenset({str, Symbol})
_DIRECT: Final = frozenset({str, int, bool, bytes})


def kind_of(value: Value) -> str:
    """The name of a value's kind, for messages.

    >>> kind_of(True), kind_of(1), kind_of(MISSING)
    ('bool', 'int', 'missing')
    """
    return KINDS.get(type(value)) or type(value).__name__


def rank_of(value: Value) -> int:
    """The place of a value's kind in the order of kinds."""
    rank = RANKS.get(type(value))
    return ION if rank is None else rank


def equality(left: Value, right: Value) -> Value:
    """PartiQL's `=`. Values of different kinds are not equal; it is no error to compare them.

    >>> equality(1, Decimal("1.0")), equality(1, True), equality(None, None), equality([None], [MISSING])
    (True, False, None, True)
    """
    if left is None or right is None:
        return None
    if left is MISSING or right is MISSING:
        return MISSING
    return not is_nan(left) and same(left, right)


def is_nan(value: Value) -> bool:
    """Whether a value is the float that equals nothing, not even itself."""
    return type(value) is float and value != value  # noqa: PLR0124


def same(left: Value, right: Value) -> bool:
    """Deep equality, in which null and missing are one, and NaN is itself."""
    kind = type(left)
    if kind is type(right) and kind in _DIRECT:
        return bool(left == right)
    rank, other = rank_of(left), rank_of(right)
    if rank != other:
        if {rank, other} == {DATE, TIMESTAMP}:
            return bool(moment(left) == moment(right))
        return False
    if rank == NUMBER:
        return bool(left == right) or (is_nan(left) and is_nan(right))
    if rank == LIST:
        return len(left) == len(right) and all(map(same, left, right))
    if kind is dict and type(right) is dict:
        left, right = _present(left), _present(right)
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return identity(left) == identity(right)


def _present(struct: dict[str, Value]) -> dict[str, Value]:
    """Without fields that are missing."""
    if MISSING in struct.values():
        return {name: value for name, value in struct.items() if value is not MISSING}
    return struct


def comparable(left: Value, right: Value) -> tuple[Any, Any] | None:
    """Two keys that `<` compares as PartiQL would, or None for kinds without a common order."""
    rank, other = rank_of(left), rank_of(right)
    if rank != other:
        if {rank, other} == {DATE, TIMESTAMP}:
            return moment(left), moment(right)
        return None
    if rank in _COMPARABLE:
        return _PARTS[rank](left), _PARTS[rank](right)
    if rank == NUMBER and left == left and right == right:  # noqa: PLR0124 - false for NaN alone
        return left, right
    return None


def integer_shown(value: int) -> str:
    """An integer as a message shows it; Python refuses to print those of 4,300 digits."""
    return str(value) if abs(value) < 10**40 else "of more than 40 digits"


def identity(value: Value) -> Hashable:
    """A hashable key that equal values share, and different values do not."""
    kind = type(value)
    if kind is str or kind is bytes:
        key: Hashable = value
        return key
    rank = rank_of(value)
    if rank == NUMBER:
        return (NUMBER, value if value == value else "nan")  # noqa: PLR0124
    if rank == ABSENT:
        return (ABSENT,)
    if rank == LIST:
        return (LIST, tuple(map(identity, value)))
    if rank == STRUCT:
        pairs = value.pairs if kind is RepeatedStruct else value.items()
        counts = Counter((name, identity(item)) for name, item in pairs if item is not MISSING)
        return (STRUCT, frozenset(counts.items()))
    if rank == BAG:
        return (BAG, frozenset(Counter(map(identity, value)).items()))
    if rank == DATE:
        return (TIMESTAMP, moment(value))
    part = _PARTS[rank](value)
    return part if rank == TEXT else (rank, part)


def order_key(value: Value) -> tuple[Any, ...]:
    """A key by which Python sorts as ORDER BY does, ascending, with nulls last.

    >>> sorted([None, "a", 2, True, [1], Decimal("1.5")], key=order_key)
    [True, Decimal('1.5'), 2, 'a', [1], None]
    """
    rank = rank_of(value)
    if rank == NUMBER:
        return (NUMBER, 1, value) if value == value else (NUMBER, 0)  # noqa: PLR0124
    if rank == LIST:
        return (LIST, [order_key(item) for item in value])
    if rank == BAG:
        return (BAG, sorted(order_key(item) for item in value))
    if rank == STRUCT:
        pairs = value.pairs if type(value) is RepeatedStruct else value.items()
        return (STRUCT, sorted((name, order_key(item)) for name, item in pairs))
    if rank == ABSENT:
        return (ABSENT,)
    return (rank, _PARTS[rank](value))


def moment(value: Value) -> Decimal:
    """Seconds since 1970 of a date or a timestamp; a date is its first moment in UTC."""
    if type(value) is datetime.date:
        return Decimal((value.toordinal() - _EPOCH_DAY) * 86_400)
    return instant_of(value)


def time_of_day(value: datetime.time | Time) -> Decimal:
    """Seconds since midnight UTC; a time without offset counts as UTC."""
    text = value.text if isinstance(value, Time) else value.isoformat()
    seconds = int(text[0:2]) * 3600 + int(text[3:5]) * 60 + Decimal(_seconds_text(text))
    sign = max(text.rfind("+"), text.rfind("-"))
    if sign < 0:
        return seconds
    offset = int(text[sign + 1 : sign + 3]) * 3600 + int(text[sign + 4 : sign + 6]) * 60
    return seconds - offset if text[sign] == "+" else seconds + offset


def _seconds_text(text: str) -> str:
    end = max(text.rfind("+"), text.rfind("-"))
    return text[6 : end if end >= 0 else None]


def _text_part(value: str | Symbol) -> str:
    return value.text if type(value) is Symbol else value  # type: ignore[return-value]


def _itself(value: Value) -> Any:
    return value


_EPOCH_DAY: Final = datetime.date(1970, 1, 1).toordinal()
_PARTS: Final[dict[int, Any]] = {
    BOOLEAN: _itself, DATE: _itself, TIME: time_of_day, TIMESTAMP: instant_of, TEXT: _text_part,
    BYTES: _itself, INTERVAL: lambda interval: interval.sort_key, ION: str,
}  # fmt: skip
_COMPARABLE: Final = frozenset({BOOLEAN, DATE, TIME, TIMESTAMP, TEXT, BYTES, INTERVAL})
