"""The published conformance cases as values of the engine, and their rules of comparison.

The data's README says what each tag means; `decoded` and `agrees` follow it section by section.
"""

import base64
import json
import math
import os
from collections import Counter
from collections.abc import Hashable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from journal.errors import LedgerError
from journal.values import MISSING, Bag, IonValue, Symbol, Time, Timestamp, time_of, timestamp_of
from materializer.partiql import evaluate, parse, prepare
from materializer.partiql.operators.intervals import Interval
from materializer.partiql.operators.moments import date_literal
from materializer.partiql.operators.structs import fields_of, struct_of

DEFAULT = Path(__file__).parents[3] / "shared" / "vectors"
FOLDER = Path(os.environ.get("INDELIBLE_VECTORS", DEFAULT)) / "partiql"


class Case(NamedTuple):
    """One case in one mode."""

    id: str
    mode: str
    category: str
    statements: list[str]
    environment: dict[str, Any]
    expected: dict[str, Any]


def evaluation_cases(suite: str) -> Iterator[Case]:
    """Cases of eval, extended-eval and eval-equiv, for each mode that they assert."""
    for line in (FOLDER / f"{suite}.jsonl").read_text().splitlines():
        case = json.loads(line)
        statements = case.get("statements") or [case["statement"]]
        for mode in ("coerce", "error"):
            if case[mode] is not None:
                yield Case(
                    case["id"], mode, case["category"], statements, case["environment"], case[mode]
                )


def syntax_cases(suite: str) -> Iterator[dict[str, Any]]:
    """Cases of syntax and extended-syntax, as they are."""
    return map(json.loads, (FOLDER / f"{suite}.jsonl").read_text().splitlines())


def failure(case: Case) -> str | None:
    """What is wrong with the engine's answer to a case; None if nothing is."""
    environment = {name: decoded(value) for name, value in case.environment.items()}
    for statement in case.statements:
        try:
            found = evaluate(statement, environment, strict=case.mode == "error")
        except LedgerError as error:
            if case.expected["result"] == "fail":
                continue
            return f"{type(error).__name__}: {error}"
        if case.expected["result"] == "fail":
            return f"gave {found!r}, should fail"
        wanted = decoded(case.expected["output"])
        if not agrees(found, wanted):
            return f"gave {found!r}, should be {wanted!r}"
    return None


def syntax_failure(case: dict[str, Any]) -> str | None:
    """What is wrong with the engine's verdict on a statement; None if nothing is."""
    try:
        parse(case["statement"])
        if not case["parses"] and case["stage"] == "static-analysis":
            prepare(case["statement"], _ANYTHING)
    except LedgerError as error:
        return f"{type(error).__name__}: {error}" if case["parses"] else None
    return None if case["parses"] else "was accepted"


class _AnyTables(dict[str, Any]):
    """No tables."""


class _Anything:
    tables = _AnyTables()


_ANYTHING: Any = _Anything()


def decoded(value: Any) -> Any:
    """A VALUE of the data as a value of the engine."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    for tag, decode in _TAGS.items():
        if tag in value:
            return decode(value[tag], value)
    return {name.removeprefix("$"): decoded(item) for name, item in value.items()}


def _ion(text: str, whole: dict[str, Any]) -> Any:
    if text.startswith(("$interval_ym", "$interval_dt")):
        return _Fields(whole["value"])
    return decoded(whole["value"])


class _Fields(dict[str, Any]):
    """An interval as the data writes it."""


_TAGS: dict[str, Any] = {
    "$ion": _ion,
    "$int": lambda text, _: int(text),
    "$float": lambda text, _: float(text),
    "$decimal": lambda text, _: Decimal(text),
    "$struct": lambda pairs, _: struct_of([(name, decoded(item)) for name, item in pairs]),
    "$bag": lambda items, _: Bag(decoded(item) for item in items),
    "$sexp": lambda items, _: [decoded(item) for item in items],
    "$missing": lambda _value, _: MISSING,
    "$symbol": lambda text, _: text,
    "$bytes": lambda text, _: base64.b64decode(text),
    "$timestamp": lambda text, _: _timestamp(text),
    "$date": lambda text, _: date_literal(text),
    "$time": lambda text, _: time_of(text),
}


def _timestamp(text: str) -> Any:
    try:
        return timestamp_of(text)
    except ValueError:
        pass
    try:
        return timestamp_of(text + "-00:00")
    except ValueError:
        return IonValue(text)  # a year that no timestamp here can have


def agrees(found: Any, wanted: Any) -> bool:
    """Whether two values are the same result."""
    return _key(found) == _key(wanted)


def _key(value: Any) -> Hashable:
    """Equal for values that the data's rules of comparison call the same."""
    match value:
        case None | bool() | bytes():
            return (type(value).__name__, value)
        case int() | float() | Decimal():
            return ("number", "nan" if math.isnan(value) else value)
        case str() | Symbol():
            return ("text", value.text if isinstance(value, Symbol) else value)
        case Interval():
            return _interval_key(value.fields())
        case _Fields():
            return _interval_key(value)
        case Timestamp():
            return ("timestamp", str(_instant(value)))
        case Time():
            return ("time", _clock(value.text))
        case Bag():
            return ("bag", frozenset(Counter(map(_key, value)).items()))
        case list():
            return ("list", tuple(map(_key, value)))
        case dict():
            pairs = Counter((name, _key(item)) for name, item in fields_of(value))
            return ("struct", frozenset(pairs.items()))
        case _ if hasattr(value, "utcoffset") and hasattr(value, "year"):
            return ("timestamp", str(_instant(value)))
        case _ if hasattr(value, "utcoffset"):
            return ("time", _clock(value.isoformat()))
        case _:
            return (type(value).__name__, str(value))


def _interval_key(fields: dict[str, Any]) -> Hashable:
    present = {name: amount for name, amount in fields.items() if amount not in (0, "+")}
    if set(present) == {"sign"}:
        present = {}
    return ("interval", frozenset(present.items()))


def _instant(value: Any) -> Decimal:
    from journal.values import instant_of

    return instant_of(value).normalize()


def _clock(text: str) -> str:
    for sign in "+-":
        clock, found, zone = text.partition(sign)
        if found:
            return f"{_trimmed(clock)}{sign}{zone}"
    return _trimmed(text)


def _trimmed(clock: str) -> str:
    return clock.rstrip("0").rstrip(".") if "." in clock else clock
