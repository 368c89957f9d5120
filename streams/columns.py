"""Declared columns: what each type takes from a document, and how it is written.

```
type          takes                                       JSON (Connect)          Avro
string        texts, symbols; decimals and times as text  string                  string
int           integers of 64 bits                         int64                   long
float         floats, integers up to 2^53                 double                  double
bool          booleans                                    boolean                 boolean
decimal(n)    decimals and integers, exact with n digits  Decimal, base64         bytes, decimal
timestamp     timestamps of whole milliseconds            Timestamp, int64 of ms  long, timestamp-millis
timestamp(6)  timestamps of whole microseconds            MicroTimestamp, int64   long, timestamp-micros
date          dates                                       Date, int32 of days     int, date
time          times of whole milliseconds                 Time, int32 of ms       int, time-millis
bytes         bytes                                       bytes, base64           bytes
json          anything                                    Json, string            string
```

Null and a missing field are null everywhere. What does not fit is a `Misfit`: nothing is rounded or cut.
A text with the character U+0000 does not fit either: databases refuse it, and a sink would stop for good.
`MicroTimestamp` and `Json` are names that Debezium's sinks know; others see an int64 and a string.
"""

import base64
import binascii
import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final, NamedTuple

import orjson

from journal.errors import SettingsError
from journal.values import instant_of, time_of, time_of_day, timestamp_of
from streams.plain import plain, tag_of
from streams.records import column_name

DECIMAL_DIGITS_MAX: Final = 38
"""Digits of a declared decimal in all: what databases have for a decimal of given scale."""
JSON_SCHEMA: Final = "io.debezium.data.Json"
_INT64: Final = 2**63
_EXACT_IN_DOUBLE: Final = 2**53
_CONNECT: Final = "org.apache.kafka.connect.data"
_DECIMAL: Final = re.compile(r"decimal\((\d{1,2})\)")
_EPOCH: Final = datetime.date(1970, 1, 1)


class Misfit(ValueError):  # noqa: N818 - never leaves this package
    """A document that does not fit the declared columns; says which field and why."""


class Kind(NamedTuple):
    """A type of column.

    Attributes:
        name: As declared.
        take: A tagged JSON value -> a str, int, float, bool or bytes; raises ValueError.
        connect_schema: Type of the field in Connect's JSON schema, with `name` where it has one.
        avro_type: The type in an Avro schema.
    """

    name: str
    take: Callable[[Any], Any]
    connect_schema: Mapping[str, Any]
    avro_type: Any


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column of a document's field."""

    field: str
    kind: Kind

    @property
    def name(self) -> str:
        """The column's name in records."""
        return column_name(self.field)

    @property
    def key(self) -> str:
        """The field's key in canonical bytes."""
        return f"${self.field}" if self.field.startswith("$") else self.field


def kind_of(text: str) -> Kind:
    """The type that a declaration names.

    Raises:
        SettingsError: There is none of that name.
    """
    if found := _KINDS.get(text):
        return found
    if match := _DECIMAL.fullmatch(text):
        scale = int(match[1])
        if scale <= DECIMAL_DIGITS_MAX:
            return _decimal(scale)
    raise SettingsError(
        f"unknown type of a column: {text!r}", hint=f"known: {', '.join(_KINDS)}, decimal(SCALE)"
    )


def values_of(document: bytes, columns: Sequence[Column]) -> list[Any]:
    """The columns' values, bytes as bytes; one decoding of the document.

    Raises:
        Misfit: A field does not fit its column, or the document is no struct.
    """
    tagged = orjson.loads(document)
    if not isinstance(tagged, dict) or tag_of(tagged):
        raise Misfit("the document is no struct")
    found: list[Any] = []
    for column in columns:
        value = tagged.get(column.key)
        if value is None:
            found.append(None)
            continue
        try:
            found.append(column.kind.take(value))
        except (ValueError, ArithmeticError) as error:
            raise Misfit(f"field {column.field!r} is no {column.kind.name}: {error}") from None
    return found


def columns_of(document: bytes, columns: Sequence[Column]) -> dict[str, Any]:
    """The columns as JSON has them: bytes in base64.

    Raises:
        Misfit: See `values_of`.
    """
    return {
        column.name: base64.b64encode(value).decode() if type(value) is bytes else value
        for column, value in zip(columns, values_of(document, columns), strict=True)
    }


def _take_string(value: Any) -> str:
    text = value if isinstance(value, str) else _tagged(value, *_TEXTUAL)
    if "\x00" in text:
        raise ValueError("it has the character U+0000, which databases refuse")
    return text


