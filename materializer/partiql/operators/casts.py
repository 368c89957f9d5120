"""CAST and IS: values to types, and whether a value is of one.

A cast of null is null and of missing is missing, whatever the type. Numbers become integers by rounding
half to even. Text to number reads what a literal may be, and `0x1F`, `0b101` for integers.
"""

import datetime
import decimal
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from journal.values import (
    MISSING,
    Bag,
    Symbol,
    Time,
    Timestamp,
    Value,
    timestamp_of,
    timestamp_text,
)
from materializer.partiql.limits import INTEGER_DIGITS_MAX, check_limit
from materializer.partiql.operators import moments
from materializer.partiql.operators.arithmetic import DECIMALS, check_exponent
from materializer.partiql.operators.intervals import FIELDS, Interval, Qualifier, interval_of
from materializer.partiql.operators.kinds import NUMBERS, TEXTS, kind_of
from materializer.partiql.operators.reject import Reject
from materializer.partiql.operators.text import text_of
from materializer.partiql.syntax import TypeName

_INTEGER: Final = re.compile(r"[+-]?(\d+|0[xX][0-9a-fA-F]+|0[bB][01]+)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)

_INTEGERS_WORDS: Final = """
    INT INTEGER BIGINT SMALLINT TINYINT INT2 INT4 INT8 INTEGER2 INTEGER4 INTEGER8
"""
INTEGERS: Final = frozenset(_INTEGERS_WORDS.split())
_BITS: Final = {
    "TINYINT": 8, "SMALLINT": 16, "INT2": 16, "INTEGER2": 16, "INT4": 32, "INTEGER4": 32,
}  # fmt: skip
DECIMAL_NAMES: Final = frozenset({"DECIMAL", "DEC", "NUMERIC"})
_FLOATS: Final = frozenset({"FLOAT", "REAL", "DOUBLE"})
STRINGS: Final = frozenset({"STRING", "VARCHAR", "CHAR", "CHARACTER", "TEXT", "CLOB"})


def caster(target: TypeName) -> Callable[[Value, Reject], Value]:
    """The function that casts to a type."""
    convert = _converter(target)

    def cast(value: Value, reject: Reject) -> Value:
        if value is None or value is MISSING:
            return value
        try:
            result = convert(value)
        except (ValueError, decimal.DecimalException, OverflowError):
            result = MISSING
        if result is MISSING:
            return reject(f"no {target.name} can be made of this {kind_of(value)}")
        return result

    return cast


def _converter(target: TypeName) -> Callable[[Value], Value]:
    name = target.name
    if name in INTEGERS:
        return lambda value: _in_range(_to_integer(value), _BITS.get(name))
    if name in DECIMAL_NAMES:
        return lambda value: _to_decimal(value, target.arguments)
    if name in STRINGS:
        limit = target.arguments[0] if target.arguments else None
        return lambda value: _to_text(value)[:limit]
    if name.startswith("INTERVAL"):
        qualifier = Qualifier(name.split()[1], target.end_field, target.arguments)
        return lambda value: _to_interval(value, qualifier)
    precision = target.arguments[0] if target.arguments else None
    if name.startswith("TIME WITH") or name == "TIME":
        return lambda value: _to_time(value, precision, name != "TIME")
    if name.startswith("TIMESTAMP"):
        return _to_timestamp
    return _FLOAT_CONVERTER if name in _FLOATS else _CONVERTERS.get(name, lambda _value: MISSING)


def _to_integer(value: Value) -> Value:
    if type(value) is int:
        return value
    if type(value) is bool:
        return int(value)
    if type(value) is float:
        return round(value) if math.isfinite(value) else MISSING
    if type(value) is Decimal:
        check_exponent(value)
        return round(value)
    text = text_of(value)
    if text is None:
        return MISSING
    check_limit("digits of an integer", maximum=INTEGER_DIGITS_MAX, actual=len(text))
    match = _INTEGER.fullmatch(text)
    if match is None:
        return _to_integer(DECIMALS.create_decimal(text)) if _NUMBER.fullmatch(text) else MISSING
    sign = -1 if text[0] == "-" else 1
    digits = match[1]
    base = {"0x": 16, "0b": 2}.get(digits[:2].lower(), 10)
    return sign * int(digits[2:] if base != 10 else digits, base)


def _in_range(value: Value, bits: int | None) -> Value:
    if bits is None or value is MISSING:
        return value
    return value if -(1 << bits - 1) <= value < 1 << bits - 1 else MISSING


def _to_decimal(value: Value, arguments: tuple[int, ...]) -> Value:
    if type(value) is float:
        value = repr(value)
    text = text_of(value)
    if text is not None:
        if not _NUMBER.fullmatch(text):
            return MISSING
        number = DECIMALS.create_decimal(text)
    elif type(value) is bool or type(value) is int:
        number = DECIMALS.create_decimal(int(value))
    elif type(value) is Decimal:
        number = value
    else:
        return MISSING
    if not arguments:
        return number
    scale = arguments[1] if len(arguments) > 1 else 0
    number = number.quantize(Decimal(1).scaleb(-scale), context=DECIMALS)
    return number if number.adjusted() + 1 <= arguments[0] - scale or not number else MISSING


def _to_float(value: Value) -> Value:
    if type(value) in NUMBERS or type(value) is bool:
        return float(value)
    text = text_of(value)
    return float(text) if text is not None and _NUMBER.fullmatch(text) else MISSING


def _to_text(value: Value) -> Value:
    text = text_of(value)
    if text is not None:
        return text
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) in NUMBERS:
        return str(value)
    if type(value) in (datetime.date, datetime.time):
        return value.isoformat()
    if type(value) is datetime.datetime:
        return timestamp_text(value)
    if type(value) in (Timestamp, Time):
        return value.text
    raise ValueError("no text")


