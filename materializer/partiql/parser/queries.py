"""The grammar of queries: SELECT, PIVOT, VALUES, FROM and the set operators."""

from dataclasses import replace
from typing import Any, Final

from materializer.partiql import syntax
from materializer.partiql.parser.expressions import QUERY_WORDS, ExpressionParser
from materializer.partiql.parser.stream import Place

JOIN_KINDS: Final[dict[str, Any]] = {
    "INNER": "inner", "LEFT": "left", "RIGHT": "right", "FULL": "full",
}  # fmt: skip
_SET_OPERATORS: Final = frozenset({"UNION", "INTERSECT", "EXCEPT"})
_BARE_VALUE: Final = frozenset({",", "FROM", "AS", "."})


class QueryParser(ExpressionParser):
    """Parses queries wherever an expression may be one."""

    def query(self, first: syntax.Expression | None = None) -> syntax.Expression:
        """Terms with set operators between, INTERSECT first; then ORDER BY, LIMIT and OFFSET."""
        left = self._intersection(first)
        while (operator := self._set_operator()) in ("UNION", "EXCEPT"):
            left = self._set_operation(left, operator)
        return self._with_order(left)

    def _intersection(self, first: syntax.Expression | None = None) -> syntax.Expression:
        left = self._term() if first is None else first
        while self._set_operator() == "INTERSECT":
            left = self._set_operation(left, "INTERSECT")
        return left

    def _set_operator(self) -> str | None:
        word = self.following().word if self.token.word == "OUTER" else self.token.word
        return word if word in _SET_OPERATORS else None

    def _set_operation(self, left: syntax.Expression, operator: Any) -> syntax.Expression:
        outer = self.accept("OUTER")
        self.advance()
        everything = self.accept("ALL")
        if not everything:
            self.accept("DISTINCT")
        right = self._term() if operator == "INTERSECT" else self._intersection()
        return syntax.SetOperation(
            operator, outer, everything, left, right, line=left.line, column=left.column
        )

    def _term(self) -> syntax.Expression:
        word = self.token.word
        if word not in QUERY_WORDS:
            return self.expression()
        self.enter_query()
        if word == "SELECT":
            query: syntax.Expression = self._select_block()
        else:
            query = self._pivot_block() if word == "PIVOT" else self._values()
        self.leave_query()
        return query

    def _with_order(self, query: syntax.Expression) -> syntax.Expression:
        if self.token.word not in ("ORDER", "LIMIT", "OFFSET"):
            return query
        if not isinstance(query, syntax.Select | syntax.SetOperation):
            return query
        if query.order or query.limit or query.offset:
            query = _subquery(query)
        order: tuple[syntax.OrderKey, ...] = ()
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.separated(self._order_key)
        limit = self.expression() if self.accept("LIMIT") else None
        offset = self.expression() if self.accept("OFFSET") else None
        return replace(query, order=order, limit=limit, offset=offset)

    def _order_key(self) -> syntax.OrderKey:
        place = self.place()
        value = self.expression()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        nulls_first = descending
        if self.accept("NULLS"):
            nulls_first = self.accept("FIRST")
            if not nulls_first:
                self.expect("LAST")
        return syntax.OrderKey(value, descending, nulls_first, **place)

    # SELECT

    def _select_block(self) -> syntax.Select:
        place = self.place()
        self.advance()
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        star, value = False, None
        items: tuple[syntax.Item, ...] = ()
        if self.token.word == "VALUE" and self.following().word not in _BARE_VALUE:
            self.advance()
            value = self.expression()
        elif self.accept("*"):
            star = True
        else:
            items = self.separated(self._item)
        source = self.from_clause() if self.accept("FROM") else None
        return self._clauses(syntax.Select(distinct, star, items, value, None, source, **place))

    def _pivot_block(self) -> syntax.Select:
        place = self.place()
        self.advance()
        value = self.expression()
        self.expect("AT")
        name = self.expression()
        self.expect("FROM")
        source = self.from_clause()
        return self._clauses(syntax.Select(False, False, (), None, (value, name), source, **place))

    def _clauses(self, select: syntax.Select) -> syntax.Select:
        let = self.separated(self._binding) if self.accept("LET") else ()
        where = self.expression() if self.accept("WHERE") else None
        group: tuple[syntax.GroupKey, ...] = ()
        group_name = None
        if self.accept("GROUP", "ALL"):
            self.expect("AS")
            group_name = self.expect_name("a name for the group")
        elif self.accept("GROUP"):
            self.accept("PARTIAL")
            self.expect("BY")
            group = self.separated(self._group_key)
            if self.accept("GROUP", "AS"):
                group_name = self.expect_name("a name for the group")
        having = self.expression() if self.accept("HAVING") else None
        return replace(
            select, let=let, where=where, group=group, group_name=group_name, having=having
        )

    def _item(self) -> syntax.Item:
        place, token = self.place(), self.token
        value = self.expression()
        if isinstance(value, syntax.Path):
            wild = [i for i, step in enumerate(value.steps) if not _is_plain(step)]
            if wild:
                self._check_star(value, wild, token)
                root = value.root
                if len(value.steps) > 1:
                    root = replace(value, steps=value.steps[:-1])
                return syntax.Item(root, None, star=True, **place)
        return syntax.Item(value, self._alias(), **place)

    def _check_star(self, path: syntax.Path, wild: list[int], token: Any) -> None:
        last = len(path.steps) - 1
        fields = all(isinstance(step, syntax.Field) for step in path.steps[:-1])
        if wild != [last] or not isinstance(path.steps[last], syntax.EveryField) or not fields:
            self.reject("in a SELECT list, * may only follow a name and fields", token)

    def _alias(self) -> str | None:
        return self.expect_name("a name") if self.accept("AS") else self.accept_name()

    def _binding(self) -> tuple[syntax.Expression, str]:
        value = self.expression()
        self.expect("AS")
        return value, self.expect_name("a name")

    def _group_key(self) -> syntax.GroupKey:
        place = self.place()
        value = self.expression()
        return syntax.GroupKey(value, self._alias(), **place)

    def _values(self) -> syntax.Expression:
        place = self.place()
        self.advance()
        return syntax.Collection(self.separated(self._row), bag=True, **place)

    def _row(self) -> syntax.Expression:
        place = self.place()
        self.expect("(")
        items = self.separated(self.expression)
        self.expect(")")
        return syntax.Collection(items, bag=False, **place)

    # FROM

    def from_clause(self) -> syntax.From:
        """Sources with commas and joins between, from left to right."""
        left = self._source()
        while True:
            place = self.place()
            if self.accept(","):
                left = syntax.Join("inner", left, self._source(), None, **place)
            elif (join := self._join_words()) is not None:
                kind, crossed = join
                right = self._source()
                condition = None
                if not crossed:
                    self.expect("ON")
                    condition = self.expression()
                left = syntax.Join(kind, left, right, condition, **place)
            else:
                return left

    def _join_words(self) -> tuple[Any, bool] | None:
        """`INNER JOIN`, `LEFT OUTER CROSS JOIN` ...: the kind, and whether it has no ON."""
        kind: Any = JOIN_KINDS.get(self.token.word)
        if kind is None and not self.at("JOIN") and not self.at("CROSS"):
            return None
        if kind is not None:
            self.advance()
            if kind != "inner":
                self.accept("OUTER")
        crossed = self.accept("CROSS")
        self.expect("JOIN")
        return kind or "inner", crossed

    def _source(self) -> syntax.From:
        place = self.place()
        self.accept("LATERAL")
        if self.token.word == "(" and self._is_joined_group():
            self.enter()
            self.advance()
            group = self.from_clause()
            self.expect(")")
            self.leave()
            return group
        unpivot = self.accept("UNPIVOT")
        value = self.expression()
        name = self._alias()
        ordinal = self.expect_name("a name") if self.accept("AT") else None
        document_id = self.expect_name("a name") if self.accept("BY") else None
        return syntax.Source(value, name, ordinal, document_id, unpivot, **place)

    def _is_joined_group(self) -> bool:
        """Whether the parenthesis that opens here holds a join, not an expression."""
        depth = 0
        for token in self.tokens[self.position :]:
            if token.word == "(":
                depth += 1
            elif token.word == ")":
                depth -= 1
                if depth == 0:
                    return False
            elif depth == 1 and token.word in ("JOIN", "SELECT"):
                return token.word == "JOIN"
        return False


def _is_plain(step: syntax.Step) -> bool:
    return isinstance(step, syntax.Field | syntax.Element)


def _subquery(query: syntax.Query) -> syntax.Select:
    """`(q) ORDER BY ...` where q is already ordered or cut: one more block around it."""
    place: Place = {"line": query.line, "column": query.column}
    source = syntax.Source(query, "_1", **place)
    value = syntax.Name("_1", local=True, **place)
    return syntax.Select(False, False, (), value, None, source, **place)
