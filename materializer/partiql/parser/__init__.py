"""Tokens to a syntax tree: recursive descent, and precedence climbing for operators.

Three layers, each a class that extends the one below it, because the grammar is recursive from the
outside in only: `ExpressionParser` -> `QueryParser` -> `StatementParser`.
"""

from materializer.partiql.parser.statements import parse

__all__ = ["parse"]
