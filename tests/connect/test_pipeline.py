"""From `ledger.execute` to a row in PostgreSQL: what is written there, and what is deleted."""

import datetime
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import indelible
from indelible import Ledger
from infra.connect import ConnectWorker
from infra.kafka import KafkaCluster
from infra.postgres import PostgresServer
from streams.connect import Source, file_sink
from tests.connect.pipeline import Pipeline, pipeline_in
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

_numbers = count(1)
MakePipeline = Callable[..., Pipeline]


@pytest.fixture
def pipeline(
    broker: KafkaCluster, worker: ConnectWorker, database: PostgresServer, tmp_path: Path
) -> Iterator[Pipeline]:
    """A new ledger; its sinks are deleted at the end."""
    before = worker.rest.names()
    yield pipeline_in(tmp_path, f"rows{next(_numbers)}", broker, worker, database)
    for name in set(worker.rest.names()) - set(before):
        worker.delete(name)


@pytest.fixture
def ledger(pipeline: Pipeline) -> Iterator[Ledger]:
    with indelible.connect(pipeline.url) as ledger:
        ledger.execute("CREATE TABLE vehicles")
        yield ledger


def documents(pipeline: Pipeline) -> list[Any]:
    """The documents in the sink's table of current state."""
    found = pipeline.rows("vehicles").values()
    return sorted((row[-1] for row in found), key=json.dumps)


def test_rows_follow_insert_update_and_delete(pipeline: Pipeline, ledger: Ledger) -> None:
    pipeline.sinks("vehicles")
    with pipeline.exporting():
        ledger.execute("INSERT INTO vehicles ?", {"vin": "1N4", "owner": "Nova"})
        ledger.execute("INSERT INTO vehicles ?", {"vin": "KM8", "owner": "Bob"})
        eventually(
            lambda: documents(pipeline),
            [{"owner": "Bob", "vin": "KM8"}, {"owner": "Nova", "vin": "1N4"}],
        )
        ledger.execute("UPDATE vehicles AS v SET v.owner = 'Ann' WHERE v.vin = '1N4'")
        eventually(
            lambda: documents(pipeline),
            [{"owner": "Ann", "vin": "1N4"}, {"owner": "Bob", "vin": "KM8"}],
        )
        ledger.execute("DELETE FROM vehicles AS v WHERE v.vin = 'KM8'")
        eventually(lambda: documents(pipeline), [{"owner": "Ann", "vin": "1N4"}])
        compared = pipeline.expect_equal(ledger, "vehicles")

    history = pipeline.rows("vehicles", history=True)
    assert compared == 4
    assert sorted(row[1] for row in history.values()) == ["DELETE", "INSERT", "INSERT", "UPDATE"]
    assert [row[-1] for row in history.values() if row[1] == "DELETE"] == [None]


BERLIN = datetime.timezone(datetime.timedelta(hours=1))
KINDS = {
    "nested": {"a": {"b": [1, [2, {"c": None}], {}]}, "empty": [], "text": 'a "quoted" \\ text'},
    "decimals": [Decimal("0.10"), Decimal("-12345678901234567890.123456789"), Decimal("1E+3")],
    "integers": [0, -1, 2**53 - 1, 2**53, 2**63, -(2**70)],
    "floats": [0.1, -2.5e-300, 1e300],
    "timestamps": [
        datetime.datetime(2026, 1, 24, 10, 20, 30, 123456, tzinfo=datetime.UTC),
        datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=BERLIN),
    ],
    "date": datetime.date(2024, 2, 29),
    "bytes": b"\x00\xff",
    "null": None,
    "boolean": True,
    "unicode": "Zoë 日本語 🚗 \u202e \ufeff é e\u0301",
    "control": "nul \x00, line\nbreak, \x1f, \x7f",
    "id": "the document's own",
    "op": "d",
    "_version": "not the ledger's",
    "__hash": "nor this",
    "$decimal": "not a number",
    "Ünï çödé; DROP TABLE vehicles": 1,
    "": "a field without a name",
}


