import pytest

from journal.errors import LimitExceededError, QuerySyntaxError
from materializer.partiql import syntax
from materializer.partiql.parser import parse


def expression(text):
    statement = parse(text)
    assert isinstance(statement, syntax.QueryStatement)
    return statement.query


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("a OR b AND c", "a OR (b AND c)"),
        ("NOT a = b", "NOT (a = b)"),
        ("NOT a AND b", "(NOT a) AND b"),
        ("a || b = c", "(a || b) = c"),
        ("-a.b * c", "(-(a.b)) * c"),
        ("a BETWEEN 1 AND 2 AND b", "(a BETWEEN 1 AND 2) AND b"),
        ("a NOT IN b", "NOT (a IN b)"),
        ("a IS NOT NULL OR b", "(NOT (a IS NULL)) OR b"),
        ("a - b - c", "(a - b) - c"),
        ("a != b", "a <> b"),
        ("x['y']", "x.y"),
        ("a IN (1)", "a IN [1]"),
        ("a IN (1, 2)", "a IN [1, 2]"),
        ("SELECT * FROM a INNER JOIN b ON c", "SELECT * FROM a JOIN b ON c"),
        ("SELECT * FROM a CROSS JOIN b", "SELECT * FROM a, b"),
        ("SELECT ALL a FROM t", "SELECT a FROM t"),
        ("SELECT a x FROM t y", "SELECT a AS x FROM t AS y"),
        ("a UNION b INTERSECT c", "a UNION (b INTERSECT c)"),
    ],
)
def test_two_ways_to_write_one_thing_give_one_tree(short, long):
    assert expression(short) == expression(long)


def test_a_node_knows_where_it_began():
    query = expression("SELECT a,\n  b.c FROM t")

    assert (query.items[1].value.line, query.items[1].value.column) == (2, 3)


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("SELECT", 1, 7, "an expression"),
        ("SELECT a FROM", 1, 14, "an expression"),
        ("SELECT a FROM t WHERE", 1, 22, "an expression"),
        ("SELECT a FROM t WHERE a =\n AND", 2, 2, "an expression"),
        ("UPDATE t WHERE a = 1", 1, 10, "SET, REMOVE or INSERT INTO"),
        ("INSERT t VALUE 1", 1, 8, "INTO"),
        ("CREATE UNIQUE TABLE t", 1, 15, "INDEX"),
        ("DROP t", 1, 6, "TABLE or INDEX"),
        ("SELECT a FROM t JOIN u", 1, 23, "ON"),
        ("DATE 5", 1, 6, "a text in quotes"),
        ("a NOT b", 1, 7, "IN, LIKE or BETWEEN"),
        ("SELECT a FROM t; SELECT", 1, 18, "the end of the statement"),
    ],
)
def test_an_error_says_where_and_what_was_expected(text, line, column, expected):
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)

    error = caught.value
    assert (error.line, error.column, error.expected) == (line, column, expected)


def test_an_error_shows_the_line_with_a_caret():
    with pytest.raises(QuerySyntaxError) as caught:
        parse("SELECT a\nFROM t WHERE = 1")

    assert str(caught.value).splitlines()[1:] == ["  FROM t WHERE = 1", "               ^"]


def test_a_reserved_word_in_place_of_a_name_is_told_to_be_quoted():
    with pytest.raises(QuerySyntaxError, match='a reserved word needs quotes: "order"'):
        parse("CREATE TABLE order")


@pytest.mark.parametrize("word", ["value", "index", "name", "type", "user", "first", "key"])
def test_common_field_names_need_no_quotes(word):
    assert parse(f"SELECT {word}, t.{word} FROM t AS t WHERE {word} = 1")
    assert parse(f"UPDATE t SET {word} = 1, t.select = 2")


def test_any_word_may_follow_a_dot():
    assert expression("a.select") == expression('a."select"')


@pytest.mark.parametrize(
    "text",
    ["(" * 300 + "1" + ")" * 300, "[" * 300 + "]" * 300, "1" + " + 1" * 300, "NOT " * 300 + "a",
     "(SELECT " * 30 + "1" + ")" * 30, "a" + ".b" * 300],
)  # fmt: skip
def test_what_nests_too_deeply_is_refused(text):
    with pytest.raises(LimitExceededError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["(" * 190 + "1" + ")" * 190, "1" + " + 1" * 190, " AND ".join(["a = 1"] * 3000)]
)
def test_what_nests_less_is_not(text):
    assert parse(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("UPDATE t SET a.* = 1", "only a path of fields and elements can be changed"),
        ("CREATE INDEX ON t (a[0])", "an index is on fields: name, or name.name"),
        ("SELECT a[*] FROM t", "in a SELECT list, * may only follow a name and fields"),
        ("TIME '25:00:00'", "not a time: '25:00:00'"),
        ("INTERVAL '1' SECOND TO DAY", "no interval goes from SECOND to DAY"),
    ],
)
def test_what_is_well_formed_but_makes_no_sense_is_refused(text, problem):
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)

    assert caught.value.problem == problem
