"""Functions whose arguments have words between them: CAST, SUBSTRING, TRIM, EXTRACT, DATE_ADD ..."""

from typing import Final

from materializer.partiql import syntax
from materializer.partiql.parser.expressions import CALLS, COMPARISON, ExpressionParser
from materializer.partiql.parser.stream import Place

_DATE_PARTS_WORDS: Final = """
    YEAR MONTH DAY HOUR MINUTE SECOND TIMEZONE_HOUR TIMEZONE_MINUTE
"""
DATE_PARTS: Final = frozenset(_DATE_PARTS_WORDS.split())

_SIDES: Final = frozenset({"LEADING", "TRAILING", "BOTH"})


def _cast(stream: ExpressionParser, place: Place) -> syntax.Expression:
    stream.expect("(")
    value = stream.expression()
    stream.expect("AS")
    type_name = stream.type_name()
    stream.expect(")")
    return syntax.Cast(value, type_name, **place)


def _substring(stream: ExpressionParser, place: Place) -> syntax.Expression:
    stream.expect("(")
    arguments = [stream.expression()]
    if stream.accept("FROM"):
        arguments.append(stream.expression())
        if stream.accept("FOR"):
            arguments.append(stream.expression())
    else:
        while stream.accept(","):
            arguments.append(stream.expression())
    stream.expect(")")
    return syntax.Call("SUBSTRING", tuple(arguments), **place)


def _trim(stream: ExpressionParser, place: Place) -> syntax.Expression:
    """`TRIM([LEADING | TRAILING | BOTH] [characters] [FROM] text)`."""
    stream.expect("(")
    side, given = "BOTH", stream.token.word in _SIDES and stream.following().word != ")"
    if given:
        side = stream.advance().word
    characters: syntax.Expression = syntax.Constant(" ", **place)
    if stream.accept("FROM"):
        text = stream.expression()
    else:
        text = stream.expression()
        if stream.accept("FROM"):
            characters, text = text, stream.expression()
        elif given:
            stream.fail("FROM")
    stream.expect(")")
    return syntax.Call("TRIM", (syntax.Constant(side, **place), characters, text), **place)


def _date_part(stream: ExpressionParser) -> syntax.Expression:
    token = stream.token
    if token.kind != "word" or token.word not in DATE_PARTS:
        stream.fail("one of YEAR, MONTH, DAY, HOUR, MINUTE, SECOND")
    stream.advance()
    return syntax.Constant(token.word, line=token.line, column=token.column)


def _extract(stream: ExpressionParser, place: Place) -> syntax.Expression:
    stream.expect("(")
    part = _date_part(stream)
    stream.expect("FROM")
    value = stream.expression()
    stream.expect(")")
    return syntax.Call("EXTRACT", (part, value), **place)


class _DateFunction:
    """DATE_ADD and DATE_DIFF: the first argument is a part of a date, bare."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, stream: ExpressionParser, place: Place) -> syntax.Expression:
        stream.expect("(")
        token = stream.token
        part = _date_part(stream)
        if token.word.startswith("TIMEZONE"):
            stream.reject(f"{self.name} does not work on {token.word}", token)
        stream.expect(",")
        first = stream.expression()
        stream.expect(",")
        second = stream.expression()
        stream.expect(")")
        return syntax.Call(self.name, (part, first, second), **place)


def _position(stream: ExpressionParser, place: Place) -> syntax.Expression:
    stream.expect("(")
    part = stream.expression(COMPARISON)
    if not stream.accept("IN"):
        stream.expect(",")
    whole = stream.expression()
    stream.expect(")")
    return syntax.Call("POSITION", (part, whole), **place)


def _overlay(stream: ExpressionParser, place: Place) -> syntax.Expression:
    stream.expect("(")
    arguments = [stream.expression()]
    for word in ("PLACING", "FROM"):
        if not stream.accept(word):
            stream.expect(",")
        arguments.append(stream.expression())
    if stream.accept("FOR") or stream.accept(","):
        arguments.append(stream.expression())
    stream.expect(")")
    return syntax.Call("OVERLAY", tuple(arguments), **place)


class _Constructor:
    """`LIST(a, b)` and `BAG(a, b)`."""

    def __init__(self, bag: bool) -> None:
        self.bag = bag

    def __call__(self, stream: ExpressionParser, place: Place) -> syntax.Expression:
        stream.expect("(")
        items = () if stream.at(")") else stream.separated(stream.expression)
        stream.expect(")")
        return syntax.Collection(items, bag=self.bag, **place)


CALLS.update(
    {
        "CAST": _cast,
        "SUBSTRING": _substring,
        "TRIM": _trim,
        "EXTRACT": _extract,
        "DATE_ADD": _DateFunction("DATE_ADD"),
        "DATE_DIFF": _DateFunction("DATE_DIFF"),
        "POSITION": _position,
        "OVERLAY": _overlay,
        "ROW": _Constructor(bag=False),
        "LIST": _Constructor(bag=False),
        "SEXP": _Constructor(bag=False),
        "BAG": _Constructor(bag=True),
    }
)
