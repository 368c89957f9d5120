"""Documents as canonical bytes.

A document is JSON plus a few types that JSON lacks, each written as an object of one tagged key:

```
int beyond +-(2^53 - 1)   {"$int":"9007199254740993"}      timestamp   {"$timestamp":"2026-11-23T18:00Z"}
integral, NaN, infinite   {"$float":"1.0"}                 date, time  {"$date":...}, {"$time":...}
decimal                   {"$decimal":"10.50"}             bytes       {"$bytes":"<base64>"}
Ion symbol                {"$symbol":"x"}                  other Ion   {"$ion":"<ion text>"}
```

A key that begins with `$` gets one more `$`. The bytes are the RFC 8785 (JCS) form of that, so any
language can make them again from the value, and what is hashed is exactly what is stored.

orjson writes JCS for most values and is forty times faster than `rfc8785`; `_is_plain` is the proof
that a value is one of those. A property test holds the two equal.
"""

import base64
import binascii
import datetime
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson
import rfc8785

from journal.errors import InvalidDocumentError, LimitExceededError
from journal.values import (
    MISSING,
    Bag,
    IonValue,
    Symbol,
    Time,
    Timestamp,
    Value,
    is_utf8,
    time_of,
    timestamp_of,
    timestamp_text,
)

NESTING_MAX: Final = 64
INTEGER_MAX: Final = 2**53 - 1
EXPONENT_MAX: Final = 100_000
NODES_MAX: Final = 1_048_576
"""Values in a document: one takes a byte at least, so a document of more is too long anyway.

Lists that hold the next one twice, thirty deep, are 2^30 values in little memory.
"""


def encode(value: Value) -> bytes:
    """The canonical bytes of any value; a `Bag` is written as a list, a tuple too.

    >>> encode({"b": 1, "a": Decimal("10.50")})
    b'{"a":{"$decimal":"10.50"},"b":1}'

    Raises:
        InvalidDocumentError: With the path of what cannot be stored.
    """
    return canonical(value)[0]


def canonical(value: Value) -> tuple[bytes, Value]:
    """The canonical bytes, and the value that they decode to (`value` itself where it is that).

    Raises:
        InvalidDocumentError: With the path of what cannot be stored.
        LimitExceededError: More than `NODES_MAX` values.
    """
    if _is_plain(value, NESTING_MAX, [NODES_MAX]):
        try:
            data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except (TypeError, ValueError):  # a lone surrogate; the walk below finds where
            data = b""
        if data and (data.isascii() or not _has_astral_key(value)):
            return data, value
    data = rfc8785.dumps(_tag(value, "$", NESTING_MAX, [NODES_MAX]))
    return data, decode(data)


def check(value: Value) -> None:
    """Refuse what `encode` refuses, without encoding it.

    Raises:
        InvalidDocumentError, LimitExceededError: See `canonical`.
    """
    kind = type(value)
    if kind is str and value.isascii():
        return
    if kind is not str and _is_plain(value, NESTING_MAX, [NODES_MAX]) and _all_utf8(value):
        return
    _tag(value, "$", NESTING_MAX, [NODES_MAX])


def decode(data: bytes) -> Value:
    """The value of canonical bytes. Inverse of `encode`; does not check that they are canonical.

    Raises:
        InvalidDocumentError: Not JSON, nested too deeply, or an unknown or malformed tag.
    """
    value = _loads(data)
    if b'"$' not in data and data.count(b"[") + data.count(b"{") <= NESTING_MAX:
        return value
    return _untag(value, "$", NESTING_MAX)


def is_canonical(data: bytes) -> bool:
    """Whether these are the bytes that `encode` writes for the value they hold."""
    try:
        return encode(decode(data)) == data
    except InvalidDocumentError:
        return False


def parse_json(text: bytes | str, *, size_max: int) -> Value:
    """The value of a JSON text that somebody else wrote, tags included.

    Any JSON number with a point or an exponent is a float, any other an int.

    Raises:
        LimitExceededError: More than `size_max` bytes.
        InvalidDocumentError: Not JSON, a duplicate key, an unknown tag, nesting deeper than
            `NESTING_MAX`; with the byte position, or with the path where the text itself is fine.
    """
    data = _utf8(text)
    if len(data) > size_max:
        raise LimitExceededError("document_size_max", maximum=size_max, actual=len(data))
    value = _loads(data)
    plain = _untag(value, "$", NESTING_MAX)
    if _LONG_NUMBER.search(data):  # which orjson may have rounded to a float
        plain = _untag(json.loads(data), "$", NESTING_MAX)
    if not _surely_without_duplicates(data, value):
        _check_keys(data)
    return plain


_SCALARS: Final = frozenset((str, bool, type(None)))
_JSON_SCALARS: Final = _SCALARS | {int, float}


