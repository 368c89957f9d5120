"""What a name can mean that no query of the statement declares: tables, or values from outside."""

import difflib
from collections.abc import Mapping
from typing import Final, Protocol

from journal.errors import UnknownTableError
from journal.values import Value
from materializer.partiql.logical import TableValue
from materializer.partiql.syntax import Constant, Expression
from materializer.partiql.view import Catalog, Table

COMMITTED_PREFIX: Final = "_ql_committed_"
"""`_ql_committed_t` is the committed view of `t`."""


class Names(Protocol):
    """The outside of a statement."""

    def value(self, name: str) -> Expression | None:
        """What the name stands for as a value, or None."""

    def table(self, name: str) -> tuple[Table, bool] | None:
        """The table of that name, and whether its committed view is meant; or None."""

    def unknown(self, name: str) -> UnknownTableError:
        """The error for a name that means nothing, with the nearest that do."""


class CatalogNames:
    """Tables."""

    def __init__(self, catalog: Catalog) -> None:
        self._tables = catalog.tables

    def value(self, name: str) -> Expression | None:
        """The bag of a table's documents."""
        table = self._tables.get(name)
        return None if table is None else TableValue(table)

    def table(self, name: str) -> tuple[Table, bool] | None:
        """The table, for `t` and for `_ql_committed_t`."""
        table = self._tables.get(name)
        if table is not None:
            return table, False
        if name.startswith(COMMITTED_PREFIX):
            table = self._tables.get(name.removeprefix(COMMITTED_PREFIX))
            return None if table is None else (table, True)
        return None

    def unknown(self, name: str) -> UnknownTableError:
        """No such table."""
        plain = name.removeprefix(COMMITTED_PREFIX)
        return UnknownTableError(plain, nearest=nearest_names(plain, self._tables))


class EnvironmentNames:
    """Plain values by name, as `evaluate` takes them."""

    def __init__(self, environment: Mapping[str, Value]) -> None:
        self._environment = environment

    def value(self, name: str) -> Expression | None:
        """The value, as a constant."""
        return Constant(self._environment[name]) if name in self._environment else None

    def table(self, name: str) -> tuple[Table, bool] | None:  # noqa: ARG002 - there are none
        """None."""
        return None

    def unknown(self, name: str) -> UnknownTableError:
        """No such variable."""
        nearest = nearest_names(name, self._environment)
        return UnknownTableError(name, kind="variable", nearest=nearest)


def nearest_names(name: str, known: Mapping[str, object]) -> tuple[str, ...]:
    """Up to three known names that are much like `name`.

    >>> nearest_names("vehicle", {"vehicles": 1, "people": 2})
    ('vehicles',)
    """
    folded = {each.lower(): each for each in known}
    return tuple(folded[match] for match in difflib.get_close_matches(name.lower(), folded))
