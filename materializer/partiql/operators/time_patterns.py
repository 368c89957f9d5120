"""TO_STRING and TO_TIMESTAMP: timestamps by pattern, as QLDB has them.

```
y yyyy yy    year                 H HH  hour of 24       S SS ...  fraction of the second, digit by digit
M MM         month, number        h hh  hour of 12, a    n         nanosecond of the second
MMM MMMM     Jan, January         m mm  minute           X XX XXX  offset +hh, +hhmm, +hh:mm; Z for UTC
MMMMM        J                    s ss  second           x xx xxx  the same without Z
d dd         day                  a     AM or PM         '...'     text; so is what is no letter
```
"""

import re
from decimal import Decimal
from typing import Final, NamedTuple

from journal.errors import InputError
from journal.values import MISSING, Value, timestamp_of
from materializer.partiql.operators.moments import (
    DAY,
    MINUTE,
    MONTH,
    SECOND,
    YEAR,
    Moment,
    moment_of,
    timestamp_from,
)
from materializer.partiql.operators.reject import Reject

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_PIECE: Final = re.compile(r"([A-Za-z])\1*|'[^']*'|[^A-Za-z']+")
_LENGTHS: Final = {
    "y": (1, 2, 3, 4), "M": (1, 2, 3, 4, 5), "d": (1, 2), "a": (1,), "h": (1, 2), "H": (1, 2),
    "m": (1, 2), "s": (1, 2), "S": range(1, 10), "n": (1,), "X": range(1, 6), "x": range(1, 6),
}  # fmt: skip
_NEEDS: Final = {
    "M": "y", "d": "M", "h": "d", "H": "d", "m": "hH", "s": "m", "S": "s", "n": "s", "X": "m", "x": "m",
}  # fmt: skip


class _Piece(NamedTuple):
    """A run of one letter, or (with `letter` empty) text."""

    letter: str
    text: str


def to_string(value: Value, pattern: Value, reject: Reject) -> Value:
    """`TO_STRING(timestamp, pattern)`.

    Raises:
        InputError: No such pattern.
    """
    if value is MISSING or pattern is MISSING:
        return MISSING
    if value is None or pattern is None:
        return None
    moment = moment_of(value)
    if moment is None or type(pattern) is not str:
        return reject("TO_STRING needs a timestamp and a text")
    return "".join(_formatted(piece, moment) for piece in _pieces(pattern))


def to_timestamp(value: Value, pattern: Value, reject: Reject) -> Value:
    """`TO_TIMESTAMP(text, pattern)`; without a pattern (MISSING) the text is as Ion writes it.

    Raises:
        InputError: No such pattern, or the text is not of it.
    """
    if value is MISSING:
        return MISSING
    if value is None or pattern is None:
        return None
    if type(value) is not str or not (pattern is MISSING or type(pattern) is str):
        return reject("TO_TIMESTAMP needs texts")
    try:
        return _parsed(value, pattern) if isinstance(pattern, str) else timestamp_of(value)
    except ValueError as error:
        raise InputError(f"not a timestamp: {value[:60]!r}") from error


def _pieces(pattern: str) -> list[_Piece]:
    pieces, position = [], 0
    while position < len(pattern):
        match = _PIECE.match(pattern, position)
        if match is None:
            raise InputError(f"a quote in the pattern {pattern!r} is not closed")
        text, letter = match.group(), match[1] or ""
        if letter and len(text) not in _LENGTHS.get(letter, ()):
            raise InputError(f"{text!r} is no part of a timestamp pattern")
        pieces.append(_Piece(letter, text.strip("'") if text[0] == "'" else text))
        position = match.end()
    return pieces


def _formatted(piece: _Piece, moment: Moment) -> str:
    letter, text = piece
    if not letter:
        return text
    if letter in "Xx":
        return _offset(moment.zone, len(text), zulu=letter == "X")
    if letter == "M" and len(text) > 2:
        name = _MONTHS[moment.month - 1]
        return {3: name[:3], 4: name, 5: name[0]}[len(text)]
    if letter == "S":
        return f"{int(moment.second % 1 * 10**9):09d}"[: len(text)]
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter == "y" and len(text) == 2:
        return f"{moment.year % 100:02d}"
    number = {
        "y": moment.year, "M": moment.month, "d": moment.day, "H": moment.hour,
        "h": moment.hour % 12 or 12, "m": moment.minute, "s": int(moment.second),
        "n": int(moment.second % 1 * 10**9),
    }[letter]  # fmt: skip
    return f"{number:0{len(text)}d}"


