"""Literals that are more than one token, and Ion in backticks.

`DATE '2026-11-24'`, `TIME (3) WITH TIME ZONE '...'`, `TIMESTAMP '...'`, `INTERVAL '1-6' YEAR TO MONTH`.
"""

from typing import Any

from journal.errors import InputError
from materializer.partiql.operators import ion
from materializer.partiql.operators.intervals import (
    FIELDS,
    Qualifier,
    interval_of,
)
from materializer.partiql.operators.moments import date_literal, time_literal, timestamp_literal
from materializer.partiql.parser.stream import TokenStream


def typed_literal(stream: TokenStream) -> Any:
    """The value of the literal that begins at the current token, which is stepped over.

    Raises:
        QuerySyntaxError: Not the text of such a value.
    """
    token = stream.advance()
    try:
        if token.kind == "ion":
            return ion.ion_value(token.value)
        if token.word == "DATE":
            return date_literal(_text(stream))
        if token.word == "INTERVAL":
            text_token = stream.token
            text = _text(stream)
            qualifier = interval_qualifier(stream)
            try:
                return interval_of(text, qualifier)
            except ValueError as error:
                stream.reject(str(error), text_token)
        precision = _precision(stream)
        zoned = time_zone_clause(stream)
        literal = time_literal if token.word == "TIME" else timestamp_literal
        return literal(_text(stream), precision, zoned)
    except ValueError as error:
        stream.reject(str(error), token)


def time_zone_clause(stream: TokenStream) -> bool | None:
    """`WITH TIME ZONE`: True, `WITHOUT TIME ZONE`: False, nothing: None."""
    if stream.accept("WITH"):
        stream.expect("TIME", "ZONE")
        return True
    if stream.accept("WITHOUT"):
        stream.expect("TIME", "ZONE")
        return False
    return None


def interval_qualifier(stream: TokenStream) -> Qualifier:
    """`YEAR (2) TO MONTH`, `SECOND (2, 6)`, `DAY TO SECOND (3)`."""
    start_token = stream.token
    start = _interval_field(stream)
    precision = _interval_precision(stream)
    end = ""
    if stream.accept("TO"):
        end = _interval_field(stream)
        fraction = _interval_precision(stream)
        precision = (precision[0] if precision else 2, *fraction)
    try:
        return Qualifier(start, end, precision)
    except InputError as error:
        stream.reject(error.message, start_token)


def _interval_field(stream: TokenStream) -> str:
    if stream.token.word not in FIELDS:
        stream.fail("YEAR, MONTH, DAY, HOUR, MINUTE or SECOND")
    return stream.advance().word


def _interval_precision(stream: TokenStream) -> tuple[int, ...]:
    if not stream.accept("("):
        return ()
    numbers = [_whole_number(stream)]
    if stream.accept(","):
        numbers.append(_whole_number(stream))
    stream.expect(")")
    return tuple(numbers)


def _precision(stream: TokenStream) -> int | None:
    if not stream.accept("("):
        return None
    precision = _whole_number(stream)
    stream.expect(")")
    return precision


def _whole_number(stream: TokenStream) -> int:
    token = stream.token
    if token.kind != "number" or type(token.value) is not int:
        stream.fail("a whole number")
    stream.advance()
    number: int = token.value
    return number


def _text(stream: TokenStream) -> str:
    token = stream.token
    if token.kind != "string":
        stream.fail("a text in quotes")
    stream.advance()
    text: str = token.value
    return text
