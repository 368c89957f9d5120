"""What a user of the SDK sees of transactions, on the embedded journal."""

import datetime
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import indelible
from indelible.engine.limits import Limits

ID = "0" * 21 + "1"


@pytest.fixture
def ledger() -> Iterator[indelible.Ledger]:
    with indelible.connect("memory:", principal="tester") as ledger:
        ledger.execute("CREATE TABLE people")
        ledger.execute("CREATE UNIQUE INDEX ON people (name)")
        yield ledger


def people(ledger: indelible.Ledger) -> dict[str, object]:
    rows = ledger.query("SELECT p.name, p.age FROM people AS p").rows
    return {row["name"]: row.get("age") for row in rows}


def revisions(ledger: indelible.Ledger) -> list[tuple[object, int]]:
    return [
        (row.get("data", {}).get("age"), row["metadata"]["version"])
        for row in ledger.history("people")
    ]


def test_a_result_names_document_transaction_and_block(ledger: indelible.Ledger) -> None:
    result = ledger.execute("INSERT INTO people ?", {"name": "ann"})

    assert len(result.rows[0]["documentId"]) == 22
    assert len(result.transaction_id) == 22
    assert result.block_address == indelible.BlockAddress(ledger.status().tip.strand_id, 3)


def test_values_of_every_type_come_back_as_they_went_in(ledger: indelible.Ledger) -> None:
    document = {
        "name": "ann", "int": 2**80, "float": 1.0, "decimal": Decimal("10.50"), "none": None,
        "bytes": b"\x00\xff", "when": datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC),
        "day": datetime.date(2026, 1, 2), "list": [1, [2.5, {"x": True}]], "$dollar": "€",
        "symbol": indelible.Symbol("s"), "year": indelible.Timestamp("2026T"),
    }  # fmt: skip
    ledger.execute("INSERT INTO people ?", document)

    (row,) = ledger.query("SELECT * FROM people")

    assert row == document
    assert type(row["float"]) is float
    assert str(row["decimal"]) == "10.50"


