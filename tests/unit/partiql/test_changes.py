"""Statements that change documents, tables and indexes: their rows and effects."""

from decimal import Decimal

import pytest

from journal.errors import InputError, LedgerError, QueryTypeError, UnknownTableError
from journal.values import Bag
from materializer.partiql.view import Delete, Insert, Update
from tests.support.dict_view import a_view

PERSON = {"name": "Ann", "age": 30, "tags": ["a", "b"], "address": {"city": "Bonn", "zip": "53111"}}


@pytest.fixture
def view():
    """One person, and an index on the name."""
    view = a_view(people=[PERSON], other=[])
    view.execute("CREATE UNIQUE INDEX ON people (name)")
    return view


def changed(view, statement, *parameters):
    """The person after a statement."""
    view.execute(statement, *parameters)
    (row,) = view.run("SELECT * FROM people").rows
    return row


@pytest.mark.parametrize(
    ("statement", "parameters", "names"),
    [
        ("INSERT INTO other ?", [{"n": 1}], [1]),
        ("INSERT INTO other ?", [[{"n": 1}, {"n": 2}]], [1, 2]),
        ("INSERT INTO other ?", [Bag([{"n": 1}])], [1]),
        ("INSERT INTO other VALUE {'n': ?}", [7], [7]),
        ("INSERT INTO other VALUE ?", [{"n": 1}], [1]),
        ("INSERT INTO other << {'n': 1}, {'n': 2, 'm': MISSING} >>", [], [1, 2]),
        ("INSERT INTO other [{'n': 1}]", [], [1]),
        ("INSERT INTO other {'n': 1}", [], [1]),
        ("INSERT INTO other (SELECT p.age AS n FROM people AS p)", [], [30]),
        ("INSERT INTO other SELECT VALUE {'n': p.age + ?} FROM people AS p", [1], [31]),
        ("INSERT INTO other << >>", [], []),
        ("insert into other `{n: 5}`", [], [5]),
    ],
)
def test_an_insert_makes_one_document_and_one_row_for_each_struct(
    view, statement, parameters, names
):
    outcome = view.run(statement, *parameters)

    assert [effect.data["n"] for effect in outcome.effects] == names
    assert all(type(effect) is Insert for effect in outcome.effects)
    assert outcome.rows == [{"documentId": effect.document_id} for effect in outcome.effects]


@pytest.mark.parametrize(
    ("statement", "parameters", "kind"),
    [
        ("INSERT INTO other ?", [5], "int"),
        ("INSERT INTO other ?", [[{"n": 1}, "x"]], "string"),
        ("INSERT INTO other VALUE ?", [[{"n": 1}]], "list"),
        ("INSERT INTO other VALUE NULL", [], "null"),
        ("INSERT INTO other VALUE TRUE", [], "bool"),
        ("INSERT INTO other ?.x", [{"n": 1}], "missing"),
    ],
)
def test_only_structs_are_inserted(view, statement, parameters, kind):
    with pytest.raises(QueryTypeError, match=f"a document is a struct, this is {kind}"):
        view.run(statement, *parameters)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ("SET age = age + 1", {"age": 31}),
        ("SET p.age = p.age + 1, p.name = 'Bob'", {"age": 31, "name": "Bob"}),
        ("SET age = name, name = age", {"age": "Ann", "name": 30}),
        ("SET age = 1 SET name = age", {"age": 1, "name": 1}),
        ("SET address.city = 'Ulm'", {"address": {"city": "Ulm", "zip": "53111"}}),
        ("SET p.address = {'city': p.address.city}", {"address": {"city": "Bonn"}}),
        ("SET phone.home = 1", {"phone": {"home": 1}}),
        ("SET tags[1] = 'c'", {"tags": ["a", "c"]}),
        ("SET tags = tags", {}),
        ("SET age = NULL", {"age": None}),
        ("REMOVE tags[0]", {"tags": ["b"]}),
        ("REMOVE address.zip", {"address": {"city": "Bonn"}}),
        ("REMOVE nothing.there", {}),
        ("INSERT INTO tags VALUE 'c'", {"tags": ["a", "b", "c"]}),
        ("INSERT INTO p.tags VALUE 'c' AT 0", {"tags": ["c", "a", "b"]}),
        ("INSERT INTO pets VALUE 'cat'", {"pets": ["cat"]}),
        ("INSERT INTO p VALUE 1 AT 'rank'", {"rank": 1}),
        ("INSERT INTO p.address VALUE 1 AT 'x'", {"address": {**PERSON["address"], "x": 1}}),
        ("SET age = 31 REMOVE tags[0] INSERT INTO tags VALUE 'z'", {"age": 31, "tags": ["b", "z"]}),
    ],
)  # fmt: skip
def test_an_update_changes_what_it_says_and_nothing_else(view, changes, difference):
    before = view.run("SELECT * FROM people").rows[0]

    assert changed(view, f"UPDATE people AS p {changes} WHERE p.name = ?", "Ann") == {
        **PERSON,
        **difference,
    }
    assert before == PERSON


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ("REMOVE age", "age"),
        ("REMOVE p.age", "age"),
        ("SET age = MISSING", "age"),
        ("SET age = nope", "age"),
    ],
)
def test_a_field_that_becomes_missing_goes(view, changes, gone):
    kept = {name: value for name, value in PERSON.items() if name != gone}

    assert changed(view, f"UPDATE people AS p {changes}") == kept


