"""Queries over a view: what they give, and how much they read for it."""

# ruff: noqa: E501 - the table of queries has one case a line
import datetime
from dataclasses import replace

import pytest

from journal.errors import InputError, LimitExceededError, QueryTypeError, UnknownTableError
from journal.values import Bag, Timestamp
from tests.support.dict_view import NOW, DictCatalog, a_view


@pytest.fixture
def view():
    """Twenty vehicles and their owners."""
    view = a_view(
        vehicles=[
            {"vin": f"V{n:02d}", "owner": n % 4, "price": n * 10, "spec": {"color": "rgb"[n % 3]}}
            for n in range(20)
        ],
        owners=[{"id": n, "name": name} for n, name in enumerate(["Ann", "Bob", "Cy"])],
    )
    view.execute("CREATE UNIQUE INDEX ON vehicles (vin)")
    view.execute("CREATE INDEX ON vehicles (spec.color, price)")
    view.execute("CREATE UNIQUE INDEX ON owners (id)")
    return view


@pytest.mark.parametrize(
    ("query", "parameters", "rows", "reads"),
    [
        ("SELECT price FROM vehicles WHERE vin = ?", ["V07"], [{"price": 70}], 1),
        ("SELECT price FROM vehicles WHERE vin = ?", [["V07"]], [], 0),
        ("SELECT price FROM vehicles WHERE vin = ?", [None], [], 0),
        ("SELECT vin FROM vehicles WHERE vin IN ('V01', 'V02', 'V01')", [], [{"vin": "V01"}, {"vin": "V02"}], 2),
        ("SELECT vin FROM vehicles WHERE vin LIKE 'V1%' LIMIT 1", [], [{"vin": "V10"}], 1),
        ("SELECT price FROM vehicles WHERE spec.color = 'g' AND price > 100", [], [{"price": 130}, {"price": 160}, {"price": 190}], 3),
        ("SELECT vin FROM vehicles LIMIT 2", [], [{"vin": "V00"}, {"vin": "V01"}], 2),
        ("SELECT vin FROM vehicles ORDER BY vin DESC LIMIT 2", [], [{"vin": "V19"}, {"vin": "V18"}], 2),
        ("SELECT vin FROM vehicles LIMIT 1 OFFSET 2", [], [{"vin": "V02"}], 3),
        ("SELECT COUNT(*) AS n FROM vehicles", [], [{"n": 20}], 0),
        ("SELECT v.vin, o.name FROM vehicles AS v JOIN owners AS o ON v.owner = o.id WHERE v.vin = 'V01'", [], [{"vin": "V01", "name": "Bob"}], 2),
        ("SELECT v.vin, o.name FROM vehicles AS v LEFT JOIN owners AS o ON v.owner = o.id WHERE v.vin = 'V03'", [], [{"vin": "V03", "name": None}], 1),
        ("SELECT vin FROM vehicles WHERE owner IN (SELECT id FROM owners WHERE name = 'Cy') LIMIT 1", [], [{"vin": "V02"}], 6),
        ("SELECT o.name FROM owners AS o WHERE NOT EXISTS (SELECT 1 FROM vehicles AS v WHERE v.owner = o.id)", [], [], None),
        ("SELECT name, (SELECT COUNT(*) AS n FROM vehicles AS v WHERE v.owner = o.id) AS n FROM owners AS o WHERE o.id = 0", [], [{"name": "Ann", "n": 5}], 21),
        ("SELECT spec.color AS c, SUM(price) AS s FROM vehicles GROUP BY spec.color HAVING COUNT(*) > 6 ORDER BY s", [], [{"c": "r", "s": 630}, {"c": "g", "s": 700}], 20),
        ("SELECT DISTINCT owner FROM vehicles ORDER BY owner", [], [{"owner": n} for n in range(4)], 20),
        ("SELECT VALUE n.name FROM information_schema.user_tables AS n ORDER BY n.name", [], ["owners", "vehicles"], 0),
        ("1 + ?", [2], [3], 0),
        ("SIZE(owners)", [], [3], 3),
    ],
)  # fmt: skip
def test_a_query_gives_its_rows_and_reads_no_more_than_it_needs(
    view, query, parameters, rows, reads
):
    view.reads = 0

    assert list(view.run(query, *parameters).rows) == rows
    assert reads is None or view.reads == reads


