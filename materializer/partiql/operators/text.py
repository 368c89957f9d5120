"""Text: `||`, LIKE, SUBSTRING, TRIM, POSITION, OVERLAY, and the functions of one text.

Positions count code points from 1, as SQL does. LIKE never backtracks: a pattern is cut at its `%`
into pieces of fixed length, each found at its first possible place.
"""

import re
from collections.abc import Callable
from typing import Final

from journal.errors import InputError
from journal.values import MISSING, Symbol, Value
from materializer.partiql.limits import LIKE_PATTERN_LENGTH_MAX, TEXT_LENGTH_MAX, check_limit
from materializer.partiql.operators.kinds import kind_of
from materializer.partiql.operators.reject import Reject

Matcher = Callable[[str], bool]


def text_of(value: Value) -> str | None:
    """The text of a string or symbol, or None."""
    if type(value) is str:
        return value
    return value.text if type(value) is Symbol else None


def absent(*values: Value) -> Value | None:
    """MISSING if one of the values is missing, else None: the result where one is absent."""
    return MISSING if MISSING in values else None


def concatenate(left: Value, right: Value, reject: Reject) -> Value:
    """`left || right`, of texts or of lists."""
    if type(left) is str and type(right) is str:
        check_limit("characters of a text", maximum=TEXT_LENGTH_MAX, actual=len(left) + len(right))
        return left + right
    if left is None or right is None or left is MISSING or right is MISSING:
        return absent(left, right)
    first, second = text_of(left), text_of(right)
    if first is None or second is None:
        return reject(f"|| does not work on {kind_of(left)} and {kind_of(right)}")
    return first + second


def like_matcher(pattern: str, escape: str | None) -> Matcher:
    """A test for texts that match a LIKE pattern.

    >>> like_matcher("a_c%", None)("abcde"), like_matcher("100[%", "[")("100%")
    (True, True)

    Raises:
        InputError: The escape is not one character, or stands before no `%`, `_` or itself.
        LimitExceededError: The pattern is too long.
    """
    check_limit("characters of a pattern", maximum=LIKE_PATTERN_LENGTH_MAX, actual=len(pattern))
    pieces = _pieces(pattern, escape)
    first, *rest = [_compiled(piece) for piece in pieces]
    if not rest:
        return lambda text: first.fullmatch(text) is not None
    *middle, last = rest
    last_length = len(pieces[-1])

    def matches(text: str) -> bool:
        match = first.match(text)
        if match is None:
            return False
        for piece in middle:
            match = piece.search(text, match.end())
            if match is None:
                return False
        start = len(text) - last_length
        return start >= match.end() and last.fullmatch(text, start) is not None

    return matches


def like_prefix(pattern: str, escape: str | None) -> str:
    """The text that all matches of a pattern begin with.

    >>> like_prefix("ab%c_", None)
    'ab'
    """
    prefix = []
    for character in _pieces(pattern, escape)[0]:
        if character is None:
            break
        prefix.append(character)
    return "".join(prefix)


def _pieces(pattern: str, escape: str | None) -> list[list[str | None]]:
    """The pattern between its `%`; None stands for any one character."""
    if escape is not None and len(escape) != 1:
        raise InputError("the ESCAPE of LIKE is one character")
    pieces: list[list[str | None]] = [[]]
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            literal = next(characters, "")
            if literal not in ("%", "_", escape):
                raise InputError("in a LIKE pattern, the escape stands before %, _ or itself")
            pieces[-1].append(literal)
        elif character == "%":
            pieces.append([])
        else:
            pieces[-1].append(None if character == "_" else character)
    return pieces


def _compiled(piece: list[str | None]) -> re.Pattern[str]:
    return re.compile("".join("." if c is None else re.escape(c) for c in piece), re.DOTALL)


