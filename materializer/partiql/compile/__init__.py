"""Logical plan to Python closures; see `compile.frames` for what they work on."""

from materializer.partiql.compile.compiler import PlanCompiler
from materializer.partiql.compile.statements import STATEMENTS, query_rows

__all__ = ["STATEMENTS", "PlanCompiler", "query_rows"]
