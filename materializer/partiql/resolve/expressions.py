"""Names and calls in expressions."""

from functools import partial
from typing import Any

from journal.errors import InputError, QueryTypeError
from materializer.partiql import syntax
from materializer.partiql.logical import (
    FIRST_SLOT,
    Aggregation,
    Attribute,
    Block,
    Combined,
    Nested,
    Variable,
)
from materializer.partiql.operators.aggregates import AGGREGATES
from materializer.partiql.operators.casts import DECIMAL_NAMES
from materializer.partiql.operators.functions import (
    ARGUMENT_KINDS,
    COLLECTION_FUNCTIONS,
    FUNCTIONS,
    Function,
)
from materializer.partiql.operators.kinds import kind_of
from materializer.partiql.resolve.names import Names, nearest_names
from materializer.partiql.resolve.scopes import Grouping, Scope
from materializer.partiql.trees import children, rebuild

SPECIAL_CALLS = {"COALESCE": (1, 1_000), "NULLIF": (2, 2), "TXID": (0, 0), "UTCNOW": (0, 0)}
"""Functions that `compile` knows by itself: fewest and most arguments."""

_TEXT_OPERATORS = frozenset({"||"})


class ExpressionResolver:
    """Resolves expressions; queries inside them are left to `query`, which the next layer defines."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.slot_count = FIRST_SLOT

    def query(self, node: syntax.Query, scope: Scope | None) -> Block | Combined:
        """The plan of a query."""
        raise NotImplementedError

    def new_variable(self, name: str) -> Variable:
        """A variable with a slot of its own."""
        self.slot_count += 1
        return Variable(self.slot_count - 1, name)

    def nested(self, query: Block | Combined, form: Any) -> Nested:
        """A query as a value, with a slot to keep it in."""
        return Nested(query, form, self.new_variable("").slot)

    def expression(self, node: Any, scope: Scope | None) -> Any:
        """The expression with its names resolved; a query becomes one value where SQL wants one."""
        if isinstance(node, syntax.Constant | syntax.Parameter):
            return node
        grouping = scope.grouping if scope is not None else None
        if grouping is not None and scope is not None:
            found = self._in_group(node, scope, grouping)
            if found is not None:
                return found
        if isinstance(node, syntax.Name):
            return self._name(node, scope)
        if isinstance(node, syntax.Call):
            return self._call(node, scope)
        if isinstance(node, syntax.Select | syntax.SetOperation):
            return self.nested(self.query(node, scope), _scalar_form(node))
        if isinstance(node, syntax.In):
            collection = self._collection(node.collection, scope, form="column")
            return syntax.In(self.expression(node.value, scope), collection)
        if isinstance(node, syntax.Path):
            return self._path(node, scope)
        self._check_literals(node)
        return rebuild(node, partial(self.expression, scope=scope))

    def collection(self, node: syntax.Expression, scope: Scope | None) -> Any:
        """The expression where a collection is wanted: a query keeps all its rows."""
        return self._collection(node, scope, form="collection")

    def _collection(self, node: Any, scope: Scope | None, form: Any) -> Any:
        if isinstance(node, syntax.Select | syntax.SetOperation):
            plain = _scalar_form(node) == "collection"
            return self.nested(self.query(node, scope), "collection" if plain else form)
        return self.expression(node, scope)

    # Names

    def _name(self, node: syntax.Name, scope: Scope | None) -> syntax.Expression:
        variable = None if scope is None else scope.find(node.name)
        if variable is not None:
            return variable
        rows = () if scope is None else scope.all_rows()
        outside = self.names.value(node.name)
        if not rows:
            if outside is None:
                raise self.names.unknown(node.name)
            return outside
        if len(rows) == 1 and (outside is None or not isinstance(outside, syntax.Constant)):
            return syntax.Path(rows[0], (syntax.Field(node.name),))
        fallback = outside if isinstance(outside, syntax.Constant) else None
        assert scope is not None
        return Attribute(node.name, rows, len(scope.rows), fallback)

    def _path(self, node: syntax.Path, scope: Scope | None) -> syntax.Path:
        """A path from a variable, even where its root was a bare field."""
        root = self.expression(node.root, scope)
        steps = tuple(rebuild(step, partial(self.expression, scope=scope)) for step in node.steps)
        if isinstance(root, syntax.Path):
            return syntax.Path(root.root, (*root.steps, *steps))
        return syntax.Path(root, steps)

    def _in_group(self, node: Any, scope: Scope, grouping: Grouping) -> Any:
        """A key, an aggregate or the group itself; None where the node has to be taken apart."""
        for written, _, variable in grouping.keys:
            if written == node:
                return _key_value(variable)
        if isinstance(node, syntax.Call) and node.name in AGGREGATES:
            return self._aggregation(node, grouping)
        if isinstance(node, syntax.Name):
            return self._grouped_name(node, scope, grouping)
        if isinstance(node, syntax.Path) and isinstance(node.root, syntax.Name):
            if node.root.name in scope.variables and node.root.name not in grouping.base.variables:
                return None
            resolved = self.expression(node, grouping.base)
            return _key_of(resolved, grouping)
        return None

    def _grouped_name(self, node: syntax.Name, scope: Scope, grouping: Grouping) -> Any:
        before = self.expression(node, grouping.base)
        key = _key_of(before, grouping)
        if key is not None:
            return key
        if node.name in scope.variables:
            variable = scope.variables[node.name]
            is_key = any(variable is each for _, _, each in grouping.keys)
            return _key_value(variable) if is_key else variable
        outer = grouping.base.parent
        if outer is not None and outer.find(node.name) is not None:
            return outer.find(node.name)
        if isinstance(before, syntax.Constant):
            return before
        raise QueryTypeError(f"{node.name!r} is neither in GROUP BY nor in an aggregate")

    def _aggregation(self, node: syntax.Call, grouping: Grouping) -> Variable:
        if node.star:
            if node.name != "COUNT" or node.distinct:
                raise QueryTypeError(f"only COUNT takes *, not {node.name}")
            value = None
        else:
            _check_count(node.name, len(node.arguments), 1, 1)
            value = self.expression(node.arguments[0], grouping.base)
        for known in grouping.aggregations:
            if (known.name, known.value, known.distinct) == (node.name, value, node.distinct):
                return Variable(known.slot, node.name)
        variable = self.new_variable(node.name)
        grouping.aggregations.append(Aggregation(variable.slot, node.name, value, node.distinct))
        return variable

    # Calls

    def _call(self, node: syntax.Call, scope: Scope | None) -> Any:
        name, count = node.name, len(node.arguments)
        if name in AGGREGATES:
            raise QueryTypeError(
                f"{name} belongs into a SELECT; for one collection use COLL_{name}"
            )
        if node.star or (node.quantified and not name.startswith("COLL_")):
            raise QueryTypeError(f"{name} takes no * and no DISTINCT")
        if name in SPECIAL_CALLS:
            _check_count(name, count, *SPECIAL_CALLS[name])
        elif name.removeprefix("COLL_") in AGGREGATES and name.startswith("COLL_"):
            _check_count(name, count, 1, 1)
        else:
            function = FUNCTIONS.get(name)
            if function is None:
                raise _unknown_function(name)
            _check_count(name, count, function.fewest, function.most)
            _check_arguments(node, function)
        take = self.collection if name in COLLECTION_FUNCTIONS else self.expression
        arguments = []
        for argument in node.arguments:  # no generator: it would cost a frame a level
            arguments.append(take(argument, scope))  # noqa: PERF401
        return syntax.Call(
            name, tuple(arguments), distinct=node.distinct, line=node.line, column=node.column
        )

    def _check_literals(self, node: Any) -> None:
        """Refuse operators on literals of kinds that can never work."""
        if isinstance(node, syntax.Operation) and node.operator in _TEXT_OPERATORS:
            _check_kind(node.operator, node.left, "text")
            _check_kind(node.operator, node.right, "text")
        elif isinstance(node, syntax.Cast) and node.type.name in ("NULL", "MISSING"):
            raise QueryTypeError(f"nothing can be cast to {node.type.name}")
        elif isinstance(node, syntax.TypeName) and node.name in DECIMAL_NAMES and node.arguments:
            _check_precision(node.arguments)


def contains_aggregate(node: syntax.Node) -> bool:
    """Whether an aggregate stands in an expression, outside of queries inside it."""
    if isinstance(node, syntax.Select | syntax.SetOperation):
        return False
    if isinstance(node, syntax.Call) and node.name in AGGREGATES:
        return True
    return any(map(contains_aggregate, children(node)))


def _scalar_form(node: syntax.Query) -> Any:
    """A SELECT list where one value is wanted gives that value; SELECT VALUE gives its collection."""
    is_list = isinstance(node, syntax.Select) and node.value is None and node.pivot is None
    return "scalar" if is_list else "collection"


def _key_of(resolved: Any, grouping: Grouping) -> Any:
    for _, key, variable in grouping.keys:
        if key == resolved:
            return _key_value(variable)
    return None


def _key_value(variable: Any) -> syntax.Expression:
    """A key of GROUP BY: nulls and missing values are one group, whose key is null."""
    return syntax.Call("COALESCE", (variable, syntax.Constant(None)))


def _check_count(name: str, count: int, fewest: int, most: int) -> None:
    if not fewest <= count <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise QueryTypeError(f"{name} takes {wanted} arguments, not {count}")


def _check_precision(arguments: tuple[int, ...]) -> None:
    scale = arguments[1] if len(arguments) > 1 else 0
    if len(arguments) > 2 or not 1 <= arguments[0] <= 38 or scale > arguments[0]:
        raise QueryTypeError("a decimal has 1 to 38 digits, the scale among them")


def _check_arguments(node: syntax.Call, function: Function) -> None:
    for argument, kind in zip(node.arguments, function.kinds, strict=False):
        if kind:
            _check_kind(node.name, argument, kind)


def _check_kind(operator: str, node: syntax.Expression, kind: str) -> None:
    found = None
    if isinstance(node, syntax.Constant):
        found = kind_of(node.value)
    elif isinstance(node, syntax.Collection):
        found = "bag" if node.bag else "list"
    elif isinstance(node, syntax.Struct):
        found = "struct"
    if found is not None and found not in ARGUMENT_KINDS[kind]:
        raise QueryTypeError(f"{operator} needs a {kind}, not {found}")


def _unknown_function(name: str) -> InputError:
    known = dict.fromkeys([*FUNCTIONS, *SPECIAL_CALLS, *AGGREGATES])
    nearest = nearest_names(name, known)
    hint = f"did you mean {', '.join(nearest)}?" if nearest else ""
    return InputError(f"no function named {name!r}", hint=hint)
