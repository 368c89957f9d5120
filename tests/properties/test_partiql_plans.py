"""Laws of the planner: whatever indexes there are, a statement finds the same documents."""

import datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from journal.errors import LedgerError
from journal.values import Bag, Timestamp
from materializer.partiql.operators.kinds import identity, order_key
from tests.support.dict_view import DictView, a_view

FIELDS = ("a", "b", "c")
INDEXES = ("a", "b", "a, b", "c.d", "c.d, a", "b, c.d")

moments = st.sampled_from(
    [
        datetime.date(2026, 1, 1),
        datetime.date(2026, 1, 2),
        Timestamp("2026-01-01"),
        Timestamp("2026-01-01T00:00Z"),
        Timestamp("2026-01-02T01:00+01:00"),
        datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC),
        datetime.time(10, 30),
        datetime.time(10, 30, tzinfo=datetime.UTC),
    ]
)
numbers = st.sampled_from([0, 1, 2, 1.0, 1.5, Decimal(1), Decimal("1.50"), -1, float("nan")])
texts = st.sampled_from(["", "a", "ab", "abc", "b", "a%", "\U0010ffff", "\x00"])
plain = st.one_of(st.none(), st.booleans(), numbers, texts, moments, st.just(b"a"))
values = st.one_of(
    plain,
    st.lists(plain, max_size=2),
    st.lists(plain, max_size=2).map(Bag),
    st.fixed_dictionaries({}, optional={"d": plain}),
)
documents = st.lists(
    st.fixed_dictionaries({}, optional={"a": values, "b": plain, "c": values}), max_size=8
)
paths = st.sampled_from(["t.a", "t.b", "t.c.d", "t.c"])


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> tuple[str, list[Any]]:
    """A condition and its parameters."""
    if depth and draw(st.booleans()):
        left, right = draw(conditions(depth - 1)), draw(conditions(depth - 1))
        word = draw(st.sampled_from(["AND", "AND", "OR"]))
        return f"({left[0]} {word} {right[0]})", [*left[1], *right[1]]
    path = draw(paths)
    form = draw(
        st.sampled_from(["=", "=", "<", "<=", ">", ">=", "in", "between", "like", "flip", "is"])
    )
    if form == "in":
        return f"{path} IN ?", [draw(st.lists(values, max_size=4))]
    if form == "between":
        return f"{path} BETWEEN ? AND ?", [draw(values), draw(values)]
    if form == "like":
        return f"{path} LIKE ?", [
            draw(st.sampled_from(["a%", "%", "a_", "", "ab%c", "\U0010ffff%", "_"]))
        ]
    if form == "flip":
        return f"? = {path}", [draw(values)]
    if form == "is":
        return f"{path} IS {draw(st.sampled_from(['NULL', 'MISSING', 'NOT NULL', 'INT']))}", []
    return f"{path} {form} ?", [draw(values)]


def two_views(rows: list[dict[str, Any]], indexes: list[str]) -> tuple[DictView, DictView]:
    """The same documents without indexes and with them."""
    bare, indexed = a_view(t=rows, u=rows), a_view(t=rows, u=rows)
    for paths_ in indexes:
        indexed.execute(f"CREATE INDEX ON t ({paths_})")
        indexed.execute(f"CREATE INDEX ON u ({paths_})")
    return bare, indexed


def outcome(view: DictView, text: str, parameters: list[Any]) -> Any:
    """Rows in any order, or the error's class."""
    try:
        return sorted(repr(identity(row)) for row in view.run(text, *parameters).rows)
    except LedgerError as error:
        return type(error).__name__


@settings(max_examples=300, deadline=None)
@given(documents, st.lists(st.sampled_from(INDEXES), max_size=4, unique=True), conditions())
def test_a_query_finds_the_same_with_and_without_indexes(rows, indexes, condition):
    bare, indexed = two_views(rows, indexes)
    text, parameters = condition
    query = f"SELECT t.* , id FROM t AS t BY id WHERE {text}"

    assert outcome(bare, query, parameters) == outcome(indexed, query, parameters)


@settings(max_examples=150, deadline=None)
@given(documents, st.lists(st.sampled_from(INDEXES), max_size=4, unique=True), conditions())
def test_the_committed_view_finds_the_same_with_and_without_indexes(rows, indexes, condition):
    bare, indexed = two_views(rows, indexes)
    text, parameters = condition[0].replace("t.", "t.data."), condition[1]
    query = f"SELECT t.data, t.metadata.id FROM _ql_committed_t AS t WHERE {text}"

    assert outcome(bare, query, parameters) == outcome(indexed, query, parameters)


@settings(max_examples=150, deadline=None)
@given(
    documents,
    st.lists(st.sampled_from(INDEXES), max_size=4, unique=True),
    conditions(),
    st.sampled_from(["JOIN", "LEFT JOIN"]),
    st.sampled_from(
        ["t.a = u.a", "t.a = u.a AND t.b = u.b", "t.c.d = u.b", "t.a < u.a", "u.a = 1"]
    ),
)
def test_a_join_finds_the_same_with_and_without_indexes(rows, indexes, condition, kind, on):
    bare, indexed = two_views(rows, indexes)
    text, parameters = condition
    query = f"SELECT t.a, x, y FROM t AS t BY x {kind} u AS u BY y ON {on} WHERE {text}"

    assert outcome(bare, query, parameters) == outcome(indexed, query, parameters)


@settings(max_examples=100, deadline=None)
@given(documents, st.lists(st.sampled_from(INDEXES), max_size=2, unique=True))
def test_a_subquery_gives_the_same_whether_it_is_shared_or_not(rows, indexes):
    _, view = two_views(rows, indexes)
    alone = "SELECT VALUE [x, t.a IN (SELECT VALUE u.a FROM u)] FROM t AS t BY x"
    bound = "SELECT VALUE [x, t.a IN (SELECT VALUE u.a FROM u WHERE x = x)] FROM t AS t BY x"

    assert outcome(view, alone, []) == outcome(view, bound, [])


@settings(max_examples=150, deadline=None)
@given(documents, st.lists(st.sampled_from(INDEXES), max_size=4, unique=True), conditions())
def test_changes_are_the_same_with_and_without_indexes(rows, indexes, condition):
    bare, indexed = two_views(rows, indexes)
    text, parameters = condition

    for statement in (f"UPDATE t SET t.a = 9 WHERE {text}", f"DELETE FROM t WHERE {text}"):
        assert outcome(bare, statement, parameters) == outcome(indexed, statement, parameters)


@settings(max_examples=150, deadline=None)
@given(
    documents,
    st.lists(st.sampled_from(INDEXES), max_size=4, unique=True),
    st.sampled_from(["a", "b", "c.d", "a, b", "c.d, a"]),
    st.sampled_from(["", "DESC", "NULLS FIRST", "DESC NULLS LAST"]),
    st.sampled_from(["", "WHERE t.a > 0", "WHERE t.b = 'ab'"]),
    st.integers(0, 9),
)
def test_order_is_the_same_with_and_without_indexes(rows, indexes, keys, way, where, limit):
    bare, indexed = two_views(rows, indexes)
    order = ", ".join(f"t.{key} {way}" for key in keys.split(", "))
    values_ = ", ".join(f"t.{key}" for key in keys.split(", "))
    query = f"SELECT VALUE [{values_}] FROM t AS t {where} ORDER BY {order} LIMIT {limit}"

    def found(view: DictView) -> Any:
        return [order_key(row) for row in view.run(query).rows]

    assert found(bare) == found(indexed)