def test_in_finds_every_member_of_a_long_list(view):
    wanted = [f"V{n:02d}" for n in (3, 9, 4, 4, 15)] + [None, 7]

    rows = view.run("SELECT VALUE vin FROM vehicles WHERE vin IN ?", wanted).rows

    assert sorted(rows) == ["V03", "V04", "V09", "V15"]


def test_an_index_that_is_not_active_yet_is_not_used(view):
    table = view.catalog.tables["owners"]
    building = replace(table, indexes=tuple(replace(each, active=False) for each in table.indexes))
    view.catalog = DictCatalog({**view.catalog.tables, "owners": building})

    assert view.run("SELECT name FROM owners WHERE id = 1").rows == [{"name": "Bob"}]
    assert view.run("SELECT name FROM owners ORDER BY id LIMIT 1").rows == [{"name": "Ann"}]


def test_select_star_hands_out_a_copy_that_may_be_changed(view):
    row = view.run("SELECT * FROM vehicles WHERE vin = 'V01'").rows[0]
    row["price"] = "changed"

    assert view.run("SELECT price FROM vehicles WHERE vin = 'V01'").rows == [{"price": 10}]


def test_by_gives_the_document_id_and_finds_by_it(view):
    (row,) = view.run("SELECT id, vin FROM vehicles AS v BY id WHERE v.vin = 'V05'").rows
    view.reads = 0

    assert view.run("SELECT vin FROM vehicles BY i WHERE i = ?", row["id"]).rows == [{"vin": "V05"}]
    assert view.reads == 1


def test_the_committed_view_has_metadata_and_uses_the_same_indexes(view):
    view.reads = 0
    (row,) = view.run("SELECT * FROM _ql_committed_vehicles AS c WHERE c.data.vin = 'V05'").rows

    assert set(row) == {"blockAddress", "hash", "data", "metadata"}
    assert (row["data"]["vin"], row["metadata"]["version"], view.reads) == ("V05", 0, 1)


def test_history_gives_every_revision_and_that_of_a_delete_without_data(view):
    (row,) = view.run("SELECT id FROM vehicles BY id WHERE vin = 'V05'").rows
    view.execute("UPDATE vehicles SET price = 51 WHERE vin = 'V05'")
    view.execute("DELETE FROM vehicles WHERE vin = 'V05'")

    found = view.run("SELECT h.metadata.version AS v, h.data.price AS p FROM history(vehicles) AS h "
                     "WHERE h.metadata.id = ?", row["id"]).rows  # fmt: skip

    assert found == [{"v": 0, "p": 50}, {"v": 1, "p": 51}, {"v": 2}]


def test_history_goes_from_a_timestamp_to_a_timestamp(view):
    later = Timestamp("2027T")

    assert view.run("SELECT VALUE 1 FROM history(owners, ?) AS h", later).rows == [1, 1, 1]
    assert (
        view.run("SELECT VALUE 1 FROM history(owners, ?, ?)", None, Timestamp("2025T")).rows == []
    )
    with pytest.raises(QueryTypeError):
        view.run("SELECT * FROM history(owners, 5)")


