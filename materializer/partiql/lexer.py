"""Text to tokens, and the form of a statement that is safe to record.

Words are one kind of token whether they are keywords or names: the parser decides, so that
`SELECT v.value` needs no quotes. Keywords are compared in upper case (`Token.word`), names as written.

```
'it''s'  string      "a b"  quoted      `2020T`  ion      12 1.5 1e3  number      <= || <<  symbol
-- to the end of the line        /* to the star and slash */
```
"""

import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any, Final, NamedTuple

from journal.errors import QuerySyntaxError
from materializer.partiql.limits import INTEGER_DIGITS_MAX, check_limit


class Token(NamedTuple):
    """A piece of the text. `value` is what it stands for; `word` the keyword form, or the symbol."""

    kind: str
    value: Any
    word: str
    start: int
    end: int
    line: int
    column: int


def tokenise(text: str) -> list[Token]:
    """All tokens of a statement, the last one of kind `end`.

    >>> [token.word for token in tokenise("select x.a <> 'b' -- why")]
    ['SELECT', 'X', '.', 'A', '<>', '', '']

    Raises:
        QuerySyntaxError: A string, name or comment is not closed, or a character fits nowhere.
        LimitExceededError: A number with too many digits.
    """
    tokens: list[Token] = []
    line, line_start, position, size = 1, 0, 0, len(text)
    match_at = _TOKEN.match
    while position < size:
        match = match_at(text, position)
        column = position - line_start + 1
        if match is None:
            raise _unexpected(text, position, line, column)
        kind, end = match.lastgroup or "", match.end()
        piece = match.group()
        if kind == "word":
            tokens.append(Token(kind, piece, piece.upper(), position, end, line, column))
        elif kind == "symbol":
            tokens.append(Token(kind, piece, piece, position, end, line, column))
        elif kind != "space":
            value = _VALUES[kind](piece)
            tokens.append(Token(kind, value, "", position, end, line, column))
        if kind not in _ONE_LINE and "\n" in piece:
            line += piece.count("\n")
            line_start = position + piece.rindex("\n") + 1
        position = end
    tokens.append(Token("end", None, "", size, size, line, size - line_start + 1))
    return tokens


def normalise(text: str) -> str:
    r"""The statement without a single value of its own: what the journal records.

    Literals become `?`, with their sign; comments go; white space between tokens is one space.

    >>> normalise("SELECT *  FROM t /* x */ WHERE ssn = '123-45' AND n > -5 AND \"a  b\" = true")
    'SELECT * FROM t WHERE ssn = ? AND n > ? AND "a  b" = ?'

    Raises:
        QuerySyntaxError: As `tokenise`.
    """
    pieces: list[str] = []
    previous_end, previous = 0, None
    tokens = tokenise(text)
    for index, token in enumerate(tokens[:-1]):
        if token.start > previous_end and pieces and not _is_sign(tokens, index - 1):
            pieces.append(" ")
        previous_end = token.end
        if _is_literal(token, previous):
            pieces.append("?")
        elif not _is_sign(tokens, index):
            pieces.append(text[token.start : token.end])
        previous = token
    return "".join(pieces)


_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|/\*[\s\S]*?\*/)
    | (?P<word>(?:[^\W\d]|\$)[\w$]*)
    | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    | (?P<string>'[^']*(?:''[^']*)*')
    | (?P<quoted>"[^"]*(?:""[^"]*)*")
    | (?P<ion>`(?>[^`"']|"(?>\\.|[^"\\])*+"|'''(?>\\.|(?!''')[^\\])*+'''|'(?>\\.|[^'\\])*+')*+`)
    | (?P<symbol><<|>>|<=|>=|<>|!=|\|\||/(?!\*)|[-+*%=<>(){}\[\],.:;?@])
    """,
    re.VERBOSE | re.DOTALL,
)
_ONE_LINE: Final = frozenset({"word", "symbol", "number"})
_VALUE_WORDS: Final = frozenset({"TRUE", "FALSE"})
_LITERALS: Final = frozenset({"string", "number", "ion"})


def _number(piece: str) -> int | float | Decimal:
    digits = sum(map(str.isdigit, piece))
    check_limit("digits of a number", maximum=INTEGER_DIGITS_MAX, actual=digits)
    if "e" in piece or "E" in piece:
        return float(piece)
    return _DECIMALS.create_decimal(piece) if "." in piece else int(piece)


_DECIMALS: Final = Context(prec=38)
_VALUES: Final[dict[str, Callable[[str], Any]]] = {
    "number": _number,
    "string": lambda piece: piece[1:-1].replace("''", "'"),
    "quoted": lambda piece: piece[1:-1].replace('""', '"'),
    "ion": lambda piece: piece[1:-1],
}


def _unexpected(text: str, position: int, line: int, column: int) -> QuerySyntaxError:
    unclosed = {"'": "a string", '"': "a quoted name", "`": "an Ion literal", "/": "a comment"}
    what = unclosed.get(text[position])
    problem = f"{what} is not closed" if what else f"unexpected character {text[position]!r}"
    return QuerySyntaxError(problem, statement=text, line=line, column=column)


def _is_literal(token: Token, previous: Token | None) -> bool:
    if token.kind == "word":
        return token.word in _VALUE_WORDS and not (previous and previous.word == ".")
    return token.kind in _LITERALS


def _is_sign(tokens: list[Token], index: int) -> bool:
    """Whether the token is a sign that belongs to the number after it."""
    if index < 0 or tokens[index].word not in ("-", "+") or tokens[index + 1].kind != "number":
        return False
    before = tokens[index - 1] if index else None
    if before is None:
        return True
    if before.kind == "word":
        return before.word in _BEFORE_OPERAND
    return before.kind == "symbol" and before.word not in (")", "]", "}", ">>", "?", "*")


_BEFORE_OPERAND_WORDS: Final = """
    SELECT WHERE AND OR NOT IN LIKE ESCAPE BETWEEN BY LIMIT OFFSET VALUE THEN ELSE WHEN CASE ON
    HAVING AT FROM FOR DISTINCT ALL LET SET
"""
_BEFORE_OPERAND: Final = frozenset(_BEFORE_OPERAND_WORDS.split())
