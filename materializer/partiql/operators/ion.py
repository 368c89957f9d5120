"""Ion literals in backticks, and Ion values as values of the engine. Imports amazon.ion when used.

A typed null is null; a symbol is text; a list, an s-expression is a list; annotations go. This is what
comparisons make of them anyway.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from journal.values import Value, timestamp_of
from materializer.partiql.operators.structs import struct_of

_SPECIAL_FLOATS: Final = {"nan", "+inf", "-inf"}
_TIMESTAMP: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?(T([\d:.]+(Z|[+-]\d\d:\d\d))?)?", re.ASCII)


def ion_value(text: str) -> Value:
    """The value of an Ion text of one value.

    Raises:
        ValueError: Not one Ion value.
    """
    stripped = text.strip()
    if stripped in _SPECIAL_FLOATS:
        return float(stripped)
    if _TIMESTAMP.fullmatch(stripped) and ("T" in stripped or stripped.count("-") == 2):
        return timestamp_of(stripped)
    return _converted(_loaded(stripped))


def _loaded(text: str) -> Any:
    from amazon.ion import simpleion  # noqa: PLC0415 - slow to import, and seldom needed
    from amazon.ion.exceptions import IonException  # noqa: PLC0415

    try:
        values = simpleion.loads(text, single_value=False)
    except (IonException, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"not an Ion value: {text[:60]}") from error
    if len(values) != 1:
        raise ValueError("an Ion literal is one value")
    return values[0]


def _converted(value: Any) -> Value:
    from amazon.ion.core import IonType  # noqa: PLC0415
    from amazon.ion.simple_types import IonPyNull  # noqa: PLC0415

    if value is None or isinstance(value, IonPyNull):
        return None
    convert: dict[Any, Callable[[Any], Value]] = {
        IonType.BOOL: bool,
        IonType.INT: int,
        IonType.FLOAT: float,
        IonType.DECIMAL: Decimal,
        IonType.STRING: str,
        IonType.SYMBOL: lambda symbol: symbol.text,
        IonType.BLOB: bytes,
        IonType.CLOB: bytes,
        IonType.TIMESTAMP: _timestamp,
        IonType.LIST: lambda items: [_converted(item) for item in items],
        IonType.SEXP: lambda items: [_converted(item) for item in items],
        IonType.STRUCT: _struct,
    }
    return convert[value.ion_type](value)


def _struct(value: Any) -> Value:
    pairs = []
    for name, item in value.iteritems() if hasattr(value, "iteritems") else value.items():
        pairs.append((getattr(name, "text", name), _converted(item)))
    return struct_of(pairs)


def _timestamp(value: Any) -> Value:
    from amazon.ion import simpleion  # noqa: PLC0415

    text = simpleion.dumps(value, binary=False).split(" ", 1)[-1]
    return timestamp_of(text)
