import pytest

from journal.errors import LimitExceededError, QuerySyntaxError
from materializer.partiql.lexer import normalise, tokenise


def test_a_token_knows_its_line_and_column():
    tokens = tokenise("SELECT a\n  FROM -- why\n 'x\ny' z")

    assert [(token.line, token.column) for token in tokens] == [
        (1, 1), (1, 8), (2, 3), (3, 2), (4, 4), (4, 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        ('"a ""b"""', 'a "b"'),
        ("`{a: 'b`'}`", "{a: 'b`'}"),
        ("12", 12),
        ("1e2", 100.0),
    ],
)
def test_a_token_has_the_value_it_stands_for(text, value):
    assert tokenise(text)[0].value == value


def test_keywords_are_found_in_any_case_and_names_are_kept():
    (select, name, _) = tokenise("SeLeCt NaMe")

    assert (select.word, name.value, name.word) == ("SELECT", "NaMe", "NAME")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("SELECT 'x", "a string is not closed"),
        ('SELECT "x', "a quoted name is not closed"),
        ("SELECT `x", "an Ion literal is not closed"),
        ("SELECT /* x", "a comment is not closed"),
        ("SELECT x # y", "unexpected character '#'"),
    ],
)
def test_what_fits_nowhere_is_named_with_its_place(text, problem):
    with pytest.raises(QuerySyntaxError) as caught:
        tokenise(text)

    assert caught.value.problem == problem
    assert (caught.value.line, caught.value.column) == (1, 10 if "#" in text else 8)


def test_a_number_of_too_many_digits_is_refused():
    with pytest.raises(LimitExceededError, match="digits of a number is 4000, this has 5000"):
        tokenise("9" * 5000)


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("SELECT * FROM t WHERE a = 'x'", "SELECT * FROM t WHERE a = ?"),
        ("  SELECT\n\t*  FROM t -- secret\n", "SELECT * FROM t"),
        ("SELECT a/* secret */FROM t", "SELECT a FROM t"),
        ("INSERT INTO t {'name': 'Ann', 'n': -5}", "INSERT INTO t {?: ?, ?: ?}"),
        ("SELECT a - 5, b -5, (-5), - 5 FROM t", "SELECT a - ?, b -?, (?), ? FROM t"),
        ("SELECT 1 - -2", "SELECT ? - ?"),
        (
            "WHERE a = TRUE AND b IS NULL AND c.true = `x`",
            "WHERE a = ? AND b IS NULL AND c.true = ?",
        ),
        ("DATE '2020-01-01' < ?", "DATE ? < ?"),
        ('SELECT "a  -- b"  FROM t', 'SELECT "a  -- b" FROM t'),
        ("UPDATE t SET a[0] = +1.5e3 LIMIT 10", "UPDATE t SET a[?] = ? LIMIT ?"),
    ],
)
def test_what_is_recorded_has_no_value_in_it(text, recorded):
    assert normalise(text) == recorded
