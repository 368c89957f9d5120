"""Values at run time to ranges of index keys.

Whatever the values are, the ranges hold at least every document for which the condition is true; the
condition itself is checked on each document afterwards. So where a key cannot be said exactly, the
range is that of all values of its kind:

* an index keeps times as their text, and lists and bags alike: equal values may have different keys;
* a date equals the timestamp of its first moment: both keys are read;
* null and missing are equal to nothing: no range at all.
"""

import datetime
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from journal.values import MISSING, IonValue, Symbol, Timestamp, Value, is_utf8
from materializer.partiql.logical import SortKey
from materializer.partiql.operators.kinds import (
    ABSENT,
    BAG,
    BOOLEAN,
    BYTES,
    DATE,
    INTERVAL,
    ION,
    LIST,
    NUMBER,
    STRUCT,
    TEXT,
    TIME,
    TIMESTAMP,
    moment,
    rank_of,
)
from materializer.partiql.view import KeyRange

Ends = tuple[tuple[Value, bool] | None, tuple[Value, bool] | None]

LOWEST: Final[dict[int, Value]] = {
    BOOLEAN: False, NUMBER: math.nan, DATE: datetime.date.min, TIME: datetime.time.min,
    TIMESTAMP: Timestamp("0001-01-01T00:00+23:59"), TEXT: "", BYTES: b"", LIST: [], BAG: [],
    STRUCT: {}, ION: IonValue(""),
}  # fmt: skip
"""The first value of each kind in an index: a range from it on is all of the kind."""

_EXACT: Final = frozenset({BOOLEAN, NUMBER, DATE, TIMESTAMP, TEXT, BYTES})
_LAST_CHARACTER: Final = chr(0x10FFFF)


class Stretch:
    """Ranges to read one after another; `sort` if their documents are not in order yet."""

    __slots__ = ("ranges", "sort")

    def __init__(self, *ranges: KeyRange, sort: bool) -> None:
        self.ranges, self.sort = ranges, sort


def equal_keys(value: Value) -> Iterator[tuple[Value | None, Ends]]:
    """The keys that equal a value: (key, no ends), or (None, the ends of a range)."""
    rank = rank_of(value)
    if rank in (ABSENT, INTERVAL) or not storable(value):
        return
    if rank not in _EXACT:
        yield None, ((LOWEST[rank], True), None)
        return
    yield value, (None, None)
    if rank == DATE:
        yield _first_moment(value), (None, None)
    elif rank == TIMESTAMP and moment(value) % 86_400 == 0:
        yield _utc_date(value), (None, None)


def range_ends(low: Ends, high: Ends) -> Iterator[Ends]:
    """The ranges of keys between two ends, each (value, inclusive) or None."""
    bounds = [end for end in (low[0], high[1]) if end is not None]
    ranks = {rank_of(value) for value, _ in bounds}
    if ranks <= {DATE, TIMESTAMP}:
        yield from _moment_ranges(low[0], high[1])
        return
    if len(ranks) != 1 or not all(storable(value) for value, _ in bounds):
        return
    rank = ranks.pop()
    if rank in _EXACT:
        if not any(value != value for value, _ in bounds):  # noqa: PLR0124 - NaN is in no range
            yield low[0], high[1]
    elif rank == TIME:
        yield (LOWEST[TIME], True), None


def prefix_ends(prefix: str) -> Ends:
    """The range of texts that begin with a prefix.

    >>> prefix_ends("ab")
    (('ab', True), ('ac', False))
    """
    stem = prefix.rstrip(_LAST_CHARACTER)
    if not stem:
        return (prefix, True), None
    after = ord(stem[-1]) + 1
    if 0xD800 <= after <= 0xDFFF:
        after = 0xE000
    return (prefix, True), (stem[:-1] + chr(after), False)


def key_ranges(equal: list[Value], ends: list[Ends] | None) -> list[KeyRange]:
    """The ranges for values of the first key parts, and ends of the next part if there are any.

    Where a value of the first parts has no exact key, what comes after it is left to the condition.
    """
    prefixes: list[tuple[Value, ...]] = [()]
    for value in equal:
        keys = list(equal_keys(value))
        if any(ends_ != (None, None) for _, ends_ in keys):
            return [
                KeyRange(equal=prefix, low=low, high=high)
                for prefix in prefixes
                for _, (low, high) in keys
            ]
        prefixes = [(*prefix, key) for prefix in prefixes for key, _ in keys]
    return [
        KeyRange(equal=prefix, low=low, high=high)
        for prefix in prefixes
        for low, high in (ends if ends is not None else [(None, None)])
    ]


def exact_prefix(equal: list[Value]) -> tuple[Value, ...] | None:
    """The values as first key parts, if each of them has exactly one key."""
    for value in equal:
        found = list(equal_keys(value))
        if len(found) != 1 or found[0][1] != (None, None):
            return None
    return tuple(equal)


def ordered_ranges(
    prefix: tuple[Value, ...], ends: list[Ends] | None, key: SortKey
) -> list[Stretch]:
    """The ranges for one exact prefix, in the order that ORDER BY wants of the next key part.

    An index orders kinds as ORDER BY does, but nulls come first in it, and the order of times, lists,
    bags and structs within their kinds is its own: those stretches have to be sorted.
    """
    if ends is not None:
        ranges = [
            Stretch(
                KeyRange(equal=prefix, low=low, high=high, descending=key.descending), sort=False
            )
            for low, high in ends
        ]
        return ranges[::-1] if key.descending else ranges
    stretches = [
        Stretch(
            KeyRange(equal=prefix, low=(LOWEST[rank], True), descending=key.descending),
            sort=rank not in _EXACT,
        )
        for rank in (BOOLEAN, NUMBER, DATE, TIME, TIMESTAMP, TEXT, BYTES)
    ]
    composite = [KeyRange(equal=prefix, low=(LOWEST[rank], True)) for rank in (LIST, STRUCT, ION)]
    stretches.append(Stretch(*composite, sort=True))
    if key.descending:
        stretches.reverse()
    absent = Stretch(
        KeyRange(equal=(*prefix, None)), KeyRange(equal=(*prefix, MISSING)), sort=False
    )
    return [absent, *stretches] if key.nulls_first else [*stretches, absent]


def storable(value: Value) -> bool:
    """Whether a document can hold the value at all."""
    if type(value) is Decimal:
        return value.is_finite()
    if type(value) is str or type(value) is Symbol:
        text = value.text if isinstance(value, Symbol) else value
        return is_utf8(text)
    return True


def _moment_ranges(low: Any, high: Any) -> Iterator[Ends]:
    first = None if low is None else (_utc_date(low[0]), True)
    last = None if high is None else (_utc_date(high[0]), True)
    yield first, last
    yield _as(low, _to_timestamp), _as(high, _to_timestamp)


def _as(end: Any, convert: Any) -> Any:
    return None if end is None else (convert(end[0]), end[1])


def _to_timestamp(value: Value) -> Value:
    return _first_moment(value) if type(value) is datetime.date else value


def _first_moment(date: datetime.date) -> Value:
    return Timestamp(f"{date.isoformat()}T00:00Z")


def _utc_date(value: Value) -> datetime.date:
    """The day in UTC that a moment is in."""
    days = int(moment(value) // 86_400) + datetime.date(1970, 1, 1).toordinal()
    return datetime.date.fromordinal(min(max(days, 1), datetime.date.max.toordinal()))
