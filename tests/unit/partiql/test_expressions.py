"""Expressions: values in, values out, permissive and strict."""

import datetime
from decimal import Decimal

import pytest

from journal.errors import InputError, LimitExceededError, QueryTypeError
from journal.values import MISSING, Bag, Time, Timestamp
from materializer.partiql import evaluate

ENVIRONMENT = {
    "d": {"a": 1, "b": {"c": [1, {"x": "y"}]}, "n": None},
    "items": [{"p": 1}, {"p": 2}, {}],
    "bag": Bag([1, 2]),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # arithmetic
        ("1 + 2 * 3", 7),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 / 2.0", Decimal("3.5")),
        ("1 / 3.0", Decimal("0." + "3" * 38)),
        ("0.1 + 0.2", Decimal("0.3")),
        ("0.1e0 + 0.2e0", 0.1 + 0.2),
        ("1 + 1e0", 2.0),
        ("-(-3)", 3),
        ("+5", 5),
        ("2 + NULL", None),
        ("2 + MISSING", MISSING),
        ("NULL + MISSING", MISSING),
        ("99999999999999999999 * 9", 899999999999999999991),
        # comparison
        ("1 = 1.0", True),
        ("1 = 1e0", True),
        ("1 = TRUE", False),
        ("1 = '1'", False),
        ("'a' < 'b'", True),
        ("1 < 1.5", True),
        ("1 < 'a'", MISSING),
        ("NULL = NULL", None),
        ("MISSING = 1", MISSING),
        ("[1, 2] = [1.0, 2e0]", True),
        ("<<1, 2>> = <<2, 1>>", True),
        ("[1, 2] = <<1, 2>>", False),
        ("{'a': 1, 'b': 2} = {'b': 2, 'a': 1}", True),
        ("1 <> 2", True),
        ("1 <> NULL", None),
        ("`nan` = `nan`", False),
        ("`nan` < 1", False),
        # logic
        ("TRUE AND NULL", None),
        ("FALSE AND NULL", False),
        ("TRUE OR MISSING", True),
        ("NOT NULL", None),
        ("NOT 1", MISSING),
        ("1 AND TRUE", MISSING),
        ("TRUE AND TRUE AND FALSE", False),
        # conditions
        ("2 BETWEEN 1 AND 3", True),
        ("2 NOT BETWEEN 1 AND 3", False),
        ("2 BETWEEN 3 AND NULL", False),
        ("2 IN [1, 2]", True),
        ("2 IN (1, NULL)", None),
        ("2 NOT IN (1, 3)", True),
        ("2 IN 2", MISSING),
        ("2 IN (SELECT VALUE i.p FROM items AS i)", True),
        ("2 IN (SELECT i.p FROM items AS i)", True),
        ("'abc' LIKE 'a%'", True),
        ("'abc' LIKE 'a_c'", True),
        ("'a%c' LIKE 'a[%c' ESCAPE '['", True),
        ("'abc' NOT LIKE '%d%'", True),
        ("NULL LIKE 'a'", None),
        ("1 LIKE 'a'", MISSING),
        ("NULL IS NULL", True),
        ("MISSING IS NULL", True),
        ("NULL IS MISSING", False),
        ("1 IS INT", True),
        ("1 IS NOT STRING", True),
        ("1.5 IS DECIMAL", True),
        ("[1] IS LIST", True),
        ("{} IS STRUCT", True),
        ("TRUE IS BOOL", True),
        ("1 IS BOOL", False),
        ("DATE '2020-01-01' IS DATE", True),
        ("CASE WHEN 1 = 2 THEN 'a' WHEN 1 = 1 THEN 'b' END", "b"),
        ("CASE 3 WHEN 2 THEN 'a' ELSE 'c' END", "c"),
        ("CASE WHEN NULL THEN 1 END", None),
        # paths
        ("d.b.c[1].x", "y"),
        ("d['a']", 1),
        ("d.nope", MISSING),
        ("d.n.x", MISSING),
        ("d.b.c[9]", MISSING),
        ("d.a.b", MISSING),
        ("items[*].p", Bag([1, 2, MISSING])),
        ("{'a': 1, 'b': 2}.*", Bag([1, 2])),
        ("[1, 2][0 + 1]", 2),
        ("bag[0]", MISSING),
        # constructors
        ("[1, MISSING]", [1, MISSING]),
        ("{'a': MISSING, 'b': NULL}", {"b": None}),
        ("{'a' || 'b': 1}", {"ab": 1}),
        ("(1, 2)", [1, 2]),
        ("VALUES (1), (2)", Bag([[1], [2]])),
        ("{1: 2}", {}),
        # text
        ("'a' || 'b'", "ab"),
        ("CHAR_LENGTH('日本')", 2),
        ("UPPER('straße')", "STRASSE"),
        ("LOWER('ÄB')", "äb"),
        ("SUBSTRING('hello', 2)", "ello"),
        ("SUBSTRING('hello' FROM 2 FOR 3)", "ell"),
        ("SUBSTRING('hello', 0, 2)", "h"),
        ("TRIM('  a ')", "a"),
        ("TRIM(LEADING 'x' FROM 'xxax')", "ax"),
        ("TRIM(TRAILING FROM 'a ')", "a"),
        ("POSITION('lo' IN 'hello')", 4),
        ("POSITION('z' IN 'hello')", 0),
        ("OVERLAY('hello' PLACING 'X' FROM 2 FOR 3)", "hXo"),
        ("OCTET_LENGTH('é')", 2),
        ("BIT_LENGTH('é')", 16),
        # functions
        ("COALESCE(NULL, MISSING, 3, 4)", 3),
        ("COALESCE(NULL, MISSING)", None),
        ("NULLIF(1, 1.0)", None),
        ("NULLIF(1, 2)", 1),
        ("EXISTS(<<>>)", False),
        ("EXISTS([NULL])", True),
        ("SIZE({'a': 1})", 1),
        ("ABS(-1.50)", Decimal("1.50")),
        ("MOD(-7, 3)", -1),
        ("CEIL(1.2)", 2),
        ("FLOOR(-1.2)", -2),
        ("CEIL(3)", 3),
        ("COLL_SUM([1, 2, NULL])", 3),
        ("COLL_AVG([1, 2])", Decimal("1.5")),
        ("COLL_COUNT(DISTINCT [1, 1.0, 2])", 2),
        ("COLL_MAX([])", None),
        ("COLL_EVERY([TRUE, FALSE])", False),
        ("COLL_ANY([TRUE, FALSE])", True),
        # casts
        ("CAST('12' AS INT)", 12),
        ("CAST('0x1F' AS INT)", 31),
        ("CAST(2.5 AS INT)", 2),
        ("CAST('x' AS INT)", MISSING),
        ("CAST(5 AS STRING)", "5"),
        ("CAST('1.50' AS DECIMAL(5, 1))", Decimal("1.5")),
        ("CAST(TRUE AS INT)", 1),
        ("CAST('true' AS BOOL)", True),
        ("CAST(1 AS FLOAT)", 1.0),
        ("CAST([1] AS BAG)", Bag([1])),
        ("CAST(NULL AS INT)", None),
        ("CAST('2026-11-24' AS DATE)", datetime.date(2026, 11, 24)),
        ("CAST(70000 AS SMALLINT)", MISSING),
        ("CAST('2026-11-24T10:00Z' AS TIMESTAMP)", Timestamp("2026-11-24T10:00Z")),
        # time
        ("DATE '2026-02-28' + INTERVAL '1' DAY", datetime.date(2026, 3, 1)),
        ("DATE '2026-01-31' + INTERVAL '1' MONTH", datetime.date(2026, 2, 28)),
        ("TIME '23:30:00' + INTERVAL '1' HOUR", datetime.time(0, 30)),
        ("TIME '10:00:00.1'", Time("10:00:00.1")),
        ("DATE_ADD(MONTH, 1, `2026-01-31T`)", Timestamp("2026-02-28")),
        ("DATE_ADD(HOUR, 1, `2026T`)", Timestamp("2026-01-01T01:00-00:00")),
        ("DATE_DIFF(DAY, `2026-01-01T`, `2026-03-01T`)", 59),
        ("DATE_DIFF(YEAR, `2026-06T`, `2027-05T`)", 0),
        ("EXTRACT(YEAR FROM `2026-11-24T10:11:12.5+01:30`)", 2026),
        ("EXTRACT(SECOND FROM `2026-11-24T10:11:12.5Z`)", Decimal("12.5")),
        ("EXTRACT(TIMEZONE_MINUTE FROM `2026-11-24T10:11:12-01:30`)", -30),
        (
            "TO_STRING(`2026-07-04T18:05:09.25Z`, 'MMM d, y h:mm:ss.SS a X')",
            "Jul 4, 2026 6:05:09.25 PM Z",
        ),
        ("TO_TIMESTAMP('4 July 2026', 'd MMMM y')", Timestamp("2026-07-04")),
        ("TO_TIMESTAMP('2026-07-04T00:00Z')", Timestamp("2026-07-04T00:00Z")),
        ("TIMESTAMP '2026-01-01 00:00:00' < TIMESTAMP '2026-01-01 00:00:01+00:00'", True),
        ("TIME '10:00:00' = TIME '12:00:00+02:00'", True),
        (
            "(DATE '2026-01-01', INTERVAL '5' DAY) OVERLAPS (DATE '2026-01-05', NULL)",
            True,
        ),
        # Ion
        ("`{a: [1, sym, null.int, 1.5]}`", {"a": [1, "sym", None, Decimal("1.5")]}),
        ("`2026T`", Timestamp("2026T")),
        ("`{{aGk=}}`", b"hi"),
        ("`+inf` > 1", True),
        # queries
        ("SELECT VALUE i.p FROM items AS i AT n WHERE n > 0", Bag([2, MISSING])),
        ("SELECT VALUE x FROM 5 AS x", Bag([5])),
        ("SELECT n, v FROM UNPIVOT {'a': 1} AS v AT n", Bag([{"n": "a", "v": 1}])),
        (
            "SELECT a.x, b.y FROM [{'x': 1}, {'x': 2}] a LEFT JOIN [{'x': 2, 'y': 3}] b ON a.x = b.x",
            Bag([{"x": 1, "y": None}, {"x": 2, "y": 3}]),
        ),
        (
            "SELECT a.x, b.y FROM [{'x': 1}] AS a FULL JOIN [{'x': 2, 'y': 3}] AS b ON a.x = b.x",
            Bag([{"x": 1, "y": None}, {"x": None, "y": 3}]),
        ),
        (
            "SELECT i.p % 2 AS k, COUNT(*) AS n FROM items AS i GROUP BY i.p % 2 ORDER BY k",
            [{"k": 0, "n": 1}, {"k": 1, "n": 1}, {"k": None, "n": 1}],
        ),
        (
            "SELECT k, (SELECT VALUE g.i.p FROM g) AS ps FROM items AS i GROUP BY 1 AS k GROUP AS g",
            Bag([{"k": 1, "ps": Bag([1, 2, MISSING])}]),
        ),
        ("SELECT VALUE p FROM items ORDER BY p DESC", [MISSING, 2, 1]),
        ("SELECT VALUE p FROM items ORDER BY p NULLS FIRST", [MISSING, 1, 2]),
        ("SELECT x + y AS z FROM [{'x': 1}] LET 5 AS y", Bag([{"z": 6}])),
        ("(SELECT i.p FROM items AS i WHERE i.p = 2) + 1", 3),
        ("SELECT COUNT(*) FROM <<>>", Bag([{"_1": 0}])),
        ("<<1, 2>> OUTER UNION ALL <<2>>", Bag([1, 2, 2])),
        ("[1, 1, 2] OUTER EXCEPT ALL [1]", Bag([1, 2])),
        ("[1, 1] OUTER INTERSECT [1]", Bag([1])),
        ("PIVOT i.p AT 'k' || CAST(i.p AS STRING) FROM items AS i", {"k1": 1, "k2": 2}),
    ],
)
def test_an_expression_has_this_value(text, value):
    found = evaluate(text, ENVIRONMENT)

    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "text",
    [
        "1 < 'a'",
        "d.nope",
        "d.a.b",
        "d.b.c[9]",
        "NOT 1",
        "1 + 'a'",
        "CAST('x' AS INT)",
        "1 LIKE 'a'",
        "UPPER(d)",
        "SELECT VALUE x FROM 5 AS x",
        "COLL_SUM(['a'])",
        "SELECT n FROM bag AT n",
    ],
)
def test_what_is_missing_in_permissive_mode_is_an_error_in_strict_mode(text):
    evaluate(text, ENVIRONMENT)

    with pytest.raises(QueryTypeError):
        evaluate(text, ENVIRONMENT, strict=True)


