"""Statements ready to run: `prepare`, `evaluate`, and what they give."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from journal.errors import InputError, LimitExceededError
from journal.values import Value
from materializer.partiql import logical
from materializer.partiql.compile import STATEMENTS, PlanCompiler, query_rows
from materializer.partiql.lexer import normalise
from materializer.partiql.limits import NESTING_MAX
from materializer.partiql.parser.statements import parse_counted
from materializer.partiql.plan import improve
from materializer.partiql.resolve import CatalogNames, EnvironmentNames, resolve
from materializer.partiql.syntax import QueryStatement
from materializer.partiql.trees import walk
from materializer.partiql.view import Catalog, Context, Outcome

ROWS_MAX: Final = 1_000_000
"""Rows that `evaluate` holds in memory at most."""


class Statement:
    """A compiled statement. It never changes, and any number of threads may run it at once.

    Attributes:
        text: As it was given.
        kind: "query", "dml", "ddl" or "explain".
        normalised: The text without any value in it, for the journal.
        parameter_count: How many question marks it has.
        whole_revisions: Whether each row is one whole revision, unchanged: `SELECT *` of one
            committed view or history.
        reads: Whether it reads documents; an INSERT of given values does not.
    """

    __slots__ = (
        "_execute", "_rows", "_slots", "kind", "normalised", "parameter_count", "reads", "text",
        "whole_revisions",
    )  # fmt: skip

    def __init__(
        self, text: str, parameter_count: int, plan: logical.Plan, slot_count: int
    ) -> None:
        self.text = text
        self.normalised = normalise(text)
        self.parameter_count = parameter_count
        self.whole_revisions = _is_whole_revisions(plan)
        self.reads = not isinstance(plan, logical.InsertPlan) or any(
            isinstance(node, logical.Nested | logical.Block | logical.Combined)
            for node in walk(plan.value)
        )
        self._slots = [None] * (slot_count - logical.FIRST_SLOT)
        compiler = PlanCompiler()
        self._rows: Any = None
        self._execute: Any = None
        if isinstance(plan, logical.QueryPlan):
            self.kind = "query"
            self._rows = query_rows(compiler, plan)
        else:
            self.kind, compile_statement = STATEMENTS[type(plan)]
            self._execute = compile_statement(compiler, plan)

    def execute(self, context: Context, parameters: Sequence[Value]) -> Outcome:
        """Run the statement: all its rows, and effects that the caller may apply. Changes nothing.

        Raises:
            InputError: The parameters are too many or too few, or a value is wrong.
            LimitExceededError: More rows than `Context.rows_max`.
        """
        frame = self._frame(context, parameters)
        try:
            if self._execute is not None:
                outcome: Outcome = self._execute(frame)
                return outcome
            return Outcome(rows=list(self._bounded(frame)), effects=())
        except (RecursionError, ArithmeticError) as error:
            raise _refusal(error) from error

    def rows(self, context: Context, parameters: Sequence[Value]) -> Iterator[Value]:
        """The rows of a query one by one, as they are found; those of other statements at once.

        Raises:
            InputError: As `execute`, at the first row or later.
        """
        frame = self._frame(context, parameters)
        if self._rows is None:
            return iter(self._execute(frame).rows)
        return self._streamed(frame)

    def _frame(self, context: Context, parameters: Sequence[Value]) -> list[Any]:
        if len(parameters) != self.parameter_count and self.kind != "explain":
            raise InputError(
                f"the statement has {self.parameter_count} parameters, {len(parameters)} were given"
            )
        return [parameters, context, False, *self._slots]

    def _streamed(self, frame: list[Any]) -> Iterator[Value]:
        try:
            yield from self._rows(frame)
        except (RecursionError, ArithmeticError) as error:
            raise _refusal(error) from error

    def _bounded(self, frame: list[Any]) -> Iterator[Value]:
        rows_max = frame[logical.CONTEXT].rows_max
        for count, row in enumerate(self._rows(frame), 1):
            if count > rows_max:
                raise LimitExceededError(
                    "rows_max",
                    maximum=rows_max,
                    actual=count,
                    hint="stream them, or use LIMIT",
                )
            yield row


def prepare(text: str, catalog: Catalog) -> Statement:
    """Parse, resolve, plan and compile a statement for the tables of a catalog.

    Raises:
        QuerySyntaxError: Not a statement.
        UnknownTableError: A table, index or variable that is not there.
        QueryTypeError, InputError: It can never run.
        LimitExceededError: Nested too deeply, or a number too long.
    """
    syntax_tree, parameter_count = parse_counted(text)
    try:
        plan, slot_count = resolve(syntax_tree, CatalogNames(catalog))
        return Statement(text, parameter_count, improve(plan), slot_count)
    except (RecursionError, ArithmeticError) as error:
        raise _refusal(error) from error


def evaluate(
    statement: str,
    environment: Mapping[str, Value],
    parameters: Sequence[Value] = (),
    *,
    strict: bool = False,
) -> Value:
    """The value of one query or expression over plain values, without any store.

    >>> evaluate("SELECT VALUE x.a FROM t AS x WHERE x.a > ?", {"t": [{"a": 1}, {"a": 2}]}, [1])
    <<2>>

    Args:
        statement: A query or expression.
        environment: Values by name, as tables are elsewhere.
        parameters: Values of the question marks.
        strict: Whether a type error is an error, instead of MISSING.

    Raises:
        InputError: As `prepare` and `Statement.execute`.
    """
    tree, parameter_count = parse_counted(statement)
    if not isinstance(tree, QueryStatement):
        raise InputError("only queries and expressions have a value")
    if len(parameters) != parameter_count:
        raise InputError(
            f"the statement has {parameter_count} parameters, {len(parameters)} were given"
        )
    try:
        plan, slot_count = resolve(tree, EnvironmentNames(environment))
        plan = improve(plan)
        assert isinstance(plan, logical.QueryPlan)
        compiler = PlanCompiler(strict=strict)
        is_query = isinstance(plan.query, logical.Block | logical.Combined)
        code = compiler.result(plan.query) if is_query else compiler.expression(plan.query)
        slots = [None] * (slot_count - logical.FIRST_SLOT)
        return code([parameters, _NO_STORE, False, *slots])
    except (RecursionError, ArithmeticError) as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> InputError:
    """What a statement is told that went beyond what Python can do."""
    if isinstance(error, RecursionError):
        return LimitExceededError("nesting depth", maximum=NESTING_MAX, actual=NESTING_MAX + 1)
    return InputError(f"a number is out of its range ({type(error).__name__})")


def _is_whole_revisions(plan: logical.Plan) -> bool:
    block = plan.query if isinstance(plan, logical.QueryPlan) else None
    if not isinstance(block, logical.Block) or block.distinct or block.pivot is not None:
        return False
    source: logical.Operator = block.source
    while isinstance(source, logical.Filter):
        source = source.source
    if isinstance(source, logical.OrderedSearch):
        source = source.search
    variable = _revision_slot(source)
    if variable is None or not isinstance(block.output, logical.Row):
        return False
    spreads = [value for _, value in block.output.items]
    return len(spreads) == 1 and _spreads(spreads[0], variable)


def _spreads(value: Any, slot: int) -> bool:
    return (
        isinstance(value, logical.Spread)
        and isinstance(value.value, logical.Variable)
        and value.value.slot == slot
    )


def _revision_slot(source: logical.Operator) -> int | None:
    if isinstance(source, logical.HistoryScan):
        return source.variable
    scan = (
        source.scan if isinstance(source, logical.DocumentLookup | logical.IndexSearch) else source
    )
    return scan.variable if isinstance(scan, logical.Scan) and scan.committed else None


def _no_ids() -> str:
    raise InputError("evaluate makes no documents")


_NO_STORE: Final = Context(
    view=None,  # type: ignore[arg-type]  # no name of an environment is a table
    transaction_id="",
    now=datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC),
    new_id=_no_ids,
    check=lambda: None,
    rows_max=ROWS_MAX,
)
