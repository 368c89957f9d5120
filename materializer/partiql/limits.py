"""Bounds on what one statement may ask for. Beyond one of them: `LimitExceededError`, never a crash."""

from typing import Final

from journal.errors import LimitExceededError

NESTING_MAX: Final = 200
"""How deep expressions may nest; also the height of the tree that a chain of operators makes."""

SUBQUERY_NESTING_MAX: Final = 24
"""How deep queries may nest in queries; each level costs many Python frames."""

INTEGER_DIGITS_MAX: Final = 4_000
"""Digits of an integer, as literal or as result; Python itself stops printing at 4,300."""

DECIMAL_EXPONENT_MAX: Final = 6_144
"""Largest decimal exponent, as IEEE decimal128 has it."""

LIKE_PATTERN_LENGTH_MAX: Final = 4_000
"""Characters of a LIKE pattern; matching costs at most text times pattern."""

TEXT_LENGTH_MAX: Final = 16 * 1024 * 1024
"""Characters of a text that an operator makes."""

INTEGER_MAX: Final = 10**INTEGER_DIGITS_MAX
"""Integers are in (-INTEGER_MAX, INTEGER_MAX)."""

CHECK_INTERVAL: Final = 256
"""Rows between two calls of `Context.check`."""


def check_limit(limit: str, *, maximum: int, actual: int, hint: str = "") -> None:
    """Raise LimitExceededError when `actual` is more than `maximum`."""
    if actual > maximum:
        raise LimitExceededError(limit, maximum=maximum, actual=actual, hint=hint)