def test_every_kind_of_value_arrives(pipeline: Pipeline, ledger: Ledger) -> None:
    ledger.execute("INSERT INTO vehicles ?", KINDS)
    pipeline.sinks("vehicles")
    pipeline.export_once()

    pipeline.expect_equal(ledger, "vehicles")
    table = pipeline.table("vehicles")
    assert pipeline.select("select pg_typeof(data)::text from {table}", table=table) == [("json",)]
    (found,) = documents(pipeline)
    assert found["decimals"] == ["0.10", "-12345678901234567890.123456789", "1E+3"]
    assert found["integers"][-2:] == [str(2**63), str(-(2**70))]
    assert found["timestamps"][0].startswith("2026-01-24T10:20:30.123456")
    assert found["unicode"] == KINDS["unicode"]
    assert found["control"] == KINDS["control"]
    assert found["_version"] == "not the ledger's"
    assert found.keys() == KINDS.keys()


def test_a_removed_field_is_gone_from_the_row(pipeline: Pipeline, ledger: Ledger) -> None:
    pipeline.sinks("vehicles")
    with pipeline.exporting():
        ledger.execute("INSERT INTO vehicles ?", {"vin": "1N4", "owner": "Nova"})
        eventually(lambda: documents(pipeline), [{"owner": "Nova", "vin": "1N4"}])
        ledger.execute("UPDATE vehicles AS v REMOVE v.owner WHERE v.vin = '1N4'")
        eventually(lambda: documents(pipeline), [{"vin": "1N4"}])
        pipeline.expect_equal(ledger, "vehicles")


def test_a_large_document_arrives_whole(pipeline: Pipeline, ledger: Ledger) -> None:
    large = {"text": 'x"ü' * 180_000}  # 900 kB, and more in the topic: quotes are escaped twice
    pipeline.sinks("vehicles")
    with pipeline.exporting():
        for _ in range(3):
            ledger.execute("INSERT INTO vehicles ?", large)
        pipeline.expect_equal(ledger, "vehicles")

    assert documents(pipeline) == [large] * 3


def test_a_dropped_table_is_emptied_and_its_history_kept(
    pipeline: Pipeline, ledger: Ledger
) -> None:
    pipeline.sinks("vehicles")
    with pipeline.exporting():
        ledger.execute("INSERT INTO vehicles ?", [{"vin": "1N4"}, {"vin": "KM8"}])
        eventually(lambda: documents(pipeline), [{"vin": "1N4"}, {"vin": "KM8"}])
        ledger.execute("DROP TABLE vehicles")
        eventually(lambda: documents(pipeline), [])
        ledger.execute("CREATE TABLE vehicles")
        ledger.execute("INSERT INTO vehicles ?", {"vin": "2T1"})
        eventually(lambda: documents(pipeline), [{"vin": "2T1"}])
        eventually(lambda: len(pipeline.rows("vehicles", history=True)), 3)


DECLARATION = """
[tables.vehicles]
id = "int"
vin = "string"
"Order No" = "string"
price = "decimal(2)"
seen = "timestamp"
exact = "timestamp(6)"
day = "date"
weight = "float"
electric = "bool"
seal = "bytes"
tags = "json"
_version = "string"
"""
COLUMNS = (
    'select id, vin, "Order No", price, seen::text, exact::text, day, weight, electric, seal,'
    " tags::text, __version, _version from {table} order by vin, _version"
)


def declared(pipeline: Pipeline) -> Pipeline:
    """The same with declared columns."""
    (pipeline.cli.folder / "schemas.toml").write_text(DECLARATION)
    return Pipeline(
        name=pipeline.name, url=pipeline.url, cli=pipeline.cli, worker=pipeline.worker,
        database=pipeline.database, options=("--schemas", "schemas.toml"),
    )  # fmt: skip


