"""Whatever is passed to the SDK, what is wrong with it is an InputError."""

import datetime
import itertools
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import indelible
from indelible.client.embedded import user_name
from indelible.engine.limits import Limits
from indelible.engine.reading import Reading
from materializer.partiql import StatementCache

NAIVE = datetime.datetime(2026, 1, 2)  # noqa: DTZ001 - that is the point
HUGE = 10**5000


@pytest.fixture
def ledger() -> Iterator[Any]:
    with indelible.connect("memory:", principal="tester") as ledger:
        ledger.execute("CREATE TABLE p")
        ledger.execute("CREATE INDEX ON p (name)")
        ledger.execute("INSERT INTO p ?", {"name": "ann", "tags": [1, 2]})
        yield ledger


def doubling(value: Any, times: int = 40) -> Any:
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT * FROM p WHERE p.name = ?", NAIVE),
        ("SELECT * FROM p WHERE p.name > ?", NAIVE),
        ("SELECT x FROM [?] AS x GROUP BY x", NAIVE),
        ("SELECT DISTINCT x FROM [?] AS x", {"at": NAIVE}),
        ("SELECT * FROM history(p, ?)", NAIVE),
        ("SELECT * FROM p WHERE p.name LIKE ?", "\ud800%"),
        ("SELECT * FROM p WHERE p.name LIKE '\ud800%'", None),
        ("SELECT VALUE ?", {"a": ["\ud800"]}),
        ("[1, 2][?]", HUGE),
        ("SELECT VALUE 1 FROM p LIMIT ?", -HUGE),
        ("SELECT * FROM p WHERE p.name = ?", indelible.Symbol(5)),  # type: ignore[arg-type]
        ("SELECT * FROM p WHERE p.name = ?", indelible.IonValue(5)),  # type: ignore[arg-type]
        ("SELECT * FROM p WHERE p.name = ?", object()),
        ("SELECT * FROM p WHERE p.name = ?", [{1: 2}]),
        ("SELECT * FROM p WHERE p.name = ?", doubling(1)),
        ("SELECT * FROM p WHERE p.name = ?", {"a": doubling(NAIVE)}),
        ("INSERT INTO p ?", {"name": doubling(1)}),
        pytest.param(
            "INSERT INTO p ?", {"name": doubling(datetime.date(2026, 1, 2))}, marks=pytest.mark.slow
        ),
        ("INSERT INTO p ?", {"name": indelible.Symbol(5)}),  # type: ignore[arg-type]
        ("UPDATE p SET tags[?] = 1", HUGE),
        ("FROM p INSERT INTO tags VALUE 1 AT ?", HUGE),
        (5, None), (None, None), (b"SELECT", None), (["x"], None),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_statements_and_parameters(ledger: Any, statement: Any, value: Any) -> None:
    parameters = (value,) if value is not None else ()
    with pytest.raises(indelible.InputError):
        ledger.execute(statement, *parameters)
    with pytest.raises(indelible.InputError):
        ledger.query(statement, *parameters)
    with pytest.raises(indelible.InputError):
        ledger.transact([(statement, *parameters), ("SELECT * FROM p",)])


def test_integers_of_computed_steps_are_printable(ledger: Any) -> None:
    for statement in ("UPDATE p SET tags[?.a] = 1", "FROM p INSERT INTO tags VALUE 1 AT ?.a"):
        with pytest.raises(indelible.InputError, match="no position of more than 40 digits"):
            ledger.execute(statement, {"a": HUGE})
    assert ledger.query("SELECT VALUE [1][?.a] FROM p", {"a": HUGE}).rows == [indelible.MISSING]


def test_a_prefix_that_no_text_has_finds_nothing(ledger: Any) -> None:
    rows = ledger.query("SELECT * FROM p WHERE p.name LIKE ?.form", {"form": "\ud800%"}).rows
    assert rows == []