@pytest.mark.parametrize("text", ["d.n.x", "NULL + 1", "NULL = 1", "1 IN 5", "COALESCE(MISSING)"])
def test_null_and_missing_are_no_type_errors(text):
    evaluate(text, ENVIRONMENT, strict=True)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 / 0", InputError),
        ("1.0 / 0", InputError),
        ("1 % 0", InputError),
        ("9" * 4000 + " * 99", LimitExceededError),
        ("'a' LIKE 'a' ESCAPE 'ab'", InputError),
        ("'a' LIKE 'xa' ESCAPE 'x'", InputError),
        ("DATE_ADD(YEAR, 9000, `2026T`)", InputError),
        ("TO_STRING(`2026T`, 'q')", InputError),
        ("INTERVAL '99' YEAR + INTERVAL '2' YEAR", InputError),
        ("CAST(`1d5000` AS INT)", LimitExceededError),
        ("'a' LIKE '" + "_" * 5000 + "'", LimitExceededError),
    ],
)
def test_what_has_no_value_at_all_is_an_error_in_both_modes(text, error):
    for strict in (False, True):
        with pytest.raises(error):
            evaluate(text, {}, strict=strict)


def test_a_field_that_two_sources_have_is_there_twice():
    (row,) = evaluate("SELECT * FROM [{'a': 1}] AS x, [{'a': 2}] AS y", {})

    assert (row, row.pairs) == (row, (("a", 1), ("a", 2)))
    assert dict(row) == {"a": 1}


def test_parameters_stand_wherever_a_value_may():
    found = evaluate(
        "SELECT VALUE [x, ?] FROM ? AS x WHERE x IN ? LIMIT ?", {}, [9, [1, 2, 3], [2, 3], 1]
    )

    assert found == Bag([[2, 9]])


def test_only_queries_have_a_value():
    with pytest.raises(InputError):
        evaluate("DROP TABLE t", {})
