"""OVERLAPS: whether two periods have a moment in common. SQL:2023 part 2, section 8.14.

A period is a pair: its start, and its end or its length. An unknown start, or an end before the start,
turns the pair round.
"""

from typing import Any

from journal.values import MISSING, Value
from materializer.partiql.operators import moments
from materializer.partiql.operators.intervals import Interval
from materializer.partiql.operators.kinds import DATE, TIME, TIMESTAMP, comparable, rank_of
from materializer.partiql.operators.reject import Reject
from materializer.partiql.operators.text import absent

_Truth = bool | None


def overlaps(left: Value, right: Value, reject: Reject) -> Value:
    """`left OVERLAPS right`; null where it depends on an end that is not known."""
    if left is MISSING or right is MISSING or left is None or right is None:
        return absent(left, right)
    first, second = _period(left), _period(right)
    if first is None or second is None:
        return reject("OVERLAPS needs two pairs of dates, times or timestamps")
    (start, end), (other_start, other_end) = first, second
    if start is None or other_start is None:
        return None
    return _or(
        _and(_less(other_start, start), _not(_starts_after(start, end, other_end))),
        _and(_less(start, other_start), _not(_starts_after(other_start, other_end, end))),
        _not(_or(_less(start, other_start), _less(other_start, start))),
    )


def _starts_after(start: Value, end: Value, other_end: Value) -> _Truth:
    """Whether a period lies after the end of the other."""
    return _and(_not(_less(start, other_end)), _not(_less(end, other_end)))


def _period(pair: Value) -> tuple[Value, Value] | None:
    """Start and end; None for what is no period."""
    if not isinstance(pair, list) or len(pair) != 2:
        return None
    start, end = (None if part is MISSING else part for part in pair)
    if start is not None and type(end) is Interval:
        end = moments.shifted(start, end)
    if any(
        part is not None and rank_of(part) not in (DATE, TIME, TIMESTAMP) for part in (start, end)
    ):
        return None
    if start is None or (end is not None and _less(end, start)):
        start, end = end, start
    return start, end


def _less(left: Value, right: Value) -> _Truth:
    if left is None or right is None:
        return None
    keys: Any = comparable(left, right)
    return None if keys is None else bool(keys[0] < keys[1])


def _and(*parts: _Truth) -> _Truth:
    return False if False in parts else None if None in parts else True


def _or(*parts: _Truth) -> _Truth:
    return True if True in parts else None if None in parts else False


def _not(part: _Truth) -> _Truth:
    return None if part is None else not part
