"""Rebuild: the state made anew from the journal; every hash and link is checked on the way."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import indelible
from bench import workload
from bench.callers import drive
from bench.measure import Point
from bench.report import Row
from indelible.engine.node import STATE_FILE, delete_store

_SHARED_CALLERS: Final = 32

Write = Callable[[indelible.Ledger], int]
"""Writes into a new ledger; gives the number of revisions."""


def measure_rebuilds(folder: Path, *, documents: int, single_documents: int) -> list[Row]:
    """Revisions per second of a rebuild, for three shapes of journal.

    Args:
        folder: For the ledgers.
        documents: In the journal of 500 revisions per transaction.
        single_documents: In those of one revision per transaction.
    """

    def many(ledger: indelible.Ledger) -> int:
        workload.fill(ledger, documents)
        return documents

    return [
        _rebuild(folder / "many", f"{workload.DOCUMENTS_PER_IMPORT} revisions a transaction", many),
        _rebuild(
            folder / "shared",
            f"1 revision a transaction, by {_SHARED_CALLERS} callers",
            _singly(single_documents, callers=_SHARED_CALLERS),
        ),
        _rebuild(folder / "alone", "1 revision a block", _singly(single_documents, callers=1)),
    ]


def _singly(documents: int, *, callers: int) -> Write:
    def write(ledger: indelible.Ledger) -> int:
        def call(caller: int, number: int) -> None:
            ledger.execute(workload.INSERT, workload.vehicle(workload.vin(1, caller, number)))

        return drive(call, callers=callers, count=max(1, documents // callers)).count

    return write


def _rebuild(folder: Path, shape: str, write: Write) -> Row:
    url = f"file:{folder}"
    with indelible.connect(url) as ledger:
        workload.create_tables(ledger)
        revisions = write(ledger)
        tip = ledger.status()
    delete_store(folder / STATE_FILE)
    started = time.perf_counter()
    with indelible.connect(url) as ledger:
        seconds = time.perf_counter() - started
        if ledger.status() != tip:
            raise RuntimeError("the rebuilt ledger is not the one that was written")
    return Row(
        measure=f"rebuild, {shape}",
        target="embedded",
        callers=1,
        point=Point(rate=revisions / seconds),
    )
