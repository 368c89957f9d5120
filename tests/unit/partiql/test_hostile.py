"""Statements made to do harm end in rows or in a typed error: no crash, no hang, no flood of memory."""

import pytest

from journal.errors import InputError, LimitExceededError, QuerySyntaxError
from materializer.partiql import normalise
from tests.support.dict_view import a_view


@pytest.fixture(scope="module")
def view():
    """Documents with long texts and lists."""
    return a_view(t=[{"a": n, "s": "a" * 2_000, "l": list(range(50))} for n in range(200)])


def run(view, text):
    """Run with a budget of calls of `check`, as a time limit would stop it."""
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 30:
            raise LimitExceededError("time", maximum=30, actual=31)

    context = view.context(check=check, rows_max=5_000)
    return list(view.prepare(text).execute(context, []).rows)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 195 + "]" * 195,
        "(" * 195 + "1" + ")" * 195,
        "NOT " * 190 + "TRUE",
        "COALESCE(" * 190 + "1" + ")" * 190,
        "CASE WHEN " * 60 + "TRUE" + " THEN TRUE END" * 60,
        "SELECT VALUE (" * 20 + "1" + ")" * 20,
        "SELECT 1 FROM t WHERE " + " OR ".join(["a < 0"] * 5_000),
        "SELECT 1 FROM t WHERE a IN (" + ",".join(map(str, range(10_000))) + ") LIMIT 1",
        "SELECT COUNT(*) FROM t WHERE s LIKE '" + "%a_" * 600 + "b'",
        "SELECT 1 FROM t AS t0" + "".join(f" JOIN t t{n} ON t{n}.a = t0.a" for n in range(1, 60)),
        "{" + ",".join(f"'a{n}': 1" for n in range(5_000)) + "}",
        "SUBSTRING('abc', -99999999999999999999, 99999999999999999999999)",
        "SELECT a FROM t LIMIT 99999999999999999999999 OFFSET 99999999999999999999999",
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_large_and_deep_statements_within_the_limits_run(view, text):
    run(view, text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5_000 + "]" * 5_000,
        "(SELECT " * 2_000 + "1" + ")" * 2_000,
        "EXPLAIN " * 20_000 + "1",
        "1" + " + 1" * 20_000,
        "'a'" + " || 'a'" * 20_000,
        "SELECT a" + ".a" * 40_000 + " FROM t",
        "SELECT 1 FROM " + "(" * 300 + "t AS x JOIN t AS y ON TRUE" + ")" * 300,
        " UNION ALL ".join(["SELECT a FROM t"] * 5_000),
        "9" * 5_000,
        "9" * 3_999 + " * " + "9" * 3_999,
        "CAST(`1d6000` AS INT)",
        "SELECT COUNT(*) FROM t a, t b, t c WHERE a.a + b.a + c.a < 0",
        "SELECT 1 FROM t a, t b, t c",
        "SELECT x.a, y.a, l, COUNT(*) FROM t AS x, t AS y, x.l AS l GROUP BY x.a, y.a, l",
        "TEXT_REPLACE(" * 6 + "'aaaaaaaa'" + ", 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaa')" * 6,
        "SELECT COUNT(*) FROM t WHERE EXISTS(SELECT 1 FROM t AS u WHERE EXISTS(SELECT 1 FROM t AS v "
        "WHERE t.a + u.a + v.a < 0))",
    ],
    ids=lambda text: text[:30],
)
def test_statements_beyond_a_limit_are_told_which(view, text):
    with pytest.raises((LimitExceededError, QuerySyntaxError)):
        run(view, text)


@pytest.mark.parametrize(
    "text", ["1e308 * 10", "`1e999999999`", "1e999999999", "SIZE(<<>>) * `nan`"]
)
def test_floats_go_where_ieee_sends_them(view, text):
    assert type(run(view, text)[0]) is float


@pytest.mark.parametrize("text", ["9" * 1_000 + " + 1.5e0", "MOD(" + "9" * 3_000 + ", `1e0`)"])
def test_a_number_that_its_type_cannot_hold_is_an_error(view, text):
    with pytest.raises(InputError):
        run(view, text)


@pytest.mark.parametrize(
    "text",
    [
        "'" + "''" * 40_000,
        '"' + '""' * 40_000,
        "`" + '"' * 90_001,
        "`" + "'" * 90_000,
        "`" + "'''" * 30_000,
        "`" + "'''a" * 9_001,
        "/* " * 30_000,
    ],
    ids=lambda text: text[:8],
)
def test_quotes_that_never_close_are_refused_in_linear_time(text):
    with pytest.raises(QuerySyntaxError):
        normalise(text + " x")
