"""FROM, GROUP BY, SELECT lists, ORDER BY and set operators."""

from dataclasses import replace
from typing import Any

from journal.errors import InputError, QueryTypeError
from journal.values import MISSING
from materializer.partiql import logical, syntax
from materializer.partiql.logical import Block, Combined, Operator, Variable
from materializer.partiql.resolve.expressions import ExpressionResolver, contains_aggregate
from materializer.partiql.resolve.scopes import Grouping, Scope
from materializer.partiql.slots import slots_set


class QueryResolver(ExpressionResolver):
    """Resolves queries."""

    def query(self, node: syntax.Query, scope: Scope | None) -> Block | Combined:
        """The plan of a query; `scope` is that of the query around it."""
        if isinstance(node, syntax.Select):
            return self._select(node, scope)
        combined = Combined(
            node.operator,
            node.outer,
            node.all,
            self.collection(node.left, scope),
            self.collection(node.right, scope),
        )
        if not node.order and node.limit is None and node.offset is None:
            return combined
        row = self.new_variable("_1")
        inner = Scope(scope)
        inner.declare(row, row=True)
        return self._cut(
            Block(logical.Iterate(self.nested(combined, "collection"), row.slot), row),
            node,
            self._order(node.order, {}, inner),
            scope,
        )

    def _cut(self, block: Block, node: syntax.Query, order: Any, outer: Scope | None) -> Block:
        limit = None if node.limit is None else self.expression(node.limit, outer)
        offset = None if node.offset is None else self.expression(node.offset, outer)
        return Block(
            block.source,
            block.output,
            block.distinct,
            order,
            bool(node.order),
            limit,
            offset,
            block.pivot,
        )

    def _select(self, node: syntax.Select, outer: Scope | None) -> Block:
        scope = Scope(outer)
        source: Operator = logical.Unit()
        if node.source is not None:
            source = self.from_clause(node.source, scope)
        if node.let:
            source = self._let(source, node, scope)
        if node.where is not None:
            source = logical.Filter(source, self.expression(node.where, scope))
        grouping = None
        if node.group or node.group_name or _aggregates(node):
            scope, grouping = self._group(node, scope)
        output, pivot = self._output(node, scope)
        having = None if node.having is None else self.expression(node.having, scope)
        aliases = {item.alias: item.value for item in node.items if item.alias is not None}
        order = self._order(node.order, aliases, scope)
        if grouping is not None:
            source = _grouped(source, node, scope)
        if having is not None:
            source = logical.Filter(source, having)
        block = Block(source, output, node.distinct, pivot=pivot)
        return self._cut(block, node, order, outer)

    def _let(self, source: Operator, node: syntax.Select, scope: Scope) -> Operator:
        bindings = []
        for value, name in node.let:
            resolved = self.expression(value, scope)
            variable = self.new_variable(name)
            scope.declare(variable)
            bindings.append((variable.slot, resolved))
        return logical.Let(source, tuple(bindings))

    # GROUP BY

    def _group(self, node: syntax.Select, base: Scope) -> tuple[Scope, Grouping]:
        grouping = Grouping(base)
        scope = Scope(base.parent, grouping=grouping)
        for position, key in enumerate(node.group, 1):
            resolved = self.expression(key.value, base)
            name = key.alias or implied_name(key.value) or f"_{position}"
            variable = self.new_variable(name)
            scope.variables.setdefault(name, variable)
            grouping.keys.append((key.value, resolved, variable))
        if node.group_name is not None:
            scope.declare(self.new_variable(node.group_name))
        return scope, grouping

    # SELECT

    def _output(self, node: syntax.Select, scope: Scope) -> tuple[Any, Any]:
        if node.pivot is not None:
            value, name = (self.expression(part, scope) for part in node.pivot)
            return syntax.Constant(None), (name, value)
        if node.value is not None:
            return self.expression(node.value, scope), None
        if node.star:
            return self._star(scope), None
        items: list[tuple[str, Any]] = []
        unnamed = 0
        for item in node.items:
            value = self.expression(item.value, scope)
            name = item.alias if item.alias is not None else implied_name(item.value)
            unnamed += item.star or name is None
            if item.star:
                items.append(("", logical.Spread(value, unnamed)))
            else:
                items.append((f"_{unnamed}" if name is None else name, value))
        return logical.Row(tuple(items)), None

    def _star(self, scope: Scope) -> Any:
        if scope.grouping is not None:
            named = [*(variable for _, _, variable in scope.grouping.keys)]
            named += [v for v in scope.variables.values() if v not in named]
            return logical.Row(tuple((variable.name, variable) for variable in named))
        if not scope.rows:
            raise QueryTypeError("SELECT * needs FROM")
        spreads = [logical.Spread(row, position) for position, row in enumerate(scope.rows, 1)]
        return logical.Row(tuple(("", spread) for spread in spreads))

    def _order(
        self, keys: tuple[syntax.OrderKey, ...], aliases: dict[str, Any], scope: Scope
    ) -> tuple[logical.SortKey, ...]:
        resolved = []
        for key in keys:
            value = key.value
            if isinstance(value, syntax.Name) and not value.local and value.name in aliases:
                value = aliases[value.name]
            resolved.append(
                logical.SortKey(self.expression(value, scope), key.descending, key.nulls_first)
            )
        return tuple(resolved)

    # FROM

    def from_clause(self, node: syntax.From, scope: Scope, *, change: bool = False) -> Operator:
        """The operator for a FROM clause, whose variables are added to the scope.

        Args:
            node: The clause.
            scope: That of the query.
            change: Whether documents are to be changed: scans then bind the document itself.
        """
        if isinstance(node, syntax.Source):
            return self._source(node, scope, change=change)
        left = self.from_clause(node.left, scope, change=change)
        right = self.from_clause(node.right, scope, change=change)
        condition = None if node.condition is None else self.expression(node.condition, scope)
        return logical.Joined(
            node.kind,
            left,
            right,
            condition,
            tuple(sorted(slots_set(left))),
            tuple(sorted(slots_set(right))),
        )

    def _source(self, node: syntax.Source, scope: Scope, *, change: bool) -> Operator:
        name = node.name or implied_name(node.value)
        hidden = name is None or (node.name is None and name in scope.variables)
        name = f"_{len(scope.rows) + 1}" if name is None or hidden else name
        operator, variable = self._operator(node, name, scope, change=change)
        scope.declare(variable, row=True)
        return self._with_marks(operator, node, scope)

    def _operator(
        self, node: syntax.Source, name: str, scope: Scope, *, change: bool
    ) -> tuple[Operator, Variable]:
        value = node.value
        if isinstance(value, syntax.Name) and not value.local and not node.unpivot:
            found = self.names.table(value.name)
            if found is not None:
                variable = self.new_variable(name)
                document = self.new_variable("").slot if change else None
                scan = logical.Scan(found[0], found[1], variable.slot, None, document)
                return scan, variable
        if isinstance(value, syntax.Call) and value.name == "HISTORY":
            return self._history(value, name, scope)
        if _is_user_tables(value):
            variable = self.new_variable(name)
            return logical.UserTables(variable.slot), variable
        resolved = self._from_value(value, scope)
        variable = self.new_variable(name)
        return logical.Iterate(resolved, variable.slot, unpivot=node.unpivot), variable

    def _from_value(self, value: syntax.Expression, scope: Scope) -> Any:
        """In FROM a bare name means the outside first; what begins a path, the query first."""
        if isinstance(value, syntax.Name) and not value.local:
            outside = self.names.value(value.name)
            if outside is not None:
                return outside
            if scope.find(value.name) is None:
                raise self.names.unknown(value.name)
        return self.collection(value, scope)

    def _with_marks(self, operator: Operator, node: syntax.Source, scope: Scope) -> Operator:
        """AT and BY: slots of the operator, or missing where it has no such thing."""
        slots: dict[str, int] = {}
        for name, mark in ((node.ordinal, "ordinal"), (node.document_id, "document_id")):
            if name is not None:
                variable = self.new_variable(name)
                scope.declare(variable)
                slots[mark] = variable.slot
        absent: list[tuple[int, syntax.Expression]] = []
        if isinstance(operator, logical.Iterate):
            return replace(
                operator, ordinal=slots.get("ordinal"), document_id=slots.get("document_id")
            )
        if isinstance(operator, logical.Scan) and "document_id" in slots:
            operator = replace(operator, document_id=slots.pop("document_id"))
        absent = [(slot, syntax.Constant(MISSING)) for slot in slots.values()]
        return logical.Let(operator, tuple(absent)) if absent else operator

    def _history(
        self, call: syntax.Call, name: str, scope: Scope
    ) -> tuple[logical.HistoryScan, Variable]:
        arguments = call.arguments
        if not 1 <= len(arguments) <= 3 or not isinstance(arguments[0], syntax.Name):
            raise InputError("history takes a table, and a start and an end if wanted")
        found = self.names.table(arguments[0].name)
        if found is None:
            raise self.names.unknown(arguments[0].name)
        bounds: list[Any] = [self.expression(argument, scope) for argument in arguments[1:]]
        start, end, *_ = [*bounds, None, None]
        variable = self.new_variable("history" if name == "HISTORY" else name)
        return logical.HistoryScan(found[0], start, end, variable.slot), variable


