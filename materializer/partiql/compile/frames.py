"""What compiled code is made of.

A *frame* is a list: the parameters, the context, then one slot for each variable of the statement. One
execution has one frame, so compiled code itself has no state and any number of threads may run it.
Operators are generators that set slots and yield nothing: each yield says "the frame holds a binding".
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from journal.errors import LimitExceededError
from journal.values import Value
from materializer.partiql.logical import CONTEXT
from materializer.partiql.operators.reject import Reject

Frame = list[Any]
Evaluate = Callable[[Frame], Value]
Bindings = Callable[[Frame], Iterator[None]]
Rows = Callable[[Frame], Iterator[Value]]


def hold(frame: Frame, count: int) -> None:
    """Refuse to hold more than `Context.rows_max` rows or values in memory at once.

    Raises:
        LimitExceededError: More than that.
    """
    rows_max = frame[CONTEXT].rows_max
    if count > rows_max:
        raise LimitExceededError(
            "rows held in memory",
            maximum=rows_max,
            actual=count,
            hint="narrow the query with WHERE or LIMIT",
        )


class Compiler(Protocol):
    """Compiles what is below a node; `compile.compiler` is the one implementation."""

    reject: Reject
    strict: bool

    def expression(self, node: Any) -> Evaluate:
        """Code for an expression."""

    def bindings(self, node: Any) -> Bindings:
        """Code for an operator."""

    def rows(self, node: Any) -> Rows:
        """Code for the rows of a query, one by one."""

    def result(self, node: Any) -> Evaluate:
        """Code for a query as a value: a list, a bag, or the struct of a PIVOT."""