def _to_boolean(value: Value) -> Value:
    if type(value) is bool:
        return value
    if type(value) in NUMBERS:
        return bool(value)
    return {"true": True, "false": False}.get((text_of(value) or "").lower(), MISSING)


def _to_date(value: Value) -> Value:
    text = text_of(value)
    if text is not None:
        return moments.date_literal(text)
    moment = moments.moment_of(value)
    return MISSING if moment is None else datetime.date(moment.year, moment.month, moment.day)


def _to_time(value: Value, precision: int | None, zoned: bool) -> Value:
    text = text_of(value)
    if text is None and type(value) in (datetime.time, Time):
        text = value.text if type(value) is Time else value.isoformat()
    if text is None:
        moment = moments.moment_of(value)
        if moment is None or type(value) is datetime.date:
            return MISSING
        second = f"{'0' if moment.second < 10 else ''}{moment.second:f}"
        text = f"{moment.hour:02d}:{moment.minute:02d}:{second}"
    return moments.time_literal(text, precision, True if zoned else None)


def _to_timestamp(value: Value) -> Value:
    if type(value) in (datetime.datetime, Timestamp):
        return value
    text = text_of(value)
    if text is not None:
        try:
            return timestamp_of(text)
        except ValueError:
            return moments.timestamp_literal(text, None, None)
    moment = moments.moment_of(value)
    return MISSING if moment is None else moments.timestamp_from(moment._replace(precision=4))


def _to_interval(value: Value, qualifier: Qualifier) -> Value:
    text = text_of(value)
    if text is not None:
        return interval_of(text, qualifier)
    if type(value) is Interval and value.in_months == (FIELDS.index(qualifier.start) < 2):
        return Interval(value.amount, value.in_months, qualifier)
    return MISSING


def _to_list(value: Value) -> Value:
    return list(value) if isinstance(value, list) else MISSING


def _to_bag(value: Value) -> Value:
    return Bag(value) if isinstance(value, list) else MISSING


_FLOAT_CONVERTER: Final = _to_float
_CONVERTERS: Final[dict[str, Callable[[Value], Value]]] = {
    "BOOL": _to_boolean,
    "BOOLEAN": _to_boolean,
    "SYMBOL": lambda value: Symbol(_to_text(value)),
    "DATE": _to_date,
    "LIST": _to_list,
    "ARRAY": _to_list,
    "BAG": _to_bag,
    "STRUCT": lambda value: value if isinstance(value, dict) else MISSING,
    "TUPLE": lambda value: value if isinstance(value, dict) else MISSING,
    "BLOB": lambda value: value if type(value) is bytes else MISSING,
    "ANY": lambda value: value,
    "DYNAMIC": lambda value: value,
}


def type_test(target: TypeName) -> Callable[[Value], bool]:
    """The test `IS type`. Missing is also null; a null is of no other type."""
    name = target.name
    if name == "NULL":
        return lambda value: value is None or value is MISSING
    if name == "MISSING":
        return lambda value: value is MISSING
    if name in DECIMAL_NAMES:
        return lambda value: type(value) is Decimal and _fits(value, target.arguments)
    if name in STRINGS and target.arguments:
        return lambda value: type(value) is str and len(value) <= target.arguments[0]
    if name in INTEGERS:
        bits = _BITS.get(name)
        return lambda value: type(value) is int and _in_range(value, bits) is not MISSING
    types = _TYPES.get(name)
    if types is None:
        return lambda value: (
            value is not None and value is not MISSING and name in ("ANY", "DYNAMIC")
        )
    return lambda value: type(value) in types


def _fits(value: Decimal, arguments: tuple[int, ...]) -> bool:
    if not arguments:
        return True
    precision, scale = arguments[0], arguments[1] if len(arguments) > 1 else 0
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > scale:
        return False
    return not value or value.adjusted() + 1 <= precision - scale


_TYPES: Final[dict[str, frozenset[type]]] = {
    "BOOL": frozenset({bool}), "BOOLEAN": frozenset({bool}), "FLOAT": frozenset({float}),
    "REAL": frozenset({float}), "DOUBLE": frozenset({float}), "STRING": frozenset({str}),
    "VARCHAR": frozenset({str}), "CHAR": frozenset({str}), "CHARACTER": frozenset({str}),
    "TEXT": frozenset({str}), "SYMBOL": TEXTS - {str}, "BLOB": frozenset({bytes}),
    "CLOB": frozenset({bytes}), "DATE": frozenset({datetime.date}),
    "TIME": frozenset({datetime.time, Time}), "TIMESTAMP": frozenset({datetime.datetime, Timestamp}),
    "LIST": frozenset({list}), "ARRAY": frozenset({list}), "BAG": frozenset({Bag}),
    "STRUCT": frozenset({dict}), "TUPLE": frozenset({dict}),
}  # fmt: skip
