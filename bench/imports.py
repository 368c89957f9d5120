"""Import: many documents per transaction, as `indelible import` sends them."""

import time

from bench import workload
from bench.measure import Point
from bench.report import Row
from indelible import Ledger


def measure_import(ledger: Ledger, documents: int) -> Row:
    """Documents per second of one caller, 500 per transaction, each transaction durable."""
    started = time.perf_counter()
    workload.fill(ledger, documents)
    seconds = time.perf_counter() - started
    return Row(
        measure=f"import, {workload.DOCUMENTS_PER_IMPORT} documents a transaction",
        target="embedded",
        callers=1,
        point=Point(rate=documents / seconds),
    )