@pytest.mark.parametrize(
    "call",
    [
        *[lambda ledger, name=name: ledger.history(name) for name in (5, None, b"p", ["x"], "\ud800")],
        *[lambda ledger, each=each: ledger.history("p", each) for each in (5, b"p", ["x"], "\ud800")],
        *[lambda ledger, each=each: ledger.transact(each) for each in (5, None, "ab", [5], [()], [])],
        *[
            lambda ledger, each=each, text=text: ledger.execute(text, labels=each)
            for each in (5, "ab", ["a"], [("a", "b")], [], {"a": 5}, {1: "a"}, {"\ud800": "a"})
            for text in ("SELECT * FROM p", "DELETE FROM p")
        ],
        *[
            lambda ledger, each=each: ledger.execute("DELETE FROM p", transaction_id=each)
            for each in (-1, 0, 16, 1.5, [300], [], 10**12, "", "x", b"", b"x" * 17, bytearray(16))
        ],
    ],
)  # fmt: skip
def test_arguments(ledger: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises(indelible.InputError):
        call(ledger)
    assert ledger.query("SELECT VALUE COUNT(*) FROM p").rows == [1]


@pytest.mark.parametrize("key", ["0" * 22, bytes(16), uuid.UUID(int=0)])
def test_three_ways_to_give_an_id(ledger: Any, key: Any) -> None:
    result = ledger.execute("INSERT INTO p ?", {"name": "bob"}, transaction_id=key)
    assert result.transaction_id == "0" * 22


@pytest.mark.parametrize(
    "url",
    [
        5, None, b"memory:", "", "file:\x00x", "file:%00x", "file:\ud800x", "kafka://[", "kafka://[/x",
        "kafka://h/x?data=%00", "memory:?x=1", "memory:?prefix=..", "memory:?prefix=a/b",
        "memory:?prefix=", "memory:?prefix=a..b", "file:x?prefix=a%2Fb", "kafka://h/x?prefix=../..",
        "memory:?prefix=" + "a" * 101, "memory:?prefix=a%0A",
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_urls(url: Any) -> None:
    with pytest.raises(indelible.InputError):
        indelible.connect(url)


@pytest.mark.parametrize(
    "options",
    [
        {"foo": 1}, {"limits": 5}, {"kafka": 5}, {"on_progress": 5}, {"read_only": True},
        {"principal": 5}, {"principal": "\ud800"}, {"principal": "é" * 129}, {"principal": b"x"},
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_options(options: dict[str, Any]) -> None:
    with pytest.raises(indelible.InputError):
        indelible.connect("memory:", **options)


def test_a_principal_has_256_bytes_at_most() -> None:
    indelible.connect("memory:", principal="é" * 128).close()


@pytest.mark.parametrize("name", ["x" * 257, "\udcff"])
def test_a_user_name_that_is_no_principal(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("LOGNAME", name)
    assert user_name() == "unknown"


def test_a_result_that_is_not_streamed_is_bounded() -> None:
    with indelible.connect("memory:", limits=Limits(rows_max=2)) as ledger:
        assert ledger.execute("SELECT VALUE x FROM [1, 2] AS x").rows == [1, 2]
        for statements in ([("SELECT VALUE x FROM [1, 2, 3] AS x",)], [("SELECT VALUE x FROM [1, 2, 3] AS x",)] * 2):  # fmt: skip  # noqa: E501
            with pytest.raises(indelible.LimitExceededError, match="rows_max is 2, this has 3"):
                ledger.transact(statements)
        assert ledger.query("SELECT VALUE x FROM [1, 2, 3] AS x").rows == [1, 2, 3]


def test_a_reader_notices_that_the_state_was_rebuilt(tmp_path: Path) -> None:
    for name, rows in (("one", 1), ("two", 2)):
        with indelible.connect(f"file:{tmp_path / name}") as ledger:
            ledger.execute("CREATE TABLE p")
            ledger.execute("INSERT INTO p ?", [{"n": n} for n in range(rows)])
    state = tmp_path / "one" / "state.db"
    for name in ("one", "two"):
        with sqlite3.connect(tmp_path / name / "state.db") as database:
            database.execute("pragma wal_checkpoint(truncate)")
        database.close()
    with indelible.connect(f"file:{tmp_path / 'one'}", read_only=True) as reader:
        before = reader.status().tip.strand_id
        assert len(reader.query("SELECT * FROM p").rows) == 1
        for suffix in ("-wal", "-shm"):
            state.with_name(state.name + suffix).unlink(missing_ok=True)
        (tmp_path / "two" / "state.db").replace(state)

        assert len(reader.query("SELECT * FROM p").rows) == 2
        assert reader.status().tip.strand_id != before


@pytest.mark.parametrize("name", ["another", "ledger"])
def test_a_reader_that_names_another_ledger_is_refused_like_a_writer(
    tmp_path: Path, name: str
) -> None:
    with indelible.connect(f"file:{tmp_path}?name=registry") as ledger:
        ledger.execute("CREATE TABLE p")
    with pytest.raises(indelible.JournalReplacedError, match=f"'registry', not '{name}'") as writer:
        indelible.connect(f"file:{tmp_path}?name={name}")
    for url in (f"file:{tmp_path}?name={name}", f"kafka://127.0.0.1:9/{name}?data={tmp_path}"):
        with pytest.raises(indelible.JournalReplacedError) as reader:
            indelible.connect(url, read_only=True)
        assert reader.value.message == writer.value.message


@pytest.mark.parametrize("query", ["?name=registry", ""])
def test_a_reader_gives_the_name_or_leaves_it_out(tmp_path: Path, query: str) -> None:
    with indelible.connect(f"file:{tmp_path}?name=registry") as ledger:
        ledger.execute("CREATE TABLE p")
    with indelible.connect(f"file:{tmp_path}{query}", read_only=True) as reader:
        assert reader.status().name == "registry"


@pytest.mark.parametrize("name", ["Not+A+Name", ""])
def test_a_reader_is_given_a_name_that_can_be(tmp_path: Path, name: str) -> None:
    for read_only in (True, False):
        with pytest.raises(indelible.InputError, match="not a ledger name"):
            indelible.connect(f"file:{tmp_path}?name={name}", read_only=read_only)


def test_closing_while_others_read_raises_typed_errors_only(tmp_path: Path) -> None:
    with indelible.connect(f"file:{tmp_path}") as ledger:
        ledger.execute("CREATE TABLE p")
    for _ in range(10):
        reading = Reading(tmp_path / "state.db", StatementCache(10), Limits())
        raw: list[BaseException] = []

        def read(reading: Reading = reading, raw: list[BaseException] = raw) -> None:
            try:
                while True:
                    list(reading.query("SELECT * FROM p", (), 0))
            except indelible.StoreUnavailableError:
                return
            except BaseException as error:  # noqa: BLE001 - what the test looks for
                raw.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        reading.close()
        for thread in threads:
            thread.join()
        assert raw == []
        assert reading._pool.idle == []


def test_a_query_under_way_outlives_close() -> None:
    ledger = indelible.connect("memory:")
    ledger.execute("CREATE TABLE p")
    ledger.execute("INSERT INTO p ?", [{"n": n} for n in range(3000)])
    rows = ledger.query("SELECT * FROM p")
    next(rows)
    ledger.close()

    assert len(rows.rows) == 2999
    with pytest.raises(indelible.StoreUnavailableError, match="closed"):
        ledger.query("SELECT * FROM p")
