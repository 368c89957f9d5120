"""SQL intervals: months (YEAR, MONTH) or seconds (DAY to SECOND), never both.

A literal's qualifier bounds its leading field (two digits unless given) and cuts fractions of a
second (six digits unless given). SQL:2023 part 2, section 5.3 (interval literal).
"""

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from typing import Final

from journal.errors import InputError

FIELDS: Final = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_UNITS: Final = {"YEAR": 12, "MONTH": 1, "DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}
_BOUNDS: Final = {"MONTH": 12, "HOUR": 24, "MINUTE": 60, "SECOND": 60}
_EXACT: Final = Context(prec=60)
_FACTOR_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Qualifier:
    """`DAY (3) TO SECOND (6)`: `start`, `end` (or ""), precisions of the first and of fractions."""

    start: str
    end: str = ""
    precision: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        first, last = FIELDS.index(self.start), FIELDS.index(self.end or self.start)
        if (last < first or (first < 2) != (last < 2)) or (self.end and last == first):
            raise InputError(f"no interval goes from {self.start} to {self.end}")

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields, from the leading one to the last."""
        first, last = FIELDS.index(self.start), FIELDS.index(self.end or self.start)
        return FIELDS[first : last + 1]

    @property
    def leading_digits(self) -> int:
        """How many digits the leading field may have."""
        return self.precision[0] if self.precision else 2

    @property
    def fraction_digits(self) -> int:
        """How many digits of a fraction of a second are kept."""
        return self.precision[1] if len(self.precision) > 1 else 6


@dataclass(frozen=True, slots=True)
class Interval:
    """A length of time.

    Attributes:
        amount: Whole months, or seconds with at most nine digits after the point.
        in_months: Which of the two.
        qualifier: The fields it was written with; bounds what arithmetic may give.
    """

    amount: Decimal
    in_months: bool
    qualifier: Qualifier

    @property
    def sort_key(self) -> tuple[bool, Decimal]:
        """Orders intervals of months before those of seconds, each by length."""
        return (not self.in_months, self.amount)

    def fields(self) -> dict[str, int | str]:
        """Sign and parts: `{sign, years, months}` or `{sign, days, hours, minutes, seconds, nanos}`."""
        sign = "-" if self.amount < 0 else "+"
        if self.in_months:
            years, months = divmod(int(abs(self.amount)), 12)
            return {"sign": sign, "years": years, "months": months}
        nanoseconds = int(_EXACT.multiply(abs(self.amount), Decimal(10**9)))
        seconds, nanos = divmod(nanoseconds, 10**9)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        return {
            "sign": sign, "days": days, "hours": hours, "minutes": minutes, "seconds": seconds,
            "nanos": nanos,
        }  # fmt: skip

    def __hash__(self) -> int:
        return hash(self.sort_key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Interval) and self.sort_key == other.sort_key


def interval_of(text: str, qualifier: Qualifier) -> Interval:
    """The interval of a literal's text.

    >>> interval_of("1-6", Qualifier("YEAR", "MONTH")).amount
    Decimal('18')

    Raises:
        ValueError: Not of the qualifier's form, or a field out of its range.
    """
    fields = qualifier.fields
    match = _pattern(fields).fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an interval of {' '.join(fields)}: {text!r}")
    total = Decimal(0)
    for name in fields:
        piece = match[name]
        if name == "SECOND":
            piece = _cut(piece, qualifier.fraction_digits)
        if name == fields[0]:
            if len(piece.split(".")[0].lstrip("0")) > qualifier.leading_digits:
                raise ValueError(f"{name} has more than {qualifier.leading_digits} digits")
        elif Decimal(piece) >= _BOUNDS[name]:
            raise ValueError(f"{name} is {piece}, its largest is {_BOUNDS[name] - 1}")
        total += Decimal(piece) * _UNITS[name]
    negative = match["sign"] == "-"
    return Interval(-total if negative else total, fields[0] in ("YEAR", "MONTH"), qualifier)


def scaled(interval: Interval, factor: Decimal, *, divide: bool) -> Interval:
    """The interval times or divided by a number, cut to whole months or microseconds.

    Raises:
        InputError: Division by zero, or too long for the leading field's digits.
    """
    if divide and not factor:
        raise InputError("division by zero")
    if not factor.is_finite() or abs(factor.adjusted()) > _FACTOR_MAX:
        raise InputError("no interval is that long, or that short")
    amount = (_EXACT.divide if divide else _EXACT.multiply)(interval.amount, factor)
    step = Decimal(1) if interval.in_months else Decimal("0.000001")
    amount = amount.quantize(step, rounding=ROUND_DOWN, context=_EXACT)
    return _bounded(amount, interval.in_months, interval.qualifier)


def added(left: Interval, right: Interval) -> Interval:
    """The sum of two intervals of one kind.

    Raises:
        InputError: Too long for the leading field's digits.
    """
    digits = max(left.qualifier.leading_digits, right.qualifier.leading_digits)
    qualifier = Qualifier(left.qualifier.start, "", (digits, 9))
    return _bounded(left.amount + right.amount, left.in_months, qualifier)


def negated(interval: Interval) -> Interval:
    """The interval with the other sign."""
    return Interval(-interval.amount, interval.in_months, interval.qualifier)


def _bounded(amount: Decimal, in_months: bool, qualifier: Qualifier) -> Interval:
    """An interval that arithmetic made: of whole years or days, in the digits of what it came from."""
    start, end = ("YEAR", "MONTH") if in_months else ("DAY", "SECOND")
    digits = qualifier.leading_digits if qualifier.start == start else 2
    if abs(amount) // _UNITS[start] >= 10**digits:
        raise InputError(f"the interval is longer than {digits} digits of {start}")
    return Interval(amount, in_months, Qualifier(start, end, (digits, 9)))


def _pattern(fields: tuple[str, ...]) -> re.Pattern[str]:
    pieces = [r"(?P<sign>[+-]?)"]
    for index, name in enumerate(fields):
        if index:
            pieces.append(_SEPARATORS[name])
        pieces.append(
            rf"(?P<{name}>\d+(?:\.\d{{0,9}})?)" if name == "SECOND" else rf"(?P<{name}>\d+)"
        )
    return re.compile("".join(pieces), re.ASCII)


_SEPARATORS: Final = {"MONTH": "-", "HOUR": " ", "MINUTE": ":", "SECOND": ":"}


def _cut(seconds: str, digits: int) -> str:
    whole, _, fraction = seconds.partition(".")
    return f"{whole}.{fraction[:digits]}" if fraction[:digits] else whole
