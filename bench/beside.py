"""Commits while another thread of the same process runs a heavy query, over and over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench import workload
from bench.measure import Sample, point_of
from bench.plan import Plan
from bench.report import Row
from bench.targets.ledgers import LedgerTarget

CALLERS: Final = (1, 8)


def measure_beside(target: LedgerTarget, plan: Plan) -> list[Row]:
    """Commits alone, and beside a GROUP BY over `plan.documents` vehicles."""
    rows = []
    for callers in CALLERS:
        alone = target.commit(callers=callers, seconds=plan.seconds)
        with _grouping(target):
            beside = target.commit(callers=callers, seconds=plan.seconds)
        rows += [
            _row("commits, no query beside", callers, alone),
            _row("commits, GROUP BY beside", callers, beside),
        ]
    return rows


def _row(measure: str, callers: int, sample: Sample) -> Row:
    return Row(measure=measure, target="embedded", callers=callers, point=point_of(sample))


@contextmanager
def _grouping(target: LedgerTarget) -> Iterator[None]:
    stopped, errors = threading.Event(), list[BaseException]()

    def group() -> None:
        try:
            while not stopped.is_set():
                if len(target.ledger.query(workload.GROUP_QUERY).rows) < len(workload.MAKES):
                    raise RuntimeError("the GROUP BY lost a group")
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=group, name="group-by", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
    if errors:
        raise errors[0]