def like(value: Value, pattern: Value, escape: Value, reject: Reject) -> Value:
    """`value LIKE pattern ESCAPE escape`; without an escape it is the empty text."""
    if value is None or pattern is None or escape is None or MISSING in (value, pattern, escape):
        return absent(value, pattern, escape)
    text, form, escaping = text_of(value), text_of(pattern), text_of(escape)
    if text is None or form is None or escaping is None:
        return reject(f"LIKE does not work on {kind_of(value)} and {kind_of(pattern)}")
    return like_matcher(form, escaping if escape != "" else None)(text)


def substring(value: Value, start: Value, length: Value, reject: Reject) -> Value:
    """`SUBSTRING(value FROM start FOR length)`; no length (-1) means to the end."""
    if value is None or start is None or length is None or MISSING in (value, start, length):
        return absent(value, start, length)
    text = text_of(value)
    if text is None or type(start) is not int or type(length) is not int:
        return reject("SUBSTRING needs a text and integers")
    if length < 0:
        return reject("SUBSTRING needs a length from 0")
    first = max(start - 1, 0)
    return text[first : max(start - 1 + length, first)]


TO_THE_END: Final = 1 << 62


def trim(side: str, characters: Value, value: Value, reject: Reject) -> Value:
    """`TRIM(side characters FROM value)`: any of the characters, on one side or both."""
    if value is None or characters is None or MISSING in (value, characters):
        return absent(value, characters)
    text, unwanted = text_of(value), text_of(characters)
    if text is None or unwanted is None:
        return reject("TRIM needs texts")
    if side == "LEADING":
        return text.lstrip(unwanted) if unwanted else text
    if side == "TRAILING":
        return text.rstrip(unwanted) if unwanted else text
    return text.strip(unwanted) if unwanted else text


def position(part: Value, whole: Value, reject: Reject) -> Value:
    """`POSITION(part IN whole)`: from 1, or 0 where it is not."""
    if _mistyped(part) or _mistyped(whole):
        return reject("POSITION needs texts")
    if part is None or whole is None or MISSING in (part, whole):
        return absent(part, whole)
    return (text_of(whole) or "").find(text_of(part) or "") + 1


def overlay(value: Value, other: Value, start: Value, length: Value, reject: Reject) -> Value:
    """`OVERLAY(value PLACING other FROM start FOR length)`; no length means that of `other`."""
    length_given = length is not NO_LENGTH
    given = (value, other, start, length) if length_given else (value, other, start)
    if any(item is None or item is MISSING for item in given):
        return absent(*given)
    text, placed = text_of(value), text_of(other)
    if text is None or placed is None or type(start) is not int:
        return reject("OVERLAY needs texts and integers")
    size = length if length_given else len(placed)
    if type(size) is not int or start < 1:
        return reject("OVERLAY needs a position from 1")
    check_limit("characters of a text", maximum=TEXT_LENGTH_MAX, actual=len(text) + len(placed))
    return text[: start - 1] + placed + text[start - 1 + max(size, 0) :]


NO_LENGTH: Final = object()


def replace(value: Value, old: Value, new: Value, reject: Reject) -> Value:
    """`TEXT_REPLACE(value, old, new)`."""
    if any(_mistyped(item) for item in (value, old, new)):
        return reject("TEXT_REPLACE needs texts")
    if value is None or old is None or new is None or MISSING in (value, old, new):
        return absent(value, old, new)
    text, before, after = text_of(value) or "", text_of(old) or "", text_of(new) or ""
    grown = len(text) + (text.count(before) if before else len(text) + 1) * len(after)
    check_limit("characters of a text", maximum=TEXT_LENGTH_MAX, actual=grown)
    return text.replace(before, after)


def _mistyped(value: Value) -> bool:
    return value is not None and value is not MISSING and text_of(value) is None


def of_text(name: str, function: Callable[[str], Value]) -> Callable[[Value, Reject], Value]:
    """A function of one text, as one of any value."""

    def apply(value: Value, reject: Reject) -> Value:
        if value is None or value is MISSING:
            return value
        text = text_of(value)
        return (
            reject(f"{name} needs a text, not {kind_of(value)}") if text is None else function(text)
        )

    return apply