def test_a_transaction_takes_effect_as_a_whole_or_not_at_all(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO people ?", {"name": "ann", "age": 1})
    with pytest.raises(indelible.UniqueViolationError):
        ledger.transact(
            [
                ("UPDATE people SET age = 2 WHERE name = ?", "ann"),
                ("INSERT INTO people ?", {"name": "bob"}),
                ("INSERT INTO people ?", {"name": "ann"}),
            ]
        )

    assert people(ledger) == {"ann": 1}
    assert revisions(ledger) == [(1, 0)]


def test_later_statements_see_earlier_ones(ledger: indelible.Ledger) -> None:
    result = ledger.transact(
        [
            ("INSERT INTO people ?", {"name": "ann", "age": 1}),
            ("UPDATE people SET age = age + 1 WHERE name = ?", "ann"),
            ("SELECT p.age FROM people AS p WHERE p.name = ?", "ann"),
        ]
    )

    assert result.rows == [{"age": 2}]


def test_several_changes_to_a_document_make_one_revision(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO people ?", {"name": "ann", "age": 1})
    ledger.transact([("UPDATE people SET age = age + 1 WHERE name = ?", "ann")] * 3)

    assert revisions(ledger) == [(1, 0), (4, 1)]


def test_insert_and_delete_in_one_transaction_leave_nothing(ledger: indelible.Ledger) -> None:
    result = ledger.transact(
        [
            ("INSERT INTO people ?", {"name": "ann"}),
            ("DELETE FROM people AS p WHERE p.name = ?", "ann"),
        ]
    )

    assert result.block_address is None
    assert revisions(ledger) == []
    ledger.execute("INSERT INTO people ?", {"name": "ann"})


def test_update_and_delete_in_one_transaction_make_one_delete(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO people ?", {"name": "ann", "age": 1})
    ledger.transact(
        [
            ("UPDATE people SET age = 2 WHERE name = ?", "ann"),
            ("DELETE FROM people AS p WHERE p.name = ?", "ann"),
        ]
    )

    assert people(ledger) == {}
    assert revisions(ledger) == [(1, 0), (None, 1)]


def test_a_document_inserted_again_is_another_document(ledger: indelible.Ledger) -> None:
    first = ledger.execute("INSERT INTO people ?", {"name": "ann"}).rows[0]["documentId"]
    ledger.execute("DELETE FROM people AS p WHERE p.name = ?", "ann")
    second = ledger.execute("INSERT INTO people ?", {"name": "ann"}).rows[0]["documentId"]

    assert first != second


def test_a_transaction_that_changes_nothing_writes_no_block(ledger: indelible.Ledger) -> None:
    before = ledger.status().tip
    result = ledger.execute("UPDATE people SET age = 1 WHERE name = ?", "nobody")

    assert result.block_address is None
    assert ledger.status().tip == before


def test_one_transaction_id_commits_once(ledger: indelible.Ledger) -> None:
    first = ledger.execute("INSERT INTO people ?", {"name": "ann"}, transaction_id=ID)
    again = ledger.execute("INSERT INTO people ?", {"name": "ann"}, transaction_id=ID)

    assert again.block_address == first.block_address
    assert again.rows == first.rows
    assert list(people(ledger)) == ["ann"]


def test_values_are_not_compared_when_an_id_is_repeated(ledger: indelible.Ledger) -> None:
    """Statements are: they are recorded without their values."""
    ledger.execute("INSERT INTO people VALUE {'name': 'ann'}", transaction_id=ID)
    ledger.execute("INSERT INTO people VALUE {'name': 'bob'}", transaction_id=ID)

    assert list(people(ledger)) == ["ann"]


def test_an_id_belongs_to_one_intention(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO people ?", {"name": "ann"}, transaction_id=ID)
    with pytest.raises(indelible.ConflictError, match="used by another transaction"):
        ledger.execute("DELETE FROM people", transaction_id=ID)


def test_a_failed_transaction_does_not_use_up_its_id(ledger: indelible.Ledger) -> None:
    with pytest.raises(indelible.UnknownTableError):
        ledger.execute("INSERT INTO peple ?", {"name": "ann"}, transaction_id=ID)
    result = ledger.execute("INSERT INTO people ?", {"name": "ann"}, transaction_id=ID)

    assert result.block_address is not None


def test_a_unique_key_can_move_between_documents(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO people ?", [{"name": "ann"}, {"name": "bob"}])
    ledger.execute("DELETE FROM people AS p WHERE p.name = 'ann'")
    ledger.execute("UPDATE people SET name = 'ann' WHERE name = 'bob'")

    assert list(people(ledger)) == ["ann"]


def test_one_statement_cannot_insert_a_key_twice(ledger: indelible.Ledger) -> None:
    with pytest.raises(indelible.UniqueViolationError, match="name = 'ann'"):
        ledger.execute("INSERT INTO people ?", [{"name": "ann"}, {"name": "ann"}])

    assert people(ledger) == {}


def test_missing_and_null_keys_are_never_duplicates(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO people ?", [{"age": 1}, {"age": 2}, {"name": None}, {"name": None}])

    assert ledger.query("SELECT COUNT(*) AS n FROM people").rows == [{"n": 4}]


def test_a_unique_index_over_duplicates_is_refused(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO people ?", [{"age": 1}, {"age": 1}])
    with pytest.raises(indelible.UniqueViolationError):
        ledger.execute("CREATE UNIQUE INDEX ON people (age)")

    (table,) = ledger.query("SELECT t.* FROM information_schema.user_tables AS t")
    assert [index["expr"] for index in table["indexes"]] == ["[name]"]


def test_statements_are_recorded_without_their_literals() -> None:
    with indelible.connect("memory:") as ledger:
        ledger.execute("CREATE TABLE t")
        ledger.execute("INSERT INTO t VALUE {'secret': 'hunter2', 'pin': 1234}")
        value = ledger._transport.node._log._values[-1]  # type: ignore[attr-defined]

    statement, _, payload = value.partition(b"secret")
    assert b"hunter2" not in value.replace(b'"secret":"hunter2"', b"")
    assert b"INSERT INTO t VALUE" in statement + payload
    assert value.count(b"hunter2") == 1


def test_many_threads_share_blocks(ledger: indelible.Ledger) -> None:
    def insert(thread: int) -> None:
        for number in range(20):
            ledger.execute("INSERT INTO people ?", {"name": f"{thread}-{number}"})

    threads = [threading.Thread(target=insert, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(people(ledger)) == 320


def test_one_bad_transaction_does_not_harm_its_block(ledger: indelible.Ledger) -> None:
    failures = []

    def insert(number: int) -> None:
        try:
            ledger.execute("INSERT INTO people ?", {"name": f"n{number % 25}"})
        except indelible.UniqueViolationError as error:
            failures.append(error)

    threads = [threading.Thread(target=insert, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(people(ledger)) == 25
    assert len(failures) == 25


@pytest.mark.parametrize(
    ("call", "limit"),
    [
        (lambda ledger: ledger.execute("x" * 100_001), "statement_length_max"),
        (lambda ledger: ledger.execute("SELECT 1", *range(1_001)), "parameters_max"),
        (lambda ledger: ledger.transact([("SELECT 1",)] * 1_001), "statements_per_transaction_max"),
        (
            lambda ledger: ledger.execute("DELETE FROM people", labels={"k": "v" * 256}),
            "label_size_max",
        ),
        (
            lambda ledger: ledger.execute(
                "DELETE FROM people", labels={str(n): "" for n in range(17)}
            ),
            "labels_max",
        ),
        (
            lambda ledger: ledger.execute("INSERT INTO people ?", {"name": "x" * (1 << 20)}),
            "document_size_max",
        ),
        (
            lambda ledger: ledger.execute("INSERT INTO people ?", [{"x": "y" * 900_000}] * 10),
            "block_size_max",
        ),
        (
            lambda ledger: ledger.execute("INSERT INTO people ?", [{}] * 40_001),
            "revisions_per_transaction_max",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_limits_are_named_and_nothing_is_written(
    ledger: indelible.Ledger, call: object, limit: str
) -> None:
    before = ledger.status().tip
    with pytest.raises(indelible.LimitExceededError) as caught:
        call(ledger)  # type: ignore[operator]

    assert caught.value.limit == limit
    assert caught.value.actual > caught.value.maximum
    assert ledger.status().tip == before
    ledger.execute("INSERT INTO people ?", {"name": "after"})


def test_big_transactions_begin_a_new_block(tmp_path: Path) -> None:
    """A transaction that does not fit beside others is deferred, not refused."""
    limits = Limits(block_size_max=200_000, block_size_target=150_000)
    with indelible.connect(f"file:{tmp_path}", limits=limits) as ledger:
        ledger.execute("CREATE TABLE t")
        threads = [
            threading.Thread(target=ledger.execute, args=("INSERT INTO t ?", {"x": "y" * 120_000}))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert ledger.query("SELECT COUNT(*) AS n FROM t").rows == [{"n": 6}]
        assert ledger.status().tip.sequence_number >= 7


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"a": object()}, id="object"),
        pytest.param({"a": float}, id="class"),
        pytest.param({1: "a"}, id="number-as-field-name"),
        pytest.param({"a": "\ud800"}, id="lone-surrogate"),
        pytest.param({"a": Decimal("NaN")}, id="decimal-nan"),
        pytest.param({"a": datetime.datetime(2026, 1, 1)}, id="no-offset"),  # noqa: DTZ001
        pytest.param({"a": indelible.MISSING}, id="missing"),
        pytest.param("text", id="text"),
        pytest.param(5, id="number"),
        pytest.param(None, id="null"),
        pytest.param([[1]], id="list-in-list"),
    ],
)
def test_what_is_no_document_is_refused(ledger: indelible.Ledger, document: object) -> None:
    before = ledger.status().tip
    with pytest.raises(indelible.InputError):
        ledger.execute("INSERT INTO people ?", document)

    assert ledger.status().tip == before


def test_deep_values_are_refused_with_their_path(ledger: indelible.Ledger) -> None:
    value: object = 1
    for _ in range(10_000):
        value = [value]
    with pytest.raises(indelible.InvalidDocumentError, match=r"nested deeper than 64 at \$\.a"):
        ledger.execute("INSERT INTO people ?", {"a": value})


def test_a_closed_ledger_says_so(ledger: indelible.Ledger) -> None:
    ledger.close()
    ledger.close()
    with pytest.raises(indelible.UnavailableError):
        ledger.execute("INSERT INTO people ?", {})
    with pytest.raises(indelible.UnavailableError):
        ledger.query("SELECT * FROM people")


def test_dropped_tables_keep_their_place_in_the_catalog(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO people ?", {"name": "ann"})
    ledger.execute("DROP TABLE people")
    with pytest.raises(indelible.UnknownTableError):
        ledger.query("SELECT * FROM people")
    ledger.execute("CREATE TABLE people")

    assert people(ledger) == {}
    tables = ledger.query("SELECT t.name, t.status FROM information_schema.user_tables AS t").rows
    assert tables == [
        {"name": "people", "status": "DROPPED"},
        {"name": "people", "status": "ACTIVE"},
    ]


def test_ddl_and_data_share_a_transaction(ledger: indelible.Ledger) -> None:
    with pytest.raises(indelible.UniqueViolationError):
        ledger.transact(
            [
                ("CREATE TABLE cars",),
                ("CREATE UNIQUE INDEX ON cars (vin)",),
                ("INSERT INTO cars ?", {"vin": 1}),
                ("INSERT INTO cars ?", {"vin": 1}),
            ]
        )
    ledger.transact(
        [
            ("CREATE TABLE cars",),
            ("CREATE UNIQUE INDEX ON cars (vin)",),
            ("INSERT INTO cars ?", {"vin": 1}),
        ]
    )

    assert ledger.query("SELECT * FROM cars").rows == [{"vin": 1}]


def test_history_tells_when_and_by_what(ledger: indelible.Ledger) -> None:
    result = ledger.execute("INSERT INTO people ?", {"name": "ann", "age": 1})
    document_id = result.rows[0]["documentId"]
    changed = ledger.execute("UPDATE people SET age = 2 WHERE name = 'ann'")

    first, second = ledger.history("people", document_id)

    assert first["metadata"]["txId"] == result.transaction_id
    assert first["blockAddress"] == {
        "strandId": result.block_address.strand_id,
        "sequenceNo": result.block_address.sequence_number,
    }
    assert second["metadata"]["txId"] == changed.transaction_id
    assert second["data"] == {"name": "ann", "age": 2}
    assert first["metadata"]["txTime"] < second["metadata"]["txTime"]
    assert first["hash"] != second["hash"]
    (committed,) = ledger.query("SELECT * FROM _ql_committed_people")
    assert committed == second


def test_a_table_made_and_dropped_in_one_transaction_was_never_there(
    ledger: indelible.Ledger,
) -> None:
    ledger.transact(
        [
            ("CREATE TABLE cars",),
            ("CREATE INDEX ON cars (vin)",),
            ("INSERT INTO cars ?", {"vin": 1}),
            ("INSERT INTO people ?", {"name": "ann", "age": 1}),
            ("DROP TABLE cars",),
        ]
    )

    assert people(ledger) == {"ann": 1}
    tables = ledger.query("SELECT t.name FROM information_schema.user_tables AS t").rows
    assert tables == [{"name": "people"}]


def test_a_table_can_be_filled_and_dropped_in_one_transaction(ledger: indelible.Ledger) -> None:
    ledger.transact([("INSERT INTO people ?", {"name": "ann"}), ("DROP TABLE people",)])
    ledger.execute("CREATE TABLE people")

    assert people(ledger) == {}
