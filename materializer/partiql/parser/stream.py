"""The tokens of a statement and the place the parser has come to."""

from typing import Any, Final, NoReturn

from journal.errors import QuerySyntaxError
from materializer.partiql.lexer import Token, tokenise
from materializer.partiql.limits import NESTING_MAX, SUBQUERY_NESTING_MAX, check_limit

_WORDS: Final = """
    ALL AND AS ASC AT BETWEEN BY CASE CAST CREATE CROSS DATE DELETE DESC DISTINCT DROP ELSE END ESCAPE
    EXCEPT EXISTS FALSE FROM FULL GROUP HAVING IN INNER INSERT INTERSECT INTERVAL INTO IS JOIN LEFT LET
    LIKE LIMIT MISSING NOT NULL OFFSET ON OR ORDER OUTER PIVOT REMOVE RIGHT SELECT SET TABLE THEN TIME
    TIMESTAMP TRUE UNION UNPIVOT UPDATE VALUES WHEN WHERE
"""
RESERVED: Final = frozenset(_WORDS.split())
"""Words that are no name unless quoted or after a dot."""


Place = dict[str, Any]
"""Line and column, as a node takes them."""


class TokenStream:
    """A cursor over tokens, with the counters that bound nesting."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenise(text)
        self.position = 0
        self.token: Token = self.tokens[0]
        self.depth = 0
        self.query_depth = 0
        self.parameter_count = 0

    def advance(self) -> Token:
        """Step over the current token and return it."""
        token = self.token
        self.position += 1
        self.token = self.tokens[self.position]
        return token

    def following(self, distance: int = 1) -> Token:
        """A later token; the last one stands for everything after it."""
        return self.tokens[min(self.position + distance, len(self.tokens) - 1)]

    def at(self, *words: str) -> bool:
        """Whether the next tokens are these keywords or symbols."""
        last = len(self.tokens) - 1
        return all(
            self.tokens[min(self.position + i, last)].word == word for i, word in enumerate(words)
        )

    def accept(self, *words: str) -> bool:
        """Step over these keywords or symbols if they come next."""
        if not self.at(*words):
            return False
        for _ in words:
            self.advance()
        return True

    def expect(self, *words: str) -> Token:
        """Step over these keywords or symbols, or fail."""
        token = self.token
        for word in words:
            if self.token.word != word:
                self.fail(word)
            token = self.advance()
        return token

    def accept_name(self) -> str | None:
        """Step over a name that is not reserved, if one comes next."""
        token = self.token
        if token.kind == "quoted" or (token.kind == "word" and token.word not in RESERVED):
            self.advance()
            name: str = token.value
            return name
        return None

    def expect_name(self, what: str) -> str:
        """Step over a name, or fail."""
        name = self.accept_name()
        if name is None:
            self.fail(what)
        return name

    def fail(self, expected: str, token: Token | None = None) -> NoReturn:
        """Say what came instead of `expected`."""
        found = token or self.token
        if found.kind == "end":
            problem = "the statement ends too early"
        else:
            problem = f"unexpected {self.text[found.start : found.end][:40]}"
        if found.kind == "word" and found.word in RESERVED and "name" in expected:
            expected += f' (a reserved word needs quotes: "{found.value}")'
        raise QuerySyntaxError(
            problem,
            statement=self.text,
            line=found.line,
            column=found.column,
            expected=expected,
        )

    def reject(self, problem: str, token: Token) -> NoReturn:
        """Refuse a token that is well formed but makes no sense."""
        raise QuerySyntaxError(problem, statement=self.text, line=token.line, column=token.column)

    def enter(self) -> None:
        """One level deeper into expressions; each `enter` has its `leave`."""
        self.depth += 1
        check_limit("nesting depth", maximum=NESTING_MAX, actual=self.depth)

    def leave(self) -> None:
        """One level up."""
        self.depth -= 1

    def enter_query(self) -> None:
        """One level deeper into queries; each `enter_query` has its `leave_query`."""
        self.query_depth += 1
        check_limit(
            "nesting depth of queries", maximum=SUBQUERY_NESTING_MAX, actual=self.query_depth
        )

    def leave_query(self) -> None:
        """One level up."""
        self.query_depth -= 1
