"""Dates, times and timestamps: parts, arithmetic, DATE_ADD, DATE_DIFF, EXTRACT, and SQL literals.

A timestamp has a precision (year, month, day, minute, second with any fraction) and perhaps no known
offset; both are kept. SQL's TIMESTAMP WITHOUT TIME ZONE is a timestamp of unknown offset (`-00:00`),
which compares as UTC.
"""

import datetime
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from journal.errors import InputError
from journal.values import (
    MISSING,
    Time,
    Timestamp,
    Value,
    time_of,
    timestamp_of,
    timestamp_text,
)
from materializer.partiql.operators.intervals import Interval, Qualifier
from materializer.partiql.operators.reject import Reject

YEAR, MONTH, DAY, MINUTE, SECOND = range(5)
"""Precisions; Ion has none of hours."""

UNIT_SECONDS: Final = {"DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}
_PRECISIONS: Final = {
    "YEAR": YEAR, "MONTH": MONTH, "DAY": DAY, "HOUR": MINUTE, "MINUTE": MINUTE, "SECOND": SECOND,
}  # fmt: skip
_DAY_SECONDS: Final = 86_400
_TEXT: Final = re.compile(
    r"(\d{4})(?:T|-(\d\d)(?:T|-(\d\d)(?:T|T(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(Z|[+-]\d\d:\d\d))?))",
    re.ASCII,
)
_CLOCK: Final = re.compile(r"(\d\d):(\d\d):(\d\d(?:\.\d+)?)([+-]\d\d:\d\d)?", re.ASCII)
_MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Moment(NamedTuple):
    """The parts of a timestamp. `zone` is its offset as text (`Z`, `+01:00`), `-00:00` unknown."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: Decimal
    zone: str
    precision: int

    @property
    def offset_minutes(self) -> int:
        """Minutes east of UTC; an unknown offset counts as UTC."""
        return offset_minutes(self.zone)

    @property
    def local_seconds(self) -> Decimal:
        """Seconds since year 1 on the clock that shows this moment."""
        days = datetime.date(self.year, self.month, self.day).toordinal()
        return days * _DAY_SECONDS + self.hour * 3_600 + self.minute * 60 + self.second


def moment_of(value: Value) -> Moment | None:
    """The parts of a date or timestamp, or None for any other value."""
    if type(value) is datetime.datetime:
        value = Timestamp(timestamp_text(value))
    if type(value) is Timestamp:
        match = _TEXT.fullmatch(value.text)
        assert match is not None
        year, month, day, hour, minute, second, zone = match.groups()
        known = sum(part is not None for part in (month, day, hour, second))
        return Moment(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
            Decimal(second or 0), zone or "-00:00", known,
        )  # fmt: skip
    if type(value) is datetime.date:
        return Moment(value.year, value.month, value.day, 0, 0, Decimal(0), "-00:00", DAY)
    return None


def timestamp_from(moment: Moment) -> Value:
    """The timestamp of these parts.

    >>> timestamp_from(Moment(2017, 1, 2, 0, 0, Decimal(0), "Z", DAY))
    Timestamp(text='2017-01-02')
    """
    year, month, day, hour, minute, second, zone, precision = moment
    text = f"{year:04d}"
    if precision < DAY:
        text += "T" if precision == YEAR else f"-{month:02d}T"
    else:
        text += f"-{month:02d}-{day:02d}"
    if precision >= MINUTE:
        text += f"T{hour:02d}:{minute:02d}"
        if precision == SECOND:
            text += f":{'0' if second < 10 else ''}{second:f}"
        text += zone
    return timestamp_of(text)


def offset_minutes(zone: str) -> int:
    """Minutes of an offset text."""
    if zone in ("Z", ""):
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def moved(moment: Moment, *, months: int = 0, seconds: Decimal = Decimal(0)) -> Moment:
    """The moment so much later; a day that its month does not have becomes the month's last.

    Raises:
        InputError: Outside of the years 1 to 9999.
    """
    count = moment.year * 12 + moment.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if not 1 <= year <= 9999:
        raise InputError("a timestamp's year is from 1 to 9999")
    day = min(moment.day, _days_in(year, month))
    shifted = moment._replace(year=year, month=month, day=day)
    if not seconds:
        return shifted
    total = shifted.local_seconds + seconds
    days = int(total // _DAY_SECONDS)
    if not 1 <= days <= datetime.date.max.toordinal():
        raise InputError("a timestamp's year is from 1 to 9999")
    date = datetime.date.fromordinal(days)
    rest = total - days * _DAY_SECONDS
    hour, minute = int(rest // 3_600), int(rest % 3_600 // 60)
    return shifted._replace(
        year=date.year, month=date.month, day=date.day, hour=hour, minute=minute, second=rest % 60
    )


def _days_in(year: int, month: int) -> int:
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if leap else _MONTH_DAYS[month - 1]


# Arithmetic with intervals


def shifted(value: Value, interval: Interval) -> Value:
    """A date, time or timestamp plus an interval; None for any other value."""
    if type(value) in (datetime.time, Time):
        return None if interval.in_months else _shifted_time(value, interval.amount)
    moment = moment_of(value)
    if moment is None:
        return None
    if interval.in_months:
        later = moved(moment, months=int(interval.amount))
    else:
        later = moved(moment, seconds=interval.amount)
    if type(value) is datetime.date:
        return datetime.date(later.year, later.month, later.day)
    if not interval.in_months:
        later = later._replace(precision=max(later.precision, _interval_precision(interval)))
    return timestamp_from(later)


def _interval_precision(interval: Interval) -> int:
    if interval.amount % 60:
        return SECOND
    return MINUTE if interval.amount % _DAY_SECONDS else DAY


def _shifted_time(value: datetime.time | Time, seconds: Decimal) -> Value:
    hour, minute, second, zone = _clock_parts(value)
    total = (hour * 3_600 + minute * 60 + second + seconds) % _DAY_SECONDS
    total = (
        total + _DAY_SECONDS if total < 0 else total
    )  # a decimal's % has the sign of its left side
    whole = int(total // 60)
    rest = total % 60
    text = f"{whole // 60:02d}:{whole % 60:02d}:{'0' if rest < 10 else ''}{rest:f}"
    return time_of(text + zone)


def between(start: Value, end: Value) -> Value:
    """`end - start` of two times, or of two dates or timestamps; None for any other values."""
    if type(start) in (datetime.time, Time) and type(end) in (datetime.time, Time):
        seconds = _utc_seconds(end) - _utc_seconds(start)
    else:
        first, last = moment_of(start), moment_of(end)
        if first is None or last is None:
            return None
        seconds = _instant(last) - _instant(first)
    return Interval(seconds, in_months=False, qualifier=Qualifier("DAY", "SECOND", (9, 9)))


def _instant(moment: Moment) -> Decimal:
    return moment.local_seconds - moment.offset_minutes * 60


def _clock_parts(value: datetime.time | Time) -> tuple[int, int, Decimal, str]:
    text = value.text if isinstance(value, Time) else value.isoformat()
    match = _CLOCK.fullmatch(text)
    assert match is not None
    return int(match[1]), int(match[2]), Decimal(match[3]), match[4] or ""


def _utc_seconds(value: datetime.time | Time) -> Decimal:
    hour, minute, second, zone = _clock_parts(value)
    return hour * 3_600 + (minute - offset_minutes(zone)) * 60 + second


# Functions


def date_add(part: str, count: Value, value: Value, reject: Reject) -> Value:
    """`DATE_ADD(part, count, timestamp)`; the result is at least as precise as `part`."""
    if count is MISSING or value is MISSING:
        return MISSING
    if count is None or value is None:
        return None
    moment = moment_of(value)
    if moment is None or type(count) is not int:
        return reject("DATE_ADD needs an integer and a timestamp")
    if abs(count) > 10**12:
        raise InputError("a timestamp's year is from 1 to 9999")
    if part in UNIT_SECONDS:
        later = moved(moment, seconds=Decimal(count * UNIT_SECONDS[part]))
    else:
        later = moved(moment, months=count * (12 if part == "YEAR" else 1))
    if type(value) is datetime.date and part in ("YEAR", "MONTH", "DAY"):
        return datetime.date(later.year, later.month, later.day)
    return timestamp_from(later._replace(precision=max(later.precision, _PRECISIONS[part])))


def date_diff(part: str, start: Value, end: Value, reject: Reject) -> Value:
    """`DATE_DIFF(part, start, end)`: whole units from `start` to `end`, negative backwards."""
    if start is MISSING or end is MISSING:
        return MISSING
    if start is None or end is None:
        return None
    times = type(start) in (datetime.time, Time), type(end) in (datetime.time, Time)
    if all(times) and part in UNIT_SECONDS:
        return int((_utc_seconds(end) - _utc_seconds(start)) / UNIT_SECONDS[part])
    first, last = moment_of(start), moment_of(end)
    if first is None or last is None:
        return reject("DATE_DIFF needs two timestamps")
    if part in UNIT_SECONDS:
        return int((_instant(last) - _instant(first)) / UNIT_SECONDS[part])
    months = _whole_months(_in_utc(first), _in_utc(last))
    return int(months / 12) if part == "YEAR" else months


def _in_utc(moment: Moment) -> Moment:
    offset = moment.offset_minutes
    return moved(moment, seconds=Decimal(-60 * offset)) if offset else moment


def _whole_months(first: Moment, last: Moment) -> int:
    months = (last.year - first.year) * 12 + last.month - first.month
    if months > 0 and last[2:6] < first[2:6]:
        return months - 1
    if months < 0 and last[2:6] > first[2:6]:
        return months + 1
    return months


def extract(part: str, value: Value, reject: Reject) -> Value:
    """`EXTRACT(part FROM value)`; seconds are a decimal, all else integers."""
    if value is None or value is MISSING:
        return value
    parts: dict[str, Value] = {}
    if type(value) is Interval:
        parts = _interval_parts(value)
    elif type(value) in (datetime.time, Time):
        hour, minute, second, zone = _clock_parts(value)
        parts = {"HOUR": hour, "MINUTE": minute, "SECOND": second, **_zone_parts(zone)}
    else:
        moment = moment_of(value)
        if moment is not None:
            names = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
            parts = dict(zip(names, moment[:6], strict=True))
            if type(value) is not datetime.date:
                parts.update(_zone_parts(moment.zone))
    return parts[part] if part in parts else reject(f"EXTRACT finds no {part}")


def _zone_parts(zone: str) -> dict[str, Value]:
    if not zone or zone == "-00:00":
        return {}
    minutes = offset_minutes(zone)
    sign = -1 if minutes < 0 else 1
    hours, rest = divmod(abs(minutes), 60)
    return {"TIMEZONE_HOUR": sign * hours, "TIMEZONE_MINUTE": sign * rest}


def _interval_parts(interval: Interval) -> dict[str, Value]:
    fields = interval.fields()
    sign = -1 if fields["sign"] == "-" else 1
    if interval.in_months:
        return {"YEAR": sign * int(fields["years"]), "MONTH": sign * int(fields["months"])}
    second = int(fields["seconds"]) + Decimal(int(fields["nanos"])).scaleb(-9)
    return {
        "DAY": sign * int(fields["days"]),
        "HOUR": sign * int(fields["hours"]),
        "MINUTE": sign * int(fields["minutes"]),
        "SECOND": sign * second.normalize(),
    }


# Literals


def date_literal(text: str) -> datetime.date:
    """The value of `DATE 'text'`.

    Raises:
        ValueError: Not `YYYY-MM-DD`, or no such day.
    """
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(f"not a date: {text!r}")
    return datetime.date.fromisoformat(text)


def time_literal(text: str, precision: int | None, zoned: bool | None) -> Value:
    """The value of `TIME (precision) WITH TIME ZONE 'text'`; fractions are rounded to the precision.

    Raises:
        ValueError: Not `HH:MM:SS.fff` with an offset or without.
    """
    match = _CLOCK.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or Decimal(match[3]) >= 60:
        raise ValueError(f"not a time: {text!r}")
    if precision is not None and precision > 9:
        raise ValueError("a time has at most 9 digits after the point")
    second = _cut_second(match[3], precision)
    zone = match[4] or ("" if zoned is not True else "+00:00")
    if zone and (int(zone[1:3]) > 18 or int(zone[4:6]) > 59 or abs(offset_minutes(zone)) > 1_080):
        raise ValueError(f"no time zone has the offset {zone}")
    return time_of(f"{match[1]}:{match[2]}:{second}{zone if zoned is not False else ''}")


def timestamp_literal(text: str, precision: int | None, zoned: bool | None) -> Value:
    """The value of `TIMESTAMP (precision) WITH TIME ZONE 'text'`.

    Raises:
        ValueError: Not `YYYY-MM-DD HH:MM:SS.fff`, or an offset is missing or too much.
    """
    date, _, clock = text.replace("T", " ").partition(" ")
    match = _CLOCK.fullmatch(clock.replace("Z", "+00:00"))
    if match is None:
        raise ValueError(f"not a timestamp: {text!r}")
    if zoned is True and not match[4]:
        raise ValueError("a timestamp with time zone needs an offset")
    date_literal(date)
    zone = "-00:00" if zoned is False or not match[4] else match[4]
    zone = "Z" if zone == "+00:00" else zone
    return timestamp_of(f"{date}T{match[1]}:{match[2]}:{_cut_second(match[3], precision)}{zone}")


def _cut_second(text: str, precision: int | None) -> str:
    if precision is None:
        return text[: text.index(".") + 10] if "." in text else text
    second = Decimal(text).quantize(Decimal(1).scaleb(-precision), rounding=ROUND_HALF_UP)
    if second >= 60:
        second = Decimal(60) - Decimal(1).scaleb(-precision)
    return f"{'0' if second < 10 else ''}{second:f}"