def test_a_whole_document_is_replaced_by_setting_the_alias(view):
    assert changed(view, "UPDATE people AS p SET p = {'name': p.name}") == {"name": "Ann"}
    assert changed(view, "UPDATE people AS p SET p = ?", {"x": 1}) == {"x": 1}


def test_qldb_writes_the_source_first(view):
    assert changed(view, "FROM people AS p WHERE p.name = 'Ann' SET p.age = 5")["age"] == 5
    assert (
        changed(view, "FROM people AS p BY id WHERE p.age = 5 INSERT INTO p.tags VALUE 1 AT 0")[
            "tags"
        ][0]
        == 1
    )
    assert "age" not in changed(view, "FROM people AS p WHERE p.name = 'Ann' REMOVE p.age")


def test_a_document_found_twice_is_changed_by_one_effect(view):
    outcome = view.run("FROM people AS p, p.tags AS tag INSERT INTO p.seen VALUE tag")

    (effect,) = outcome.effects
    assert effect.data["seen"] == ["a", "b"]
    assert len(outcome.rows) == 1


def test_an_update_that_changes_nothing_gives_a_row_and_no_effect(view):
    outcome = view.run("UPDATE people SET age = 30, address.city = 'Bonn', tags[0] = 'a'")

    assert (len(outcome.rows), list(outcome.effects)) == (1, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, 1.0), (1, Decimal(1)), (1, True), (0.0, -0.0), (Decimal("1.0"), Decimal("1.00"))],
)
def test_an_equal_value_of_another_kind_is_a_change(before, after):
    view = a_view(t=[{"n": before}])

    (effect,) = view.run("UPDATE t SET n = ?", after).effects

    assert repr(effect.data["n"]) == repr(after)


def test_effects_carry_the_document_that_was_read(view):
    (update,) = view.run("UPDATE people SET age = 1").effects
    (delete,) = view.run("DELETE FROM people AS p WHERE p.age = 30").effects

    assert (type(update), type(delete)) == (Update, Delete)
    assert update.document.data == delete.document.data == PERSON