@pytest.mark.parametrize(
    ("query", "whole"),
    [
        ("SELECT * FROM _ql_committed_owners", True),
        ("SELECT c.* FROM _ql_committed_owners AS c WHERE c.data.id = 1 LIMIT 1", True),
        ("SELECT * FROM history(owners) AS h WHERE h.metadata.id = 'x'", True),
        ("SELECT * FROM _ql_committed_owners AS c ORDER BY c.data.id", True),
        ("SELECT * FROM owners", False),
        ("SELECT c.data FROM _ql_committed_owners AS c", False),
        ("SELECT DISTINCT * FROM _ql_committed_owners", False),
        ("SELECT * FROM _ql_committed_owners AS a, _ql_committed_owners AS b", False),
        ("SELECT a.*, 1 AS x FROM _ql_committed_owners AS a", False),
    ],
)
def test_a_query_knows_whether_its_rows_are_whole_revisions(view, query, whole):
    assert view.prepare(query).whole_revisions is whole


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        ("SELECT * FROM vehicle", UnknownTableError, "no table named 'vehicle'"),
        ("SELECT * FROM _ql_committed_owner", UnknownTableError, "no table named 'owner'"),
        ("SELECT nope", UnknownTableError, "no table named 'nope'"),
        (
            "SELECT * FROM owners JOIN vehicle ON TRUE",
            UnknownTableError,
            "no table named 'vehicle'",
        ),
        ("SELECT a.x FROM owners AS a, vehicles AS a", QueryTypeError, "declared twice"),
        (
            "SELECT MAX(id), name FROM owners",
            QueryTypeError,
            "'name' is neither in GROUP BY nor in an",
        ),
        ("MAX([1])", QueryTypeError, "for one collection use COLL_MAX"),
        ("LOWR('x')", InputError, "no function named 'LOWR'"),
        ("LOWER('x', 'y')", QueryTypeError, "LOWER takes 1 arguments, not 2"),
        ("LOWER(5)", QueryTypeError, "LOWER needs a text, not int"),
        ("CAST(1 AS NULL)", QueryTypeError, "nothing can be cast to NULL"),
        ("SELECT * FROM owners LIMIT -1", InputError, "LIMIT is a whole number from 0"),
        ("SELECT * FROM owners WHERE id = 1 / 0", InputError, "division by zero"),
        ("SELECT *", QueryTypeError, "SELECT * needs FROM"),
        ("SELECT 1 UNION SELECT 1, 2", QueryTypeError, "have 1 and 2 columns"),
    ],
)
def test_a_query_that_cannot_work_says_why(view, query, error, message):
    with pytest.raises(error) as caught:
        view.run(query)

    assert message in str(caught.value)


def test_an_unknown_table_is_told_with_the_nearest_names(view):
    with pytest.raises(UnknownTableError) as caught:
        view.run("SELECT * FROM Vehicle")

    assert caught.value.nearest == ("vehicles",)


def test_an_unknown_function_is_told_with_the_nearest_names(view):
    with pytest.raises(InputError) as caught:
        view.run("LOWR('x')")

    assert caught.value.hint.startswith("did you mean LOWER")


def test_parameters_are_counted(view):
    with pytest.raises(InputError, match="has 2 parameters, 1 were given"):
        view.run("SELECT * FROM owners WHERE id = ? OR id = ?", 1)


def test_the_context_gives_the_time_and_the_transaction(view):
    assert view.run("[UTCNOW(), TXID()]").rows == [NOW, "T"]


def test_rows_are_streamed(view):
    rows = view.prepare("SELECT vin FROM vehicles").rows(view.context(), [])
    view.reads = 0
    next(rows)

    assert view.reads == 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM vehicles",
        "SELECT vin FROM vehicles ORDER BY price",
        "SELECT DISTINCT vin FROM vehicles",
        "SELECT vin, COUNT(*) FROM vehicles GROUP BY vin",
        "SELECT COUNT(DISTINCT vin) FROM vehicles",
        "SELECT 1 FROM owners AS o WHERE o.id = SIZE((SELECT * FROM vehicles))",
        "SELECT 1 FROM vehicles AS a JOIN vehicles AS b ON a.price = b.price",
        "SELECT 1 FROM vehicles AS a FULL JOIN vehicles AS b ON TRUE",
        "UPDATE vehicles SET price = 1",
        "DELETE FROM vehicles",
        "INSERT INTO owners (SELECT * FROM vehicles)",
    ],
)
def test_no_statement_holds_more_rows_than_it_may(view, query):
    with pytest.raises(LimitExceededError):
        view.run(query, rows_max=15)


def test_a_sort_with_a_limit_holds_few_rows():
    view = a_view(t=[{"n": (n * 7919) % 5000} for n in range(5000)])

    assert view.run("SELECT VALUE n FROM t ORDER BY n LIMIT 3", rows_max=2000).rows == [0, 1, 2]