def _grouped(source: Operator, node: syntax.Select, scope: Scope) -> Operator:
    grouping = scope.grouping
    assert grouping is not None
    group = None if node.group_name is None else scope.variables[node.group_name].slot
    return logical.Grouped(
        source,
        tuple((variable.slot, resolved) for _, resolved, variable in grouping.keys),
        tuple(grouping.aggregations),
        group,
        tuple((name, variable.slot) for name, variable in grouping.base.variables.items()),
    )


def implied_name(node: syntax.Expression) -> str | None:
    """The name that a value has by itself: that of the variable, or of the path's last field."""
    if isinstance(node, syntax.Name):
        return node.name
    if isinstance(node, syntax.Path):
        last = node.steps[-1]
        return last.name if isinstance(last, syntax.Field) else None
    return implied_name(node.value) if isinstance(node, syntax.Cast) else None


def _is_user_tables(value: syntax.Expression) -> bool:
    return value == syntax.Path(syntax.Name("information_schema"), (syntax.Field("user_tables"),))


def _aggregates(node: syntax.Select) -> bool:
    parts: list[syntax.Node] = [*node.items, *node.order]
    parts += [part for part in (node.value, node.having, *(node.pivot or ())) if part is not None]
    if node.having is not None:
        return True
    return any(contains_aggregate(part) for part in parts)