def test_what_is_deleted_is_gone(view):
    (row,) = view.run("SELECT id FROM people BY id").rows

    assert view.execute("DELETE FROM people BY id WHERE id = ?", row["id"]) == [
        {"documentId": row["id"]}
    ]
    assert view.run("SELECT * FROM people").rows == []
    assert view.run("DELETE FROM people BY id WHERE id = ?", row["id"]).rows == []


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("UPDATE people SET address.city.name = 1", QueryTypeError, "string has no field 'name'"),
        ("UPDATE people SET tags.x = 1", QueryTypeError, "list has no field 'x' to change"),
        ("UPDATE people SET tags[5] = 1", InputError, "2 elements, there is no position 5"),
        ("UPDATE people SET age = 1 / 0", InputError, "division by zero"),
        ("UPDATE people AS p SET p = 1", QueryTypeError, "a document is a struct, this is int"),
        ("UPDATE people INSERT INTO age VALUE 1", QueryTypeError, "needs a list, bag or struct, not int"),
        ("UPDATE people INSERT INTO tags VALUE 1 AT 9", InputError, "there is no position 9"),
        ("UPDATE people INSERT INTO address VALUE 1", QueryTypeError, "needs AT and the name"),
        ("UPDATE people INSERT INTO address VALUE 1 AT 'zip'", InputError, "has a field 'zip' already"),
        ("UPDATE people INSERT INTO tags VALUE MISSING", QueryTypeError, "needs a value"),
        ("UPDATE people AS p REMOVE p", InputError, "for whole documents use DELETE"),
        ("FROM people AS p, p.tags AS t SET t.x = 1", InputError, "'t' is no document"),
        ("UPDATE people, other SET x = 1", InputError, "say which table 'x' is a field of"),
        ("UPDATE _ql_committed_people SET x = 1", InputError, "the committed view cannot be changed"),
        ("UPDATE [1] AS x SET x.a = 1", InputError, "has to be a table"),
        ("DELETE FROM [1] AS x", InputError, "has to be a table"),
        ("INSERT INTO nope ?", UnknownTableError, "no table named 'nope'"),
        ("INSERT INTO _ql_committed_people {'a': 1}", InputError, "is a view; it cannot be changed"),
        ("CREATE TABLE people", InputError, "table people is there already"),
        ("DROP TABLE persons", UnknownTableError, "no table named 'persons'"),
        ("CREATE INDEX ON people (name)", InputError, "has these paths already"),
        ("CREATE INDEX name ON people (age)", InputError, "index name of table people is there"),
        ("CREATE INDEX ON people (age, age)", QueryTypeError, "an index has each path once"),
        ("DROP INDEX nam ON people", UnknownTableError, "no index named 'nam'"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_made_says_why(view, statement, error, message):
    with pytest.raises(error) as caught:
        view.run(statement, *([{"a": 1}] if "?" in statement else []))

    assert message in str(caught.value)


def test_tables_come_and_go():
    view = a_view()
    (created,) = view.execute("CREATE TABLE t")
    dropped = view.execute("DROP TABLE t")

    assert dropped == [created]
    assert view.run("CREATE TABLE IF NOT EXISTS t").rows == [{"tableId": "0000000000000000000002"}]
    assert view.run("DROP TABLE IF EXISTS t").rows == ()


def test_if_not_exists_gives_no_row_and_no_effect(view):
    for statement in (
        "CREATE TABLE IF NOT EXISTS people",
        "CREATE INDEX IF NOT EXISTS ON people (name)",
        "DROP INDEX IF EXISTS nope ON people",
    ):
        outcome = view.run(statement)

        assert (list(outcome.rows), list(outcome.effects)) == ([], [])


def test_an_index_is_dropped_by_name_or_by_id(view):
    (index,) = view.execute('CREATE INDEX "by city" ON people (address.city, age)')

    effect = view.run('DROP INDEX "by city" ON people').effects[0]
    assert effect.index.paths == (("address", "city"), ("age",))
    assert view.execute(f'DROP INDEX "{index["indexId"]}" ON people WITH (purge = true)') == [index]


def test_nothing_is_applied_when_a_statement_runs(view):
    view.run("DELETE FROM people")

    assert view.run("SELECT COUNT(*) AS n FROM people").rows == [{"n": 1}]


def test_ids_are_asked_for_in_order_and_only_for_new_things(view):
    before = view.counter
    view.run("UPDATE people SET age = 1")
    assert view.counter == before

    outcome = view.run("INSERT INTO other << {}, {} >>")
    assert [int(row["documentId"]) for row in outcome.rows] == [before + 1, before + 2]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [("SELECT 1", "query"), ("1", "query"), ("DELETE FROM people", "dml"), ("CREATE TABLE x", "ddl"),
     ("EXPLAIN SELECT 1", "explain")],
)  # fmt: skip
def test_a_statement_knows_its_kind(view, statement, kind):
    assert view.prepare(statement).kind == kind


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO other {'d': {'x': 1, 'x': 2}}",
        "INSERT INTO other `{d: [{x: 1, x: 2}]}`",
        "INSERT INTO other SELECT * FROM [{'a': 1}] AS x, [{'a': 2}] AS y",
        "UPDATE people SET address = {'x': 1, 'x': 2}",
        "UPDATE people INSERT INTO tags VALUE {'x': 1, 'x': 2}",
    ],
)
def test_a_field_that_is_there_twice_is_not_dropped_silently(view, statement):
    with pytest.raises(QueryTypeError, match="has each field once"):
        view.run(statement)


def test_a_failing_statement_fails_with_an_error_of_the_ledger(view):
    with pytest.raises(LedgerError):
        view.run("INSERT INTO other SELECT * FROM people AS a, people AS b")
