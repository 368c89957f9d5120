"""The compiler: from a node's class to the function that compiles it."""

from typing import Any, Final

from materializer.partiql import logical
from materializer.partiql.compile import blocks, calls, conditions, joins, sources, values
from materializer.partiql.compile.frames import Bindings, Evaluate, Rows
from materializer.partiql.operators import reject

_EXPRESSIONS: Final[dict[type, Any]] = {
    **values.EXPRESSIONS,
    **conditions.EXPRESSIONS,
    **calls.EXPRESSIONS,
}
_OPERATORS: Final[dict[type, Any]] = {**sources.OPERATORS, **joins.OPERATORS}


class PlanCompiler:
    """Compiles plans, permissively or strictly."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.reject: reject.Reject = reject.strict if strict else reject.permissive

    def expression(self, node: Any) -> Evaluate:
        """Code for an expression."""
        code: Evaluate = _EXPRESSIONS[type(node)](self, node)
        return code

    def bindings(self, node: Any) -> Bindings:
        """Code for an operator."""
        code: Bindings = _OPERATORS[type(node)](self, node)
        return code

    def rows(self, node: Any) -> Rows:
        """Code for the rows of a query, one by one."""
        if isinstance(node, logical.Combined):
            return blocks.combined_rows(self, node)
        return blocks.block_rows(self, node)

    def result(self, node: Any) -> Evaluate:
        """Code for a query as a value."""
        if isinstance(node, logical.Combined):
            return blocks.combined_result(self, node)
        return blocks.block_result(self, node)
