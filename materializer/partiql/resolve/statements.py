"""Whole statements: queries, changes of documents, tables and indexes."""

from typing import Any, NamedTuple, assert_never

from journal.errors import InputError, QueryTypeError, UnknownTableError
from materializer.partiql import logical, syntax
from materializer.partiql.logical import Operator, Plan
from materializer.partiql.resolve.names import Names, nearest_names
from materializer.partiql.resolve.queries import QueryResolver
from materializer.partiql.resolve.scopes import Scope
from materializer.partiql.view import Index, Table


class Resolved(NamedTuple):
    """A plan and how many slots its frame has."""

    plan: Plan
    slot_count: int


def resolve(statement: syntax.Statement, names: Names) -> Resolved:
    """The plan of a statement, as it was written.

    Raises:
        UnknownTableError: A table, index or variable is not there; with the nearest names.
        QueryTypeError: Two variables of one name, an aggregate outside of a SELECT ...
        InputError: A table or index that is there already, an unknown function.
    """
    resolver = StatementResolver(names)
    plan = resolver.statement(statement)
    return Resolved(plan, resolver.slot_count)


class StatementResolver(QueryResolver):
    """Resolves statements."""

    def statement(self, node: syntax.Statement) -> Plan:
        """The plan of a statement."""
        match node:
            case syntax.QueryStatement():
                return logical.QueryPlan(self._top(node.query))
            case syntax.InsertStatement():
                table = self._table(node.table)
                return logical.InsertPlan(table, self.collection(node.value, None), node.single)
            case syntax.UpdateStatement():
                return self._update(node)
            case syntax.DeleteStatement():
                return self._delete(node)
            case syntax.ExplainStatement():
                return logical.ExplainPlan(self.statement(node.statement))
            case _:
                return self._definition(node)

    def _top(self, node: syntax.Expression) -> Any:
        if isinstance(node, syntax.Select | syntax.SetOperation):
            return self.query(node, None)
        return self.expression(node, None)

    def _table(self, name: str) -> Table:
        found = self.names.table(name)
        if found is None:
            raise self.names.unknown(name)
        if found[1]:
            raise InputError(f"{name} is a view; it cannot be changed")
        return found[0]

    # Changes

    def _update(self, node: syntax.UpdateStatement) -> Plan:
        scope = Scope()
        source = self._changed(node.source, node.where, scope)
        scans = {scan.variable: scan for scan in _scans(source)}
        targets = {self._target_slot(change, scope, scans) for change in _targets(node.changes)}
        if len(targets) != 1:
            raise InputError("one statement changes the documents of one table")
        scan = scans[targets.pop()]
        edits = tuple(self._edit(change, scope) for change in node.changes)
        assert scan.document is not None
        return logical.UpdatePlan(scan.table, source, scan.document, scan.variable, edits)

    def _delete(self, node: syntax.DeleteStatement) -> Plan:
        source = self._changed(node.source, node.where, Scope())
        scan = _scans(source)[0]
        assert scan.document is not None
        return logical.DeletePlan(scan.table, source, scan.document)

    def _changed(
        self, source: syntax.From, where: syntax.Expression | None, scope: Scope
    ) -> Operator:
        operator = self.from_clause(source, scope, change=True)
        scans = _scans(operator)
        if not scans:
            raise InputError("what is changed has to be a table")
        if any(scan.committed for scan in scans):
            raise InputError("the committed view cannot be changed; name the table itself")
        if where is not None:
            operator = logical.Filter(operator, self.expression(where, scope))
        return operator

    def _target_slot(
        self, target: syntax.Path | syntax.Name, scope: Scope, scans: dict[int, logical.Scan]
    ) -> int:
        """The slot of the document that a target path is in."""
        variable = scope.variables.get(_root(target).name)
        if variable is not None:
            if variable.slot not in scans:
                raise InputError(f"{variable.name!r} is no document; begin the path at the table")
            return variable.slot
        if len(scans) > 1:
            raise InputError(f"say which table {_root(target).name!r} is a field of")
        return next(iter(scans))

    def _edit(self, change: syntax.Change, scope: Scope) -> logical.Edit:
        match change:
            case syntax.SetFields():
                return logical.Assignments(
                    tuple(
                        logical.Assignment(
                            self._steps(item.target, scope), self.expression(item.value, scope)
                        )
                        for item in change.assignments
                    )
                )
            case syntax.RemoveField():
                steps = self._steps(change.target, scope)
                if not steps:
                    raise InputError("REMOVE takes fields away; for whole documents use DELETE")
                return logical.Removal(steps)
            case syntax.InsertElement():
                position = change.position
                return logical.Insertion(
                    self._steps(change.target, scope),
                    self.expression(change.value, scope),
                    None if position is None else self.expression(position, scope),
                )
            case _:
                assert_never(change)

    def _steps(self, target: syntax.Path | syntax.Name, scope: Scope) -> tuple[Any, ...]:
        root = _root(target)
        steps: list[Any] = [] if root.name in scope.variables else [root.name]
        for step in target.steps if isinstance(target, syntax.Path) else ():
            if isinstance(step, syntax.Field):
                steps.append(step.name)
            else:
                assert isinstance(step, syntax.Element)
                steps.append(self.expression(step.index, scope))
        return tuple(steps)

    # Tables and indexes

    def _definition(self, node: Any) -> Plan:
        match node:
            case syntax.CreateTableStatement():
                if self.names.table(node.table) is None:
                    return logical.CreateTablePlan(node.table)
                if not node.if_not_exists:
                    raise InputError(f"table {node.table} is there already")
                return logical.CreateTablePlan(None)
            case syntax.DropTableStatement():
                if node.if_exists and self.names.table(node.table) is None:
                    return logical.DropTablePlan(None)
                return logical.DropTablePlan(self._table(node.table))
            case syntax.CreateIndexStatement():
                return self._create_index(node)
            case syntax.DropIndexStatement():
                table = self._table(node.table)
                index = _index_of(table, node.index)
                if index is None and not node.if_exists:
                    nearest = nearest_names(node.index, {each.name: each for each in table.indexes})
                    raise UnknownTableError(node.index, kind="index", nearest=nearest)
                return logical.DropIndexPlan(table, index)
            case _:
                raise AssertionError(node)

    def _create_index(self, node: syntax.CreateIndexStatement) -> Plan:
        table = self._table(node.table)
        if len(set(node.paths)) != len(node.paths):
            raise QueryTypeError("an index has each path once")
        name = node.index or "_".join(".".join(path) for path in node.paths)
        same = [index for index in table.indexes if index.paths == node.paths]
        taken = _index_of(table, name)
        if not same and taken is None:
            return logical.CreateIndexPlan(table, name, node.paths, node.unique)
        if node.if_not_exists:
            return logical.CreateIndexPlan(table, None, node.paths, node.unique)
        if same:
            raise InputError(f"index {same[0].name} of table {table.name} has these paths already")
        raise InputError(f"index {name} of table {table.name} is there already")


def _index_of(table: Table, name: str) -> Index | None:
    """The index with that id, or else that name."""
    for index in table.indexes:
        if name in (index.id, index.name):
            return index
    return None


def _scans(operator: Operator) -> list[logical.Scan]:
    if isinstance(operator, logical.Scan):
        return [operator]
    if isinstance(operator, logical.Joined):
        return [*_scans(operator.left), *_scans(operator.right)]
    if isinstance(operator, logical.Filter | logical.Let):
        return _scans(operator.source)
    return []


def _targets(changes: tuple[syntax.Change, ...]) -> list[syntax.Path | syntax.Name]:
    targets: list[syntax.Path | syntax.Name] = []
    for change in changes:
        if isinstance(change, syntax.SetFields):
            targets += [assignment.target for assignment in change.assignments]
        else:
            targets.append(change.target)
    return targets


def _root(target: syntax.Path | syntax.Name) -> syntax.Name:
    root = target.root if isinstance(target, syntax.Path) else target
    assert isinstance(root, syntax.Name)
    return root