def _offset(zone: str, length: int, *, zulu: bool) -> str:
    if zone in ("Z", "-00:00", "+00:00"):
        if zulu:
            return "Z"
        zone = "+00:00"
    if length == 1:
        return zone[:3] if zone[4:] == "00" else zone.replace(":", "")
    return zone.replace(":", "") if length in (2, 4) else zone


def _parsed(text: str, pattern: str) -> Value:
    pieces = _pieces(pattern)
    _check_complete([piece.letter for piece in pieces if piece.letter])
    expression, names = "", {}
    for index, piece in enumerate(pieces):
        if not piece.letter:
            expression += re.escape(piece.text)
            continue
        names[piece.letter] = index
        expression += f"(?P<g{index}>{_digits(piece)})"
    match = re.fullmatch(expression, text, re.ASCII)
    if match is None:
        raise ValueError("the text is not of the pattern")
    found = {letter: match[f"g{index}"] for letter, index in names.items()}
    return timestamp_from(_moment(found, {p.letter: len(p.text) for p in pieces}))


def _check_complete(letters: list[str]) -> None:
    """Each part needs the larger one before it: a day without a month says nothing."""
    if len(set(letters)) != len(letters) or "y" not in letters or {"X", "x"} <= set(letters):
        raise InputError("a pattern has each part once, and the year always")
    if ("h" in letters) != ("a" in letters) or {"h", "H"} <= set(letters):
        raise InputError("in a pattern, h and a belong together")
    for letter in letters:
        if letter in _NEEDS and not set(_NEEDS[letter]) & set(letters):
            raise InputError(f"in a pattern, {letter} needs {' or '.join(_NEEDS[letter])}")


def _digits(piece: _Piece) -> str:
    letter, length = piece.letter, len(piece.text)
    if letter == "M" and length > 2:
        if length == 5:
            raise InputError("MMMMM does not say which month")
        return "|".join(name[:3] if length == 3 else name for name in _MONTHS)
    if letter == "a":
        return "[AaPp][Mm]"
    if letter in "Xx":
        zulu = "Z|" if letter == "X" else ""
        return (
            zulu
            + {1: r"[+-]\d\d(?:\d\d)?", 2: r"[+-]\d{4}", 3: r"[+-]\d\d:\d\d"}[
                length if length < 4 else length - 2
            ]
        )
    if letter == "y":
        return {1: r"\d{1,4}", 2: r"\d\d", 3: r"\d{3,4}", 4: r"\d{4}"}[length]
    if letter == "n":
        return r"\d{1,9}"
    if letter == "S":
        return rf"\d{{{length}}}"
    return r"\d\d?" if length == 1 else r"\d\d"


def _moment(found: dict[str, str], lengths: dict[str, int]) -> Moment:
    year = int(found["y"])
    if lengths["y"] == 2:
        year += 1900 if year >= 70 else 2000
    month_text = found.get("M", "1")
    month = int(month_text) if month_text.isdigit() else _month_number(month_text)
    second = Decimal(found.get("s", "0"))
    if "S" in found:
        second += (
            Decimal(f"0.{found['S']}".rstrip("0") + "0") if int(found["S"]) else Decimal("0.0")
        )
    elif "n" in found:
        second += Decimal(found["n"]).scaleb(-9)
    known = sum(letter in found for letter in "Mds") + ("h" in found or "H" in found)
    precision = (YEAR, MONTH, DAY, MINUTE, SECOND)[known]
    zone = _zone(found.get("X") or found.get("x"))
    hour = int(found["H"]) if "H" in found else _hour_of_12(found)
    return Moment(
        year,
        month,
        int(found.get("d", "1")),
        hour,
        int(found.get("m", "0")),
        second,
        zone,
        precision,
    )


def _month_number(name: str) -> int:
    return [month[:3] for month in _MONTHS].index(name[:3]) + 1


def _hour_of_12(found: dict[str, str]) -> int:
    if "h" not in found:
        return 0
    hour = int(found["h"])
    if not 1 <= hour <= 12:
        raise ValueError("an hour of 12 is from 1 to 12")
    return hour % 12 + (12 if found["a"].upper() == "PM" else 0)


def _zone(text: str | None) -> str:
    if text is None:
        return "-00:00"
    if text == "Z":
        return "Z"
    digits = text.replace(":", "")
    digits += "00" if len(digits) == 3 else ""
    zone = f"{digits[:3]}:{digits[3:]}"
    if int(digits[1:3]) > 23 or int(digits[3:]) > 59:
        raise ValueError("an offset is at most 23:59")
    return "Z" if zone in ("+00:00", "-00:00") else zone
