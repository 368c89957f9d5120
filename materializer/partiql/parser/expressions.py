"""The grammar of expressions.

```
expression := prefix (infix | postfix)*            binds, loosest first:
prefix     := literal | name | ( ... ) | [ ... ]     OR  AND  NOT  = < IN LIKE BETWEEN IS
            | << ... >> | { ... } | CASE | call      ||  + -  * / %  unary minus  . [ ]
```

Each level of nesting costs two or three Python frames, so that `NESTING_MAX` of them fit.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

from journal.values import MISSING
from materializer.partiql import syntax
from materializer.partiql.limits import NESTING_MAX, check_limit
from materializer.partiql.parser import literals
from materializer.partiql.parser.stream import RESERVED, Place, TokenStream

T = TypeVar("T")

QUERY_WORDS: Final = frozenset({"SELECT", "PIVOT", "VALUES"})
_AFTER_QUERY: Final = frozenset(
    {"UNION", "INTERSECT", "EXCEPT", "OUTER", "ORDER", "LIMIT", "OFFSET"}
)

OR, AND, NOT, COMPARISON, CONCATENATION, SUM, PRODUCT, SIGN, PATH = range(1, 10)
"""How strongly operators bind."""

POWERS: Final = {
    "OR": OR, "AND": AND, "=": COMPARISON, "<>": COMPARISON, "!=": COMPARISON, "<": COMPARISON,
    "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON, "IN": COMPARISON, "LIKE": COMPARISON,
    "BETWEEN": COMPARISON, "IS": COMPARISON, "NOT": COMPARISON, "OVERLAPS": COMPARISON,
    "||": CONCATENATION, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "%": PRODUCT,
    ".": PATH, "[": PATH,
}  # fmt: skip

_WORD_VALUES: Final = {"NULL": None, "MISSING": MISSING, "TRUE": True, "FALSE": False}
_TYPES_WORDS: Final = """
    ANY BAG BIGINT BLOB BOOL BOOLEAN CHAR CHARACTER CLOB DATE DEC DECIMAL DOUBLE DYNAMIC FLOAT
    INT INT2 INT4 INT8 INTEGER INTEGER2 INTEGER4 INTEGER8 INTERVAL LIST ARRAY MISSING NULL
    NUMERIC REAL SEXP SMALLINT TINYINT STRING STRUCT SYMBOL TEXT TIME TIMESTAMP TUPLE VARCHAR