def _take_int(value: Any) -> int:
    number = value if type(value) is int else int(_tagged(value, "$int"))
    if not -_INT64 <= number < _INT64:
        raise ValueError("more than 64 bits")
    return number


def _take_float(value: Any) -> float:
    if type(value) is int and abs(value) <= _EXACT_IN_DOUBLE:
        return float(value)
    number = value if type(value) is float else float(_tagged(value, "$float"))
    if number - number != 0:
        raise ValueError(f"{number} cannot be written in JSON")
    return number


def _take_bool(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(_shown(value))
    return value


def _take_timestamp(value: Any) -> int:
    text = _tagged(value, "$timestamp")
    return _whole(instant_of(timestamp_of(text)) * 1000, text, "milliseconds")


def _take_micro_timestamp(value: Any) -> int:
    text = _tagged(value, "$timestamp")
    return _whole(instant_of(timestamp_of(text)) * 1_000_000, text, "microseconds")


def _whole(number: Decimal, text: str, unit: str) -> int:
    whole = int(number)
    if whole != number:
        raise ValueError(f"{text} is finer than {unit}")
    return whole


def _take_date(value: Any) -> int:
    return (datetime.date.fromisoformat(_tagged(value, "$date")) - _EPOCH).days


def _take_time(value: Any) -> int:
    text = _tagged(value, "$time")
    return _whole(time_of_day(time_of(text)) * 1000, text, "milliseconds") % 86_400_000


def _take_bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(_tagged(value, "$bytes"), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _take_json(value: Any) -> str:
    return orjson.dumps(plain(value)).decode()


def _decimal(scale: int) -> Kind:
    context = Context(prec=DECIMAL_DIGITS_MAX, traps=[Inexact, InvalidOperation])

    def take(value: Any) -> bytes:
        number = (
            Decimal(value) if type(value) is int else Decimal(_tagged(value, "$decimal", "$int"))
        )
        try:
            unscaled = int(
                number.quantize(Decimal(1).scaleb(-scale), context=context).scaleb(scale)
            )
        except (Inexact, InvalidOperation):
            raise ValueError(
                f"{_shown(str(number))} is not exact with {scale} digits behind the point,"
                f" or has more than {DECIMAL_DIGITS_MAX} in all"
            ) from None
        size = (unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1
        return unscaled.to_bytes(size, "big", signed=True)

    return Kind(
        f"decimal({scale})",
        take,
        {
            "type": "bytes",
            "name": f"{_CONNECT}.Decimal",
            "version": 1,
            "parameters": {"scale": str(scale)},
        },
        {
            "type": "bytes",
            "logicalType": "decimal",
            "precision": DECIMAL_DIGITS_MAX,
            "scale": scale,
        },
    )


def _logical(connect_type: str, name: str) -> dict[str, Any]:
    return {"type": connect_type, "name": f"{_CONNECT}.{name}", "version": 1}


_TEXTUAL: Final = ("$symbol", "$decimal", "$timestamp", "$date", "$time")
_KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("string", _take_string, {"type": "string"}, "string"),
        Kind("int", _take_int, {"type": "int64"}, "long"),
        Kind("float", _take_float, {"type": "double"}, "double"),
        Kind("bool", _take_bool, {"type": "boolean"}, "boolean"),
        Kind(
            "timestamp",
            _take_timestamp,
            _logical("int64", "Timestamp"),
            {"type": "long", "logicalType": "timestamp-millis"},
        ),
        Kind(
            "timestamp(6)",
            _take_micro_timestamp,
            {"type": "int64", "name": "io.debezium.time.MicroTimestamp", "version": 1},
            {"type": "long", "logicalType": "timestamp-micros"},
        ),
        Kind("date", _take_date, _logical("int32", "Date"), {"type": "int", "logicalType": "date"}),
        Kind(
            "time",
            _take_time,
            _logical("int32", "Time"),
            {"type": "int", "logicalType": "time-millis"},
        ),
        Kind("bytes", _take_bytes, {"type": "bytes"}, "bytes"),
        Kind(
            "json",
            _take_json,
            {"type": "string", "name": JSON_SCHEMA, "version": 1},
            "string",
        ),
    )
}


def _tagged(value: Any, *tags: str) -> str:
    """The text of a value with one of these tags."""
    if isinstance(value, dict) and (tag := tag_of(value)) in tags:
        return str(value[tag])
    raise ValueError(_shown(value))


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}..."
