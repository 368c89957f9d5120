"""What is written and read: one vehicle of about 200 bytes per transaction, a unique index on its vin."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from indelible import Ledger

TABLE: Final = "vehicles"
INSERT: Final = f"INSERT INTO {TABLE} ?"
POINT_QUERY: Final = f"SELECT v.owner FROM {TABLE} AS v WHERE v.vin = ?"
GROUP_QUERY: Final = f"SELECT v.make, COUNT(*) AS n FROM {TABLE} AS v GROUP BY v.make"
DOCUMENTS_PER_IMPORT: Final = 500

MAKES: Final = ("Audi", "BMW", "Citroen", "Dacia", "Fiat", "Honda", "Kia", "Mazda")


def vin(run: int, caller: int, number: int) -> str:
    """A vin nobody else uses: `run` tells turns apart, `caller` the callers of a turn."""
    return f"{run}-{caller}-{number}-1N4AL11D75C109151"


def vehicle(key: str, make: str = "Audi") -> dict[str, Any]:
    """The document; `targets/sql/*.pgbench` write the same one."""
    return {
        "vin": key,
        "type": "Sedan",
        "year": 2011,
        "make": make,
        "model": "A5",
        "color": "Silver",
        "owner": "GddsXfIYfDlKCEprOLOwYt",
        "note": "abcdefghijklmnopqrstuvwxyz0123456789",
    }


def create_tables(ledger: Ledger) -> None:
    """The table and its unique index."""
    ledger.execute(f"CREATE TABLE {TABLE}")
    ledger.execute(f"CREATE UNIQUE INDEX ON {TABLE} (vin)")


def batches(count: int, size: int = DOCUMENTS_PER_IMPORT) -> Iterator[list[dict[str, Any]]]:
    """`count` vehicles of run 0, caller 0, in lists of `size`.

    >>> [len(batch) for batch in batches(5, 2)]
    [2, 2, 1]
    """
    documents = (vehicle(vin(0, 0, n), MAKES[n % len(MAKES)]) for n in range(count))
    while batch := list(islice(documents, size)):
        yield batch


def fill(ledger: Ledger, count: int) -> None:
    """Insert `count` vehicles, many per transaction."""
    for batch in batches(count):
        ledger.execute(INSERT, batch)
