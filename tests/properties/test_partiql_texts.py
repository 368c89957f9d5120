"""Laws of the language's front: no text does harm, and no value survives in what is recorded."""

import datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from journal.errors import LedgerError
from materializer.partiql import evaluate, normalise, parse
from tests.support.dict_view import a_view

WORDS = """
    SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET AS AT VALUE PIVOT UNPIVOT JOIN LEFT CROSS ON
    AND OR NOT IN IS LIKE ESCAPE BETWEEN CASE WHEN THEN ELSE END NULL MISSING TRUE INSERT INTO UPDATE
    SET REMOVE DELETE CREATE DROP TABLE UNIQUE INDEX EXPLAIN UNION EXCEPT ALL DISTINCT LET VALUES
    DATE TIME TIMESTAMP INTERVAL YEAR TO MONTH CAST INT DECIMAL COUNT SUM COALESCE SUBSTRING TRIM
    EXTRACT DATE_ADD POSITION EXISTS UTCNOW history t a b x NULLS FIRST DESC
    ( ) [ ] { } << >> . , : ; ? @ * + - / % = <> < <= > >= || 'text' '2026-01-01' "name" 1 2.5 1e3 0
    `2026T` `{a:1}` `[` `nul` -- /* */
""".split()  # noqa: SIM905

soup = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
texts = st.one_of(st.text(max_size=60), soup)


def outcome(text: str) -> Any:
    """What becomes of a statement; only errors of the ledger come out."""
    view = a_view(t=[{"a": 1, "b": [1, 2], "x": "y"}])
    try:
        statement = view.prepare(text)
        return statement.execute(view.context(), [1] * statement.parameter_count)
    except LedgerError as error:
        return error


@settings(max_examples=800, deadline=None)
@given(texts)
@example("SELECT VALUE 1e999")
@example("1e99999 - 1e99999")
@example("CAST('1e999999' AS INT)")
@example("CAST(1e308 * 10 AS INT)")
@example("CAST('١٢' AS INT)")
@example("'\ud800' LIKE '\ud800%'")
@example("`" + "[" * 500 + "`")
@example("DATE_ADD(YEAR, 99999999999999, `2026T`)")
@example("INTERVAL '99' YEAR * 1e300")
@example("TIME '10:00:00' + INTERVAL '1' DAY / 7")
@example("1 / 0.0")
@example("`nan` < 1 OR `nan` = `nan`")
@example("SELECT a FROM t GROUP BY `nan` ORDER BY `nan`")
def test_any_text_ends_in_rows_or_in_an_error_of_the_ledger(text):
    outcome(text)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_any_text_is_recorded_or_refused(text):
    try:
        recorded = normalise(text)
    except LedgerError:
        return

    assert normalise(recorded) == recorded


literals = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1).map(
        lambda text: ("'" + text.replace("'", "''") + "'", text)
    ),
    st.integers(10**6, 10**9).map(lambda number: (str(number), str(number))),
    st.integers(10**6, 10**9).map(lambda number: (f"-{number}", str(number))),
    st.dates().map(lambda date: (f"DATE '{date.isoformat()}'", date.isoformat())),
    st.datetimes(timezones=st.just(datetime.UTC)).map(
        lambda moment: (f"`{moment.isoformat()}`", moment.isoformat())
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(literals, min_size=1, max_size=4), st.sampled_from(["INSERT", "SELECT", "UPDATE"]))
def test_no_literal_survives_in_what_is_recorded(found, kind):
    forms = {
        "INSERT": ("INSERT INTO t << {a: ", "}, {a: ", "} >>"),
        "SELECT": ("SELECT x FROM t WHERE x IN (", ", ", ")"),
        "UPDATE": ("UPDATE t SET x = ", " || ", " -- done"),
    }
    before, between, after = forms[kind]
    text = before + between.join(literal for literal, _ in found) + after

    recorded = normalise(text)

    assert recorded == (
        before + between.join("DATE ?" if "DATE" in x else "?" for x, _ in found)
    ) + ("" if kind == "UPDATE" else after)


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.integers(0, 9).map(str), lambda inner: st.one_of(
    st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    inner.map(lambda text: f"(-{text})"),
), max_leaves=12))  # fmt: skip
def test_arithmetic_is_that_of_python(text):
    assert evaluate(text, {}) == eval(text)


@given(st.text(max_size=20), st.text("ab%_", max_size=8))
def test_like_agrees_with_its_definition(text, pattern):
    text = text if len(text) % 2 else "".join("ab"[ord(c) % 2] for c in text)

    assert evaluate("? LIKE ?", {}, [text, pattern]) is matches(text, pattern)


def matches(text: str, pattern: str) -> bool:
    """LIKE by its definition: % is any text, _ is one character."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(matches(text[i:], pattern[1:]) for i in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and matches(text[1:], pattern[1:])


def test_all_words_of_the_soup_are_tokens():
    for word in WORDS:
        if word not in ("/*", "*/"):
            assert normalise(word) is not None
    parse("SELECT a FROM t")