def test_a_long_query_asks_now_and_then_whether_it_may_go_on(view):
    calls = []
    context = view.context(check=lambda: calls.append(1))

    query = (
        "SELECT COUNT(*) FROM vehicles a, vehicles b, vehicles c WHERE a.price + b.price < c.price"
    )
    view.prepare(query).execute(context, [])

    assert calls


def test_a_name_of_several_sources_is_looked_up_in_each(view):
    query = "SELECT vin, name FROM vehicles AS v, owners AS o WHERE owner = id AND vin = 'V02'"

    assert view.run(query).rows == [{"vin": "V02", "name": "Cy"}]


def test_a_query_in_a_query_is_computed_again_only_if_it_depends_on_the_row():
    view = a_view(t=[{"k": 1}, {"k": 2}, {"k": 1}], u=[{"x": 1}, {"x": 5}])

    def found(query):
        view.reads = 0
        return list(view.run(query).rows), view.reads

    alone = "SELECT VALUE (SELECT COUNT(x) AS n FROM u WHERE x < 9) FROM t"
    bare = "SELECT VALUE (SELECT COUNT(x) AS n FROM u WHERE x = k) FROM t"
    named = "SELECT VALUE (SELECT COUNT(u.x) AS n FROM u WHERE u.x = t.k) FROM t"
    joined = "SELECT t.k, a.x FROM t LEFT JOIN (SELECT VALUE u FROM u) AS a ON a.x > t.k + 3"

    assert found(alone) == ([2, 2, 2], 5)
    assert found(bare) == ([1, 0, 1], 9)
    assert found(named) == ([1, 0, 1], 9)
    assert found(joined) == ([{"k": 1, "x": 5}, {"k": 2, "x": None}, {"k": 1, "x": 5}], 5)


def test_unnesting_goes_through_lists_with_positions():
    view = a_view(t=[{"k": 1, "items": [{"s": "x"}, {"s": "y"}]}, {"k": 2}])

    rows = view.run("SELECT t.k, i.s, n FROM t, t.items AS i AT n").rows

    assert rows == [{"k": 1, "s": "x", "n": 0}, {"k": 1, "s": "y", "n": 1}]


def test_explain_says_when_a_table_is_scanned_and_which_index_is_used(view):
    scan = view.run("EXPLAIN SELECT * FROM vehicles WHERE price = 1").rows
    search = view.run("EXPLAIN UPDATE vehicles SET price = 1 WHERE vin = ?").rows

    assert [row["operation"] for row in scan] == ["project", "filter", "scan"]
    assert scan[-1]["note"] == "reads every document"
    assert (search[-1]["operation"], search[-1]["index"], search[-1]["uses"]) == (
        "index search", "vin", "vin =",
    )  # fmt: skip


def test_pivot_makes_one_struct_of_rows(view):
    assert view.run("PIVOT o.id AT o.name FROM owners AS o").rows == [{"Ann": 0, "Bob": 1, "Cy": 2}]


def test_set_operators_work_on_rows(view):
    query = "SELECT owner AS id FROM vehicles EXCEPT SELECT id FROM owners"

    assert list(view.run(query).rows) == [{"id": 3}]


def test_a_bag_is_a_bag_and_an_ordered_query_a_list(view):
    ordered = view.run(
        "SELECT VALUE [(SELECT VALUE id FROM owners ORDER BY id), (SELECT VALUE 1 FROM owners)]"
    )

    assert [type(item) for item in ordered.rows[0]] == [list, Bag]


def test_dates_and_timestamps_compare_by_the_moment():
    view = a_view(t=[{"d": datetime.date(2026, 1, 1)}, {"d": Timestamp("2026-01-01T01:00+01:00")}])
    view.execute("CREATE INDEX ON t (d)")

    assert len(view.run("SELECT * FROM t WHERE d = DATE '2026-01-01'").rows) == 2
    assert len(view.run("SELECT * FROM t WHERE d < ?", Timestamp("2026-01-01T00:00:01Z")).rows) == 2