"""
TYPES: Final = frozenset(_TYPES_WORDS.split())


class ExpressionParser(TokenStream):
    """Parses expressions; queries inside them are left to `query`, which the next layer defines."""

    def query(self, first: syntax.Expression | None = None) -> syntax.Expression:
        """A query or an expression, with set operators between; `first` was parsed already."""
        raise NotImplementedError

    def expression(self, power: int = 0) -> syntax.Expression:
        """An expression whose operators all bind more strongly than `power`."""
        self.enter()
        token = self.token
        prefix = self._PREFIXES.get(token.word or token.kind)
        if prefix is None:
            if token.kind not in ("word", "quoted") or token.word in RESERVED:
                self.fail("an expression")
            prefix = self._PREFIXES["name"]
        left = prefix(self)
        while True:
            word = self.token.word
            strength = POWERS.get(word, 0)
            if strength <= power:
                break
            if word in (".", "["):
                left = self._path(left)
            elif word in ("AND", "OR"):
                left = self._junction(left, word, strength)
            else:
                infix = self._INFIXES.get(word)
                left = infix(self, left) if infix else self._operation(left, strength)
        self.leave()
        return left

    def place(self) -> Place:
        """Line and column of the current token, for a node that begins here."""
        return {"line": self.token.line, "column": self.token.column}

    def separated(self, item: Callable[[], T]) -> tuple[T, ...]:
        """One or more items with commas between."""
        items = [item()]
        while self.accept(","):
            items.append(item())
        return tuple(items)

    def type_name(self) -> syntax.TypeName:
        """A type, with its arguments."""
        place, token = self.place(), self.token
        name = token.word
        if token.kind != "word" or name not in TYPES:
            self.fail("a type name")
        self.advance()
        if name == "DOUBLE":
            self.expect("PRECISION")
        if name == "CHARACTER" and self.accept("VARYING"):
            name = "VARCHAR"
        if name == "INTERVAL":
            qualifier = literals.interval_qualifier(self)
            return syntax.TypeName(
                f"INTERVAL {qualifier.start}", qualifier.precision, qualifier.end, **place
            )
        arguments: tuple[int, ...] = ()
        if self.accept("("):
            arguments = self.separated(self._natural_number)
            self.expect(")")
        if name in ("TIME", "TIMESTAMP") and literals.time_zone_clause(self):
            name += " WITH TIME ZONE"
        return syntax.TypeName(name, arguments, **place)

    def _natural_number(self) -> int:
        token = self.token
        if token.kind != "number" or type(token.value) is not int:
            self.fail("a whole number")
        self.advance()
        number: int = token.value
        return number

    # Prefixes

    def _name(self) -> syntax.Expression:
        token = self.advance()
        if self.token.word == "(" and token.kind == "word":
            special = CALLS.get(token.word)
            place = {"line": token.line, "column": token.column}
            return special(self, place) if special else self._call(token.word, place)
        return syntax.Name(token.value, line=token.line, column=token.column)

    def _local_name(self) -> syntax.Expression:
        place = self.place()
        self.advance()
        return syntax.Name(self.expect_name("a name"), local=True, **place)

    def _constant(self) -> syntax.Expression:
        token = self.advance()
        return syntax.Constant(token.value, line=token.line, column=token.column)

    def _word_constant(self) -> syntax.Expression:
        token = self.advance()
        value = _WORD_VALUES[token.word]
        return syntax.Constant(value, line=token.line, column=token.column)

    def _literal(self) -> syntax.Expression:
        place = self.place()
        return syntax.Constant(literals.typed_literal(self), **place)

    def _parameter(self) -> syntax.Expression:
        token = self.advance()
        self.parameter_count += 1
        return syntax.Parameter(self.parameter_count - 1, line=token.line, column=token.column)

    def _sign(self) -> syntax.Expression:
        place, operator = self.place(), self.advance().word
        number = self.token
        if number.kind == "number" and self.following().word not in (".", "["):
            self.advance()
            return syntax.Constant(-number.value if operator == "-" else number.value, **place)
        return syntax.Negation(operator, self.expression(PRODUCT), **place)

    def _not(self) -> syntax.Expression:
        place = self.place()
        self.advance()
        return syntax.Negation("NOT", self.expression(AND), **place)

    def _parenthesis(self) -> syntax.Expression:
        place = self.place()
        self.advance()
        first = self.query() if self.token.word in QUERY_WORDS else self.expression()
        if self.token.word in _AFTER_QUERY:
            first = self.query(first)
        if self.token.word == ",":
            self.advance()
            rest = self.separated(self.expression)
            self.expect(")")
            return syntax.Collection((first, *rest), bag=False, **place)
        self.expect(")")
        return first

    def _list(self) -> syntax.Expression:
        return self._collection("]", bag=False)

    def _bag(self) -> syntax.Expression:
        return self._collection(">>", bag=True)

    def _collection(self, end: str, *, bag: bool) -> syntax.Expression:
        place = self.place()
        self.advance()
        items = []
        if self.token.word != end:
            items.append(self.expression())
            while self.accept(","):
                items.append(self.expression())
        self.expect(end)
        return syntax.Collection(tuple(items), bag=bag, **place)

    def _struct(self) -> syntax.Expression:
        place = self.place()
        self.advance()
        fields = [] if self.token.word == "}" else [self._field()]
        while self.accept(","):
            fields.append(self._field())
        self.expect("}")
        return syntax.Struct(tuple(fields), **place)

    def _field(self) -> tuple[syntax.Expression, syntax.Expression]:
        place, token = self.place(), self.token
        if token.kind == "word" and self.following().word == ":":
            self.advance()
            name: syntax.Expression = syntax.Constant(token.value, **place)
        else:
            name = self.expression()
        self.expect(":")
        return name, self.expression()

    def _select(self) -> syntax.Expression:
        return self.query()

    def _table(self) -> syntax.Expression:
        """`TABLE name`: all of a table."""
        self.advance()
        place = self.place()
        table = self.expression(SIGN)
        source = syntax.Source(table, None, **place)
        return syntax.Select(False, True, (), None, None, source, **place)

    def _case(self) -> syntax.Expression:
        place = self.place()
        self.advance()
        operand = None if self.token.word == "WHEN" else self.expression()
        branches = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            branches.append((condition, self.expression()))
        if not branches:
            self.fail("WHEN")
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return syntax.Case(operand, tuple(branches), otherwise, **place)

    def _reserved_call(self) -> syntax.Expression:
        place, word = self.place(), self.advance().word
        if self.token.word != "(":
            self.fail("(")
        special = CALLS.get(word)
        return special(self, place) if special else self._call(word, place)

    def _call(self, name: str, place: Place) -> syntax.Expression:
        self.expect("(")
        if self.accept("*"):
            self.expect(")")
            return syntax.Call(name, (), star=True, **place)
        distinct = self.accept("DISTINCT")
        quantified = distinct or self.accept("ALL")
        arguments = []
        if self.token.word != ")" or quantified:
            arguments.append(self.expression())
            while self.accept(","):
                arguments.append(self.expression())
        self.expect(")")
        return syntax.Call(
            name, tuple(arguments), distinct=distinct, quantified=quantified, **place
        )

    # Infixes

    def _junction(self, left: syntax.Expression, word: Any, strength: int) -> syntax.Expression:
        items = [left]
        while self.accept(word):
            items.append(self.expression(strength))
        return syntax.Junction(word, tuple(items), line=left.line, column=left.column)

    def _operation(self, left: syntax.Expression, strength: int) -> syntax.Expression:
        operator = self.advance().word
        right = self.expression(strength)
        operator = "<>" if operator == "!=" else operator
        return syntax.Operation(operator, left, right, line=left.line, column=left.column)

    def _path(self, root: syntax.Expression) -> syntax.Expression:
        steps: list[syntax.Step] = []
        while self.token.word in (".", "["):
            steps.append(self._step())
        check_limit("steps of a path", maximum=NESTING_MAX, actual=len(steps))
        place = _place_of(root)
        if isinstance(root, syntax.Path):
            return syntax.Path(root.root, (*root.steps, *steps), **place)
        return syntax.Path(root, tuple(steps), **place)

    def _step(self) -> syntax.Step:
        place = self.place()
        if self.advance().word == ".":
            if self.accept("*"):
                return syntax.EveryField(**place)
            token = self.token
            if token.kind not in ("word", "quoted"):
                self.fail("a field name")
            self.advance()
            return syntax.Field(token.value, **place)
        if self.accept("*"):
            self.expect("]")
            return syntax.EveryElement(**place)
        index = self.expression()
        self.expect("]")
        if isinstance(index, syntax.Constant) and type(index.value) is str:
            return syntax.Field(index.value, **place)
        return syntax.Element(index, **place)

    def _negatable(self, left: syntax.Expression) -> syntax.Expression:
        """`x NOT IN y`, `x NOT LIKE y`, `x NOT BETWEEN y AND z`."""
        place = self.place()
        self.advance()
        infix = self._INFIXES.get(self.token.word)
        if infix is None or self.token.word not in ("IN", "LIKE", "BETWEEN"):
            self.fail("IN, LIKE or BETWEEN")
        return syntax.Negation("NOT", infix(self, left), **place)

    def _in(self, left: syntax.Expression) -> syntax.Expression:
        self.advance()
        opened = self.token.word == "("
        collection = self.expression(COMPARISON)
        if opened and not isinstance(
            collection, syntax.Collection | syntax.Select | syntax.SetOperation
        ):
            # `x IN (5)`: the parentheses are a list of one, as in SQL.
            collection = syntax.Collection((collection,), bag=False, **_place_of(collection))
        return syntax.In(left, collection, **_place_of(left))

    def _like(self, left: syntax.Expression) -> syntax.Expression:
        self.advance()
        pattern = self.expression(COMPARISON)
        escape = self.expression(COMPARISON) if self.accept("ESCAPE") else None
        return syntax.Like(left, pattern, escape, **_place_of(left))

    def _between(self, left: syntax.Expression) -> syntax.Expression:
        self.advance()
        low = self.expression(COMPARISON)
        self.expect("AND")
        return syntax.Between(left, low, self.expression(COMPARISON), **_place_of(left))

    def _is(self, left: syntax.Expression) -> syntax.Expression:
        place = _place_of(left)
        self.advance()
        negated = self.accept("NOT")
        test = syntax.Is(left, self.type_name(), **place)
        return syntax.Negation("NOT", test, **place) if negated else test

    _PREFIXES: ClassVar[dict[str, Callable[[Any], syntax.Expression]]] = {
        "name": _name,
        "string": _constant,
        "number": _constant,
        "ion": _literal,
        "NULL": _word_constant,
        "MISSING": _word_constant,
        "TRUE": _word_constant,
        "FALSE": _word_constant,
        "DATE": _literal,
        "TIME": _literal,
        "TIMESTAMP": _literal,
        "INTERVAL": _literal,
        "?": _parameter,
        "@": _local_name,
        "-": _sign,
        "+": _sign,
        "NOT": _not,
        "(": _parenthesis,
        "[": _list,
        "<<": _bag,
        "{": _struct,
        "TABLE": _table,
        "SELECT": _select,
        "PIVOT": _select,
        "VALUES": _select,
        "CASE": _case,
        "CAST": _reserved_call,
        "EXISTS": _reserved_call,
    }
    _INFIXES: ClassVar[dict[str, Callable[[Any, syntax.Expression], syntax.Expression]]] = {
        "NOT": _negatable,
        "IN": _in,
        "LIKE": _like,
        "BETWEEN": _between,
        "IS": _is,
    }


def _place_of(node: syntax.Node) -> Place:
    return {"line": node.line, "column": node.column}


Special = Callable[[ExpressionParser, Place], syntax.Expression]
CALLS: dict[str, Special] = {}
"""Functions with a syntax of their own; `parser.calls` fills it."""
