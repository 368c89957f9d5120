"""Scopes: the variables that a query declares, and the query around it."""

from dataclasses import dataclass, field

from journal.errors import QueryTypeError
from materializer.partiql import syntax
from materializer.partiql.logical import Aggregation, Variable


@dataclass(slots=True)
class Grouping:
    """What is left to see after GROUP BY: keys, the group's name, aggregates.

    Attributes:
        base: The scope before grouping, in which keys and arguments of aggregates are.
        keys: Syntax, resolved expression and slot of each key.
    """

    base: "Scope"
    keys: list[tuple[syntax.Expression, syntax.Expression, Variable]] = field(default_factory=list)
    aggregations: list[Aggregation] = field(default_factory=list)


@dataclass(slots=True)
class Scope:
    """Variables of one query.

    Attributes:
        rows: Those that a bare name may be a field of.
        grouping: Set for the scope of what comes after GROUP BY.
    """

    parent: "Scope | None" = None
    variables: dict[str, Variable] = field(default_factory=dict)
    rows: list[Variable] = field(default_factory=list)
    grouping: Grouping | None = None

    def declare(self, variable: Variable, *, row: bool = False) -> None:
        """Add a variable.

        Raises:
            QueryTypeError: The name is taken in this query.
        """
        if variable.name in self.variables:
            raise QueryTypeError(
                f"{variable.name!r} is declared twice; give one of them another alias"
            )
        self.variables[variable.name] = variable
        if row:
            self.rows.append(variable)

    def find(self, name: str) -> Variable | None:
        """The variable of that name, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.parent
        return None

    def all_rows(self) -> tuple[Variable, ...]:
        """The rows of this query and of those around it, innermost first."""
        rows: list[Variable] = []
        scope: Scope | None = self
        while scope is not None:
            rows.extend(scope.rows)
            scope = scope.parent
        return tuple(rows)
