"""Syntax tree to logical plan: what every name means.

Outside of FROM a bare name is, in this order: a variable, innermost query first; a field of the rows of
a query; a table or value from outside. In FROM the outside comes first, unless the name is written
`@name` or begins a path (`FROM orders AS o, o.lines AS l`). PartiQL specification, section 10.
"""

from materializer.partiql.resolve.names import CatalogNames, EnvironmentNames, Names
from materializer.partiql.resolve.statements import Resolved, resolve

__all__ = ["CatalogNames", "EnvironmentNames", "Names", "Resolved", "resolve"]