def _is_plain(value: Value, depth: int, room: list[int]) -> bool:  # noqa: C901 - calls cost here
    """Whether orjson writes the value as JCS does, key order with astral letters apart.

    `room` is how many values may still follow; each container takes that of its own at once.
    """
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind is dict:
        if not depth:
            return False
        room[0] -= len(value)
        if room[0] < 0:
            raise _too_many(room)
        for key, item in value.items():
            if type(key) is not str or key[:1] == "$":
                return False
            if type(item) in _SCALARS:
                continue
            if type(item) is int and -INTEGER_MAX <= item <= INTEGER_MAX:
                continue
            if not _is_plain(item, depth - 1, room):
                return False
        return True
    if kind is int:
        return -INTEGER_MAX <= value <= INTEGER_MAX  # type: ignore[no-any-return]
    if kind is float:
        return 1e-4 <= abs(value) < 1e16 and not value.is_integer()
    if kind is list:
        room[0] -= len(value)
        if room[0] < 0:
            raise _too_many(room)
        return depth > 0 and all(_is_plain(item, depth - 1, room) for item in value)
    return False


def _too_many(room: list[int]) -> LimitExceededError:
    return LimitExceededError("document_nodes_max", maximum=NODES_MAX, actual=NODES_MAX - room[0])


def _take_room(room: list[int], count: int) -> None:
    room[0] -= count
    if room[0] < 0:
        raise _too_many(room)


def _all_utf8(value: Value) -> bool:
    """Whether no text in a plain value has a lone surrogate."""
    if isinstance(value, str):
        return is_utf8(value)
    if isinstance(value, dict):
        return all(map(_all_utf8, value)) and all(map(_all_utf8, value.values()))
    return not isinstance(value, list) or all(map(_all_utf8, value))


def _has_astral_key(value: Value) -> bool:
    """Whether a key has a letter beyond U+FFFF: JCS sorts by UTF-16 units, orjson by code points."""
    if isinstance(value, dict):
        return any(
            max(key, default="") > "\uffff" or _has_astral_key(item) for key, item in value.items()
        )
    return isinstance(value, list) and any(map(_has_astral_key, value))


def _tag(value: Value, path: str, depth: int, room: list[int]) -> Any:
    """The value as JSON that `rfc8785` accepts, or the error that says where it is not one."""
    if isinstance(value, Mapping):
        _take_room(room, len(value))
        return {
            _tag_key(key, path): _tag(item, f"{path}.{key}", _deeper(path, depth), room)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | Bag):
        _take_room(room, len(value))
        return [
            _tag(item, f"{path}[{index}]", _deeper(path, depth), room)
            for index, item in enumerate(value)
        ]
    return _tag_scalar(value, path)


def _deeper(path: str, depth: int) -> int:
    if not depth:
        raise InvalidDocumentError(f"nested deeper than {NESTING_MAX}", path=_shortened(path))
    return depth - 1


def _shortened(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:200]}..."


def _tag_key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise InvalidDocumentError(
            f"field name {key!r} is a {type(key).__name__}, not a string", path=path
        )
    return _tag_scalar("$" + key if key.startswith("$") else key, path)  # type: ignore[no-any-return]


def _tag_scalar(value: Value, path: str) -> Any:  # noqa: C901 - one case per type, nothing else
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not is_utf8(value):
            raise InvalidDocumentError("lone surrogate in a string", path=path)
        return str.__str__(value)  # str() of an enum's member would be its name
    if isinstance(value, int):
        return int(value) if abs(value) <= INTEGER_MAX else {"$int": _integer_text(value, path)}
    if isinstance(value, float):
        return {"$float": _float_text(value)} if _needs_float_tag(value) else float(value)
    if isinstance(value, Decimal):
        return {"$decimal": _decimal_text(value, path)}
    if isinstance(value, datetime.datetime | Timestamp):
        try:
            return {"$timestamp": timestamp_text(value)}
        except ValueError as error:
            raise InvalidDocumentError(str(error), path=path) from None
    if isinstance(value, datetime.date):
        return {"$date": value.isoformat()}
    if isinstance(value, datetime.time | Time):
        return {"$time": _time_text(value, path)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Symbol):
        return {"$symbol": _tag_text(value, path)}
    if isinstance(value, IonValue):
        return {"$ion": _tag_text(value, path)}
    if value is MISSING:
        raise InvalidDocumentError("MISSING cannot be stored; leave the field out", path=path)
    raise InvalidDocumentError(f"a {type(value).__name__} cannot be stored", path=path)


def _tag_text(value: Any, path: str) -> Any:
    text = value.text  # its class does not check what it is given
    if not isinstance(text, str):
        kind = type(value).__name__
        raise InvalidDocumentError(f"the text of {kind} is no string", path=path)
    return _tag_scalar(text, path)


def _needs_float_tag(value: float) -> bool:
    return value != value or value in (float("inf"), float("-inf")) or value.is_integer()  # noqa: PLR0124


def _float_text(value: float) -> str:
    text = repr(float(value))
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)


def _integer_text(value: int, path: str) -> str:
    try:
        return str(int(value))
    except ValueError:
        raise InvalidDocumentError("an integer of more than 4,300 digits", path=path) from None