def test_declared_fields_are_columns_of_their_type(pipeline: Pipeline, ledger: Ledger) -> None:
    pipeline = declared(pipeline)
    full = {
        "id": -7, "vin": "1N4", "Order No": "Ü-1", "price": Decimal("-123.4"),
        "seen": datetime.datetime(2026, 1, 24, 10, 20, 30, 123000, tzinfo=BERLIN),
        "exact": datetime.datetime(1969, 12, 31, 23, 59, 59, 123456, tzinfo=datetime.UTC),
        "day": datetime.date(2024, 2, 29), "weight": 2, "electric": False, "seal": b"\x00\x01",
        "tags": ["a", {"b": Decimal("1.0")}], "_version": "mine", "undeclared": 1,
    }  # fmt: skip
    row = (
        -7, "1N4", "Ü-1", Decimal("-123.40"), "2026-01-24 09:20:30.123",
        "1969-12-31 23:59:59.123456",
        datetime.date(2024, 2, 29), 2.0, False, b"\x00\x01", '["a",{"b":"1.0"}]', "mine",
    )  # fmt: skip
    bare = (None, "1N4", *[None] * 10)

    def found(*, history: bool = False) -> list[Any]:
        return pipeline.select(COLUMNS, table=pipeline.table("vehicles", history=history))

    pipeline.sinks("vehicles")
    with pipeline.exporting():
        ledger.execute("INSERT INTO vehicles ?", full)
        eventually(found, [(*row, 0)])
        ledger.execute("DELETE FROM vehicles AS v")
        ledger.execute("INSERT INTO vehicles ?", full)
        eventually(found, [(*row, 0)])
        removed = " ".join(f'REMOVE v."{name}"' for name in full if name != "vin")
        ledger.execute(f"UPDATE vehicles AS v {removed}")
        eventually(found, [(*bare, 1)])
        ledger.execute("DELETE FROM vehicles AS v")
        eventually(found, [])
        gone = [(None,) * 12] * 2

        def expected_history() -> list[Any]:
            return sorted(found(history=True), key=repr)

        eventually(
            expected_history,
            sorted([(*row, 0)] * 2 + [(*bare, 1)] + [(*gone[0], 1), (*gone[1], 2)], key=repr),
        )


@pytest.mark.parametrize(
    "misfit",
    [
        {"vin": "U+0000 \0 fits no text of PostgreSQL"},
        {"price": Decimal("1.001")},
        {"price": Decimal("1E+40")},
        {"id": 2**63},
        {"seen": datetime.datetime(2026, 1, 24, 10, 20, 30, 123456, tzinfo=datetime.UTC)},
    ],
    ids=["text", "scale", "size", "integer", "moment"],
)
def test_a_document_that_fits_no_column_stops_no_sink(
    pipeline: Pipeline, ledger: Ledger, misfit: dict[str, Any]
) -> None:
    """It would be refused by the database, again and again: the exporter parks it."""
    pipeline = declared(pipeline)
    ((field, value),) = misfit.items()
    ledger.execute("INSERT INTO vehicles ?", {"vin": "1N4"})
    ledger.execute(f"UPDATE vehicles AS v SET v.{field} = ?", value)
    ledger.execute("INSERT INTO vehicles ?", [misfit, {"vin": "KM8"}])
    pipeline.sink("vehicles")
    pipeline.export_once()

    query = "select vin, _version from {table} order by vin"
    eventually(
        lambda: pipeline.select(query, table=pipeline.table("vehicles")), [("1N4", 0), ("KM8", 0)]
    )


def test_a_file_has_a_line_for_every_revision(
    pipeline: Pipeline, ledger: Ledger, tmp_path: Path
) -> None:
    ledger.execute("INSERT INTO vehicles ?", {"vin": "1N4", "owner": "Zoë"})
    ledger.execute("UPDATE vehicles AS v SET v.owner = 'Ann'")
    ledger.execute("DELETE FROM vehicles AS v")
    pipeline.cli.ok("stream", pipeline.url, "--format", "json", "--once")
    source = Source(prefix="indelible", ledger=pipeline.name, table="vehicles", history=True)
    pipeline.worker.create(*file_sink(source, path=str(tmp_path / "lines")))

    def lines() -> list[Any]:
        path = tmp_path / "lines"
        found = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
        return [(line["_version"], line["_operation"], line["data"]) for line in found]

    eventually(
        lines,
        [
            (0, "INSERT", '{"owner":"Zoë","vin":"1N4"}'),
            (1, "UPDATE", '{"owner":"Ann","vin":"1N4"}'),
            (2, "DELETE", None),
        ],
    )
