"""A year of flights: 336,776 documents, each moving its aircraft; the end compared with plain Python."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from bench.commits import Say
from bench.measure import Point
from bench.report import Row
from indelible import Ledger
from indelible.cli.demo import flights

_FIRST: Final = date(2013, 1, 1)
_AIRCRAFT: Final = "SELECT VALUE a FROM aircraft AS a"
_COUNT: Final = "SELECT VALUE COUNT(*) FROM flights AS f"


def measure_flights(name: str, ledger: Ledger, days: int, say: Say) -> Row:
    """Load the first `days` days of 2013 into a new ledger; flights per second of one caller.

    Raises:
        RuntimeError: The ledger's state is not what the same flights give in plain Python.
    """
    documents = list(flights.flights(_FIRST, _FIRST + timedelta(days=days - 1)))
    flights.create_tables(ledger)
    flights.register_aircraft(ledger, flights.aircraft())
    started = time.perf_counter()
    loaded = flights.load_flights(ledger, documents, on_batch=_progress(len(documents), say))
    seconds = time.perf_counter() - started
    _check(ledger, documents)
    return Row(
        measure=f"flights of {days} days, {flights.BATCH} a transaction",
        target=name,
        callers=1,
        point=Point(rate=loaded.flights / seconds),
    )


def _progress(total: int, say: Say) -> Callable[[int], None]:
    """Says how far it is after every tenth of the flights."""
    step = max(1, total // 10)

    def on_batch(done: int) -> None:
        if done // step != (done - flights.BATCH) // step:
            say(f"{done:,} of {total:,} flights")

    return on_batch


def _check(ledger: Ledger, documents: list[flights.Document]) -> None:
    found = {plane["tailnum"]: plane for plane in ledger.query(_AIRCRAFT)}
    expected = flights.expected_state(documents)
    if found != expected:
        wrong = [name for name in expected if found.get(name) != expected[name]]
        raise RuntimeError(f"{len(wrong)} aircraft are not where they should be: {wrong[:5]}")
    (count,) = ledger.query(_COUNT).rows
    if count != len(documents):
        raise RuntimeError(f"{count} flights in the ledger, {len(documents)} were written")