def _decimal_text(value: Decimal, path: str) -> str:
    if not value.is_finite():
        raise InvalidDocumentError(f"decimal {value} is not finite", path=path)
    if abs(value.adjusted()) > EXPONENT_MAX or abs(int(value.as_tuple().exponent)) > EXPONENT_MAX:
        raise InvalidDocumentError(f"decimal exponent beyond {EXPONENT_MAX}", path=path)
    return str(value)


def _time_text(value: datetime.time | Time, path: str) -> str:
    if isinstance(value, Time):
        return value.text
    offset = value.utcoffset()
    if value.tzinfo is not None and offset is None:
        raise InvalidDocumentError("a time whose offset depends on the date", path=path)
    if offset is not None and offset.total_seconds() % 60:
        raise InvalidDocumentError("offsets have whole minutes", path=path)
    return value.isoformat()


def _untag(value: Any, path: str, depth: int) -> Value:
    if type(value) in _JSON_SCALARS:
        return value
    if isinstance(value, dict):
        if len(value) == 1:
            ((key, item),) = value.items()
            if key[:1] == "$" and key[:2] != "$$":
                return _untag_scalar(key, item, path)
        deeper = _deeper(path, depth)
        return {
            _untag_key(key, path): _untag(item, f"{path}.{key}", deeper)
            for key, item in value.items()
        }
    deeper = _deeper(path, depth)
    return [_untag(item, f"{path}[{index}]", deeper) for index, item in enumerate(value)]


def _untag_key(key: str, path: str) -> str:
    if key[:1] != "$":
        return key
    if key[:2] == "$$":
        return key[1:]
    raise InvalidDocumentError(
        f"tag {key} beside other fields; a field name that begins with $ is written with one more $",
        path=path,
    )


def _untag_scalar(tag: str, text: Any, path: str) -> Value:
    read = _READERS.get(tag)
    if read is None:
        known = " ".join(sorted(_READERS))
        raise InvalidDocumentError(f"unknown tag {tag} (known: {known})", path=path)
    if not isinstance(text, str):
        raise InvalidDocumentError(f"{tag} needs a string", path=path)
    try:
        return read(text)
    except (ValueError, InvalidOperation, binascii.Error):
        raise InvalidDocumentError(f"{text[:80]!r} is no value of {tag}", path=path) from None


def _read_integer(text: str) -> int:
    if not re.fullmatch(r"-?(0|[1-9]\d*)", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _read_float(text: str) -> float:
    if text in ("NaN", "Infinity", "-Infinity"):
        return float(text)
    if not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text, re.ASCII):
        raise ValueError(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value


def _read_decimal(text: str) -> Decimal:
    if not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text, re.ASCII):
        raise ValueError(text)
    value = Decimal(text)
    if abs(value.adjusted()) > EXPONENT_MAX or abs(int(value.as_tuple().exponent)) > EXPONENT_MAX:
        raise ValueError(text)
    return value


def _read_date(text: str) -> datetime.date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(text)
    return datetime.date.fromisoformat(text)


_READERS: Final[dict[str, Any]] = {
    "$int": _read_integer,
    "$float": _read_float,
    "$decimal": _read_decimal,
    "$timestamp": timestamp_of,
    "$date": _read_date,
    "$time": time_of,
    "$bytes": lambda text: base64.b64decode(text, validate=True),
    "$symbol": Symbol,
    "$ion": IonValue,
}
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]')
_SPACED_COLON: Final = re.compile(rb'"\s+:')
_LONG_NUMBER: Final = re.compile(rb"\d{19}")


def _utf8(text: bytes | str) -> bytes:
    if isinstance(text, bytes):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        position = len(text[: error.start].encode())
        raise InvalidDocumentError("lone surrogate", position=position) from None


def _loads(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        problem, letters = error.msg, error.pos
    try:
        position = len(data.decode()[:letters].encode())
    except UnicodeDecodeError as error:
        problem, position = "invalid UTF-8", error.start
    raise InvalidDocumentError(f"not JSON: {problem}", position=position)


def _surely_without_duplicates(data: bytes, value: Any) -> bool:
    """True only if no key stands twice in an object: every `":` is then accounted for by a key."""
    return not _SPACED_COLON.search(data) and data.count(b'":') == sum(1 for _ in _keys(value))


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


def _check_keys(data: bytes) -> None:
    """Refuse a duplicate key of a JSON text that is known to be well formed."""
    seen: list[set[str] | None] = []
    expects_key = False
    for token in _TOKEN.finditer(data):
        text = token.group()
        if text in (b"{", b"["):
            seen.append(set() if text == b"{" else None)
            expects_key = text == b"{"
        elif text in (b"}", b"]"):
            seen.pop()
        elif text == b",":
            expects_key = seen[-1] is not None
        elif text == b":":
            expects_key = False
        elif expects_key and seen and (keys := seen[-1]) is not None:
            key = orjson.loads(text)
            if key in keys:
                raise InvalidDocumentError(f"duplicate key {key!r}", position=token.start())
            keys.add(key)
            expects_key = False
