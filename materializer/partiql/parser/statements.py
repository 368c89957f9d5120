"""The grammar of statements: queries, data manipulation, tables and indexes."""

from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

from journal.errors import LimitExceededError
from materializer.partiql import syntax
from materializer.partiql.limits import NESTING_MAX, check_limit
from materializer.partiql.parser.calls import DATE_PARTS
from materializer.partiql.parser.expressions import PATH, SIGN
from materializer.partiql.parser.queries import QueryParser
from materializer.partiql.parser.stream import Place

assert DATE_PARTS, "parser.calls has registered its functions"


def parse(text: str) -> syntax.Statement:
    """The syntax tree of one statement.

    >>> parse("DROP TABLE IF EXISTS t").table
    't'

    Raises:
        QuerySyntaxError: Not a statement; says where and what could have stood there.
        LimitExceededError: Nested too deeply.
    """
    return parse_counted(text)[0]


def parse_counted(text: str) -> tuple[syntax.Statement, int]:
    """As `parse`, with the number of parameters."""
    try:
        parser = StatementParser(text)
        statement = parser.whole_statement()
        if len(parser.tokens) > NESTING_MAX:
            check_limit(
                "nesting depth", maximum=NESTING_MAX, actual=_height(statement, NESTING_MAX)
            )
    except RecursionError as error:
        raise LimitExceededError(
            "nesting depth", maximum=NESTING_MAX, actual=NESTING_MAX + 1
        ) from error
    return statement, parser.parameter_count


class StatementParser(QueryParser):
    """Parses whole statements."""

    def whole_statement(self) -> syntax.Statement:
        """One statement and nothing after it but a semicolon."""
        statement = self._statement()
        self.accept(";")
        if self.token.kind != "end":
            self.fail("the end of the statement")
        return statement

    def _statement(self) -> syntax.Statement:
        place, word = self.place(), self.token.word
        if word == "EXPLAIN":
            self.advance()
            return syntax.ExplainStatement(self._statement(), **place)
        known = self._STATEMENTS.get(word)
        if known is None:
            return syntax.QueryStatement(self.query(), **place)
        self.advance()
        return known(self, place)

    def _insert(self, place: Place) -> syntax.Statement:
        self.expect("INTO")
        table = self.expect_name("a table name")
        single = self.accept("VALUE")
        value = self.expression() if single else self.query()
        return syntax.InsertStatement(table, value, single, **place)

    def _update(self, place: Place) -> syntax.Statement:
        source = self.from_clause()
        changes = self._changes()
        return syntax.UpdateStatement(source, changes, self._where(), **place)

    def _from(self, place: Place) -> syntax.Statement:
        source = self.from_clause()
        where = self._where()
        if self.accept("DELETE"):
            self.accept_name()
            return syntax.DeleteStatement(source, where, **place)
        return syntax.UpdateStatement(source, self._changes(), where, **place)

    def _delete(self, place: Place) -> syntax.Statement:
        self.expect("FROM")
        source = self.from_clause()
        return syntax.DeleteStatement(source, self._where(), **place)

    def _where(self) -> syntax.Expression | None:
        return self.expression() if self.accept("WHERE") else None

    def _changes(self) -> tuple[syntax.Change, ...]:
        changes: list[syntax.Change] = []
        while self.token.word in ("SET", "REMOVE", "INSERT"):
            changes.append(self._change())
        if not changes:
            self.fail("SET, REMOVE or INSERT INTO")
        return tuple(changes)

    def _change(self) -> syntax.Change:
        place, word = self.place(), self.advance().word
        if word == "SET":
            return syntax.SetFields(self.separated(self._assignment), **place)
        if word == "REMOVE":
            return syntax.RemoveField(self._target(), **place)
        self.expect("INTO")
        target = self._target()
        self.expect("VALUE")
        value = self.expression()
        position = self.expression() if self.accept("AT") else None
        return syntax.InsertElement(target, value, position, **place)

    def _assignment(self) -> syntax.Assign:
        place = self.place()
        target = self._target()
        self.expect("=")
        return syntax.Assign(target, self.expression(), **place)

    def _target(self) -> syntax.Path | syntax.Name:
        token = self.token
        target = self.expression(SIGN)
        if isinstance(target, syntax.Path) and isinstance(target.root, syntax.Name):
            plain = syntax.Field | syntax.Element
            if all(isinstance(step, plain) for step in target.steps):
                return target
        if not isinstance(target, syntax.Name):
            self.reject("only a path of fields and elements can be changed", token)
        return target

    # Tables and indexes

    def _create(self, place: Place) -> syntax.Statement:
        if self.accept("TABLE"):
            lenient = self.accept("IF", "NOT", "EXISTS")
            return syntax.CreateTableStatement(self.expect_name("a table name"), lenient, **place)
        unique = self.accept("UNIQUE")
        if not self.accept("INDEX"):
            self.fail("INDEX" if unique else "TABLE or INDEX")
        lenient = self.accept("IF", "NOT", "EXISTS")
        name = self.accept_name()
        self.expect("ON")
        table = self.expect_name("a table name")
        self.expect("(")
        paths = self.separated(self._index_path)
        self.expect(")")
        return syntax.CreateIndexStatement(table, name, paths, unique, lenient, **place)

    def _index_path(self) -> tuple[str, ...]:
        token = self.token
        path = self.expression(PATH - 1)
        if isinstance(path, syntax.Constant) and type(path.value) is str:
            return (path.value,)
        if isinstance(path, syntax.Name):
            return (path.name,)
        if isinstance(path, syntax.Path) and isinstance(path.root, syntax.Name):
            names = [step.name for step in path.steps if isinstance(step, syntax.Field)]
            if len(names) == len(path.steps):
                return (path.root.name, *names)
        return self.reject("an index is on fields: name, or name.name", token)

    def _drop(self, place: Place) -> syntax.Statement:
        if self.accept("TABLE"):
            lenient = self.accept("IF", "EXISTS")
            return syntax.DropTableStatement(self.expect_name("a table name"), lenient, **place)
        if not self.accept("INDEX"):
            self.fail("TABLE or INDEX")
        lenient = self.accept("IF", "EXISTS")
        index = self.expect_name("an index name")
        self.expect("ON")
        table = self.expect_name("a table name")
        if self.accept("WITH"):
            self.expect("(", "PURGE", "=", "TRUE", ")")
        return syntax.DropIndexStatement(table, index, lenient, **place)

    _STATEMENTS: ClassVar = {
        "INSERT": _insert,
        "UPDATE": _update,
        "FROM": _from,
        "DELETE": _delete,
        "CREATE": _create,
        "DROP": _drop,
    }


def _height(statement: syntax.Node, enough: int) -> int:
    """Height of the tree, or `enough` + 1 when it is more; without recursion.

    A chain such as `a + a + a ...` is flat in the text but as high as it is long in the tree.
    """
    pending: list[tuple[Any, int]] = [(statement, 1)]
    highest = 0
    while pending and highest <= enough:
        node, height = pending.pop()
        if isinstance(node, tuple):
            pending.extend((item, height) for item in node)
        elif is_dataclass(node):
            highest = max(highest, height)
            pending.extend((getattr(node, field.name), height + 1) for field in fields(node))
    return highest
