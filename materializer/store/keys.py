"""Index keys: byte strings that sort as the values do.

```
key = part...      part = kind byte, then bytes of that kind, self-delimiting
kinds, in order:   MISSING  null  bool  number  date  time  timestamp  text  bytes  list  struct  Ion
```

All numbers share one exact space: 1, 1.0 and 1e0 are one key, 0.1 the float and 0.1 the decimal are two.
Timestamps compare by instant, times by their moment of a day in UTC. Symbols are text. No key is the
prefix of another key with as many parts, so a composite key is its parts one after another, and a range
over a prefix is a range of bytes.

```
number  sign 0..5 (NaN -inf negative zero positive +inf), exponent in 4 bytes, digits in base 100, 00
        (negative: exponent and digits complemented, so that larger magnitudes come first)
text    UTF-8 with 00 written 00 FF, then 00 01
```
"""

import datetime
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from journal.values import (
    MISSING,
    Bag,
    IonValue,
    Symbol,
    Time,
    Timestamp,
    Value,
    instant_of,
    time_of_day,
)

Path = tuple[str, ...]

AFTER: Final = b"\xff"
"""Greater than any kind byte: `part + AFTER` follows every key that begins with `part`."""

_MISSING: Final = b"\x01"
_NULL: Final = b"\x02"
_BOOL: Final = b"\x03"
_NUMBER: Final = b"\x04"
_DATE: Final = b"\x05"
_TIME: Final = b"\x06"
_TIMESTAMP: Final = b"\x07"
_TEXT: Final = b"\x08"
_BYTES: Final = b"\x09"
_LIST: Final = b"\x0a"
_STRUCT: Final = b"\x0b"
_ION: Final = b"\x0c"


def key_of(document: dict[str, Value], paths: Sequence[Path]) -> bytes:
    """The index key of a document: one part for each path.

    >>> key_of({"a": {"b": "x"}}, [("a", "b")]) == part_of("x")
    True
    """
    if len(paths) == 1:
        return part_of(value_at(document, paths[0]))
    return b"".join([part_of(value_at(document, path)) for path in paths])


def key_is_partial(document: dict[str, Value], paths: Sequence[Path]) -> bool:
    """Whether a part is null or MISSING: such a key is never a duplicate, as NULLs in SQL."""
    for path in paths:
        value = value_at(document, path)
        if value is None or value is MISSING:
            return True
    return False


def value_at(document: Value, path: Path) -> Value:
    """The value at a path of fields; MISSING where one of them is not there."""
    for step in path:
        if type(document) is not dict or step not in document:
            return MISSING
        document = document[step]
    return document


def part_of(value: Value) -> bytes:
    """The bytes of one value."""
    encode = _ENCODERS.get(type(value))
    if encode is None:
        raise TypeError(f"a {type(value).__name__} is no stored value")
    return encode(value)


def kind_range(part: bytes) -> tuple[bytes, bytes]:
    """Bounds `[low, high)` of all parts of the same kind as `part`."""
    return part[:1], bytes((part[0] + 1,))


def _text(value: str) -> bytes:
    return _TEXT + _delimited(value.encode())


def _delimited(data: bytes) -> bytes:
    if b"\x00" in data:
        data = data.replace(b"\x00", b"\x00\xff")
    return data + b"\x00\x01"


def _integer(value: int) -> bytes:
    if not value:
        return _ZERO
    digits = str(abs(value)) if -_PRINTABLE < value < _PRINTABLE else _long_digits(abs(value))
    return _scientific(value < 0, len(digits), digits.rstrip("0"))


def _float(value: float) -> bytes:
    if value != value:  # noqa: PLR0124 - NaN is the only value that differs from itself
        return _NUMBER + b"\x00"
    if value in (_INFINITY, -_INFINITY):
        return _NUMBER + (b"\x05" if value > 0 else b"\x01")
    return _integer(int(value)) if value.is_integer() else _decimal(Decimal(value))


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # documents hold finite decimals only
    if not any(digits):
        return _ZERO
    text = "".join(map(str, digits)).lstrip("0")
    return _scientific(bool(sign), len(text) + exponent, text.rstrip("0"))


def _scientific(negative: bool, exponent: int, digits: str) -> bytes:
    """0.DIGITS times ten to the `exponent`; the first and the last digit are not zero."""
    if len(digits) & 1:
        digits += "0"
    packed = bytes(int(digits[i : i + 2]) + 1 for i in range(0, len(digits), 2)) + b"\x00"
    biased = min(max(exponent + (1 << 31), 0), (1 << 32) - 1)  # documents stay far inside
    magnitude = biased.to_bytes(4, "big") + packed
    if negative:
        return _NUMBER + b"\x02" + magnitude.translate(_COMPLEMENT)
    return _NUMBER + b"\x04" + magnitude


def _long_digits(value: int) -> str:
    """Decimal digits of an int that is too long for `str` (which is quadratic, so it refuses)."""
    return format(Decimal(value), "f")


def _instant(value: datetime.datetime | Timestamp) -> bytes:
    return _TIMESTAMP + _decimal(instant_of(value))[1:]


def _time(value: datetime.time | Time) -> bytes:
    return _TIME + _decimal(time_of_day(value))[1:]


def _list(value: Sequence[Any]) -> bytes:
    return _LIST + b"".join(b"\x01" + part_of(item) for item in value) + b"\x00"


def _struct(value: dict[str, Any]) -> bytes:
    parts = (b"\x01" + _delimited(key.encode()) + part_of(value[key]) for key in sorted(value))
    return _STRUCT + b"".join(parts) + b"\x00"


_PRINTABLE: Final = 10**600
"""`str` refuses longer ints from 640 digits on, where a process is set up so."""
_INFINITY: Final = float("inf")
_ZERO: Final = _NUMBER + b"\x03"
_COMPLEMENT: Final = bytes(255 - byte for byte in range(256))
_ENCODERS: Final[dict[type, Callable[[Any], bytes]]] = {
    type(MISSING): lambda _: _MISSING,
    type(None): lambda _: _NULL,
    bool: lambda value: _BOOL + (b"\x01" if value else b"\x00"),
    int: _integer,
    float: _float,
    Decimal: _decimal,
    datetime.date: lambda value: _DATE + value.isoformat().encode(),
    datetime.time: _time,
    Time: _time,
    datetime.datetime: _instant,
    Timestamp: _instant,
    str: _text,
    Symbol: lambda value: _text(value.text),
    bytes: lambda value: _BYTES + _delimited(value),
    list: _list,
    Bag: _list,
    dict: _struct,
    IonValue: lambda value: _ION + _delimited(value.text.encode()),
}
