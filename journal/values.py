"""The values a ledger stores and a query computes with.

Most are Python's own: None, bool, int (unbounded), float, `decimal.Decimal`, str, bytes, list, dict,
`datetime.datetime` (with offset), `datetime.date`, `datetime.time`. The classes here are for what Python
lacks: text that a Python value would not give back digit by digit (`Timestamp`, `Time`), other Ion
values (`Symbol`, `IonValue`), and PartiQL's own (`Bag`, `MISSING`).

bool is never a number here, although Python's bool is an int: compare types exactly.
"""

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any, Final, final

Value = Any
"""Any value of this module; recursive aliases cost more in casts than they find."""


@final
class Missing:
    """PartiQL's MISSING: the value of a field that is not there. One instance, `MISSING`."""

    _instance: "Missing | None" = None

    def __new__(cls) -> "Missing":
        """The one instance."""
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


def is_utf8(text: str) -> bool:
    """Whether a text can be written in UTF-8: it has no lone surrogate."""
    return text.isascii() or not _SURROGATE.search(text)


_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


class Bag(list[Any]):
    """An unordered collection with duplicates. Equal to another bag in any order, never to a list."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<<{', '.join(map(repr, self))}>>"

    __hash__ = None  # as list: mutable, so not hashable

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bag) and _same_elements(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


@dataclass(frozen=True, slots=True)
class Symbol:
    """An Ion symbol: text that is a name, not a string."""

    text: str


@dataclass(frozen=True, slots=True)
class IonValue:
    """Any other Ion value (s-expression, clob, annotated, typed null), as Ion text, unchanged."""

    text: str


@dataclass(frozen=True, slots=True)
class Time:
    """A SQL TIME whose text `datetime.time` would not give back, such as `18:00:00.12`."""

    text: str

    def __post_init__(self) -> None:
        if not _TIME.fullmatch(self.text):
            raise ValueError(f"not a time: {self.text!r}")


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A point in time as Ion writes it: precision, offset and unknown offset (`-00:00`) kept.

    `text` is `2026T`, `2026-11T`, `2026-11-23`, `2026-11-23T18:00Z`, `2026-11-23T18:00:00.120+01:00`.
    Two timestamps are equal if their texts are; `instant_of` compares points in time.
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or _timestamp_fields(self.text) is None:
            raise ValueError(f"not a timestamp: {self.text!r}")


def timestamp_of(text: str) -> datetime.datetime | Timestamp:
    """The value of a timestamp text: a datetime where that gives the same text again.

    >>> timestamp_of("2026-11-23T18:00:00.120000+01:00").isoformat()
    '2026-11-23T18:00:00.120000+01:00'
    >>> timestamp_of("2026-11-23T18:00:00.12Z")
    Timestamp(text='2026-11-23T18:00:00.12Z')

    Raises:
        ValueError: Not an Ion timestamp.
    """
    if len(text) >= 20 and not text.endswith("-00:00") and "T" in text:
        try:
            value = datetime.datetime.fromisoformat(text)
        except ValueError:
            value = None
        if value is not None and value.tzinfo is not None and timestamp_text(value) == text:
            return value
    return Timestamp(text)


def timestamp_text(value: datetime.datetime | Timestamp) -> str:
    """The Ion text of a timestamp; UTC is written `Z`. Inverse of `timestamp_of`.

    Raises:
        ValueError: A datetime without an offset, or whose offset has seconds.
    """
    if isinstance(value, Timestamp):
        return value.text
    offset = value.utcoffset()
    if offset is None:
        raise ValueError("a datetime without an offset is no point in time; add a tzinfo")
    if offset.total_seconds() % 60:
        raise ValueError("offsets have whole minutes")
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def time_of(text: str) -> datetime.time | Time:
    """The value of a SQL TIME text: a `datetime.time` where that gives the same text again."""
    try:
        value = datetime.time.fromisoformat(text)
    except ValueError:
        return Time(text)
    return value if value.isoformat() == text else Time(text)


def instant_of(value: datetime.datetime | Timestamp) -> Decimal:
    """Seconds since 1970-01-01T00:00Z, exactly; missing precision counts as its start.

    >>> instant_of(Timestamp("1970-01-01T01:00:00.5+01:00"))
    Decimal('0.5')
    """
    if isinstance(value, datetime.datetime):
        delta = value - _EPOCH
        microseconds = (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds
        return Decimal(microseconds).scaleb(-6, _EXACT)
    fields = _timestamp_fields(value.text)
    assert fields is not None
    year, month, day, hour, minute, seconds, offset_minutes = fields
    days = datetime.date(year, month, day).toordinal() - _EPOCH.toordinal()
    return _EXACT.add(Decimal(days * 86400 + hour * 3600 + (minute - offset_minutes) * 60), seconds)


def time_of_day(value: datetime.time | Time) -> Decimal:
    """Seconds since midnight UTC, exactly; a time without offset counts as UTC.

    >>> time_of_day(Time("01:00:00.50+01:00"))
    Decimal('0.50')
    """
    match = _TIME.fullmatch(value.text if isinstance(value, Time) else value.isoformat())
    assert match is not None
    hour, minute, second, sign, offset_hours, offset_minutes = match.groups()
    seconds = int(hour) * 3600 + int(minute) * 60
    if sign is not None:
        offset = int(offset_hours) * 3600 + int(offset_minutes) * 60
        seconds += offset if sign == "-" else -offset
    return _EXACT.add(Decimal(seconds), Decimal(second))


_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""Rounds nothing. The context of the calling thread is its owner's business, also how it rounds."""
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_TIME: Final = re.compile(
    r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d(?:\.\d+)?)(?:([+-])([01]\d|2[0-3]):([0-5]\d))?", re.ASCII
)
_TIMESTAMP: Final = re.compile(
    r"(\d{4})(?:T|-(\d\d)(?:T|-(\d\d)(?:T(?:(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?"
    r"(Z|[+-]\d\d:\d\d))?)?))",
    re.ASCII,
)


def _timestamp_fields(text: str) -> tuple[int, int, int, int, int, Decimal, int] | None:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    offset = 0
    if zone and zone != "Z":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        if hours > 23 or minutes > 59:
            return None
        offset = (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)
    seconds = Decimal(second or 0)
    try:
        datetime.datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
            int(seconds), tzinfo=datetime.UTC,
        )  # fmt: skip
    except ValueError:
        return None
    return (
        int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), seconds, offset,
    )  # fmt: skip


def _same_elements(left: Iterable[Any], right: Iterable[Any]) -> bool:
    remaining = list(right)
    for element in left:
        for index, candidate in enumerate(remaining):
            if type(candidate) is type(element) and candidate == element:
                del remaining[index]
                break
        else:
            return False
    return not remaining
