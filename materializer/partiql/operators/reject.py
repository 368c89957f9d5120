"""What becomes of a type error: MISSING in permissive mode, an error in strict mode."""

from collections.abc import Callable

from journal.errors import QueryTypeError
from journal.values import MISSING, Value

Reject = Callable[[str], Value]
"""Called with the reason; gives the value that the expression then has."""


def permissive(_reason: str) -> Value:
    """MISSING, as the PartiQL specification wants it outside of strict mode."""
    return MISSING


def strict(reason: str) -> Value:
    """Raise the type error.

    Raises:
        QueryTypeError: Always.
    """
    raise QueryTypeError(reason)
