"""Point queries by a unique index."""

from collections.abc import Callable, Sequence
from functools import partial
from random import randrange
from typing import Final

from bench import workload
from bench.callers import drive
from bench.measure import Sample, point_of
from bench.plan import Plan
from bench.report import Row
from bench.targets.ledgers import LedgerTarget
from bench.targets.postgres import PostgresTarget
from indelible import Ledger

CALLERS: Final = (1, 8)
MEASURE: Final = "point queries"

Query = Callable[[int], Sample]
"""Runs point queries by so many callers."""


def measure_queries(
    ledgers: Sequence[LedgerTarget], servers: Sequence[PostgresTarget], plan: Plan
) -> list[Row]:
    """Rows for each target, all of which are filled here with `plan.documents` vehicles."""
    sources: dict[str, Query] = {}
    for target in ledgers:
        workload.fill(target.ledger, plan.documents)
        sources[target.name] = partial(_query_ledger, target.ledger, plan)
    for server in servers:
        server.fill(plan.documents)
        sources[server.name] = partial(_query_server, server, plan)
    return [
        Row(measure=MEASURE, target=name, callers=callers, point=point_of(query(callers)))
        for callers in CALLERS
        for name, query in sources.items()
    ]


def _query_server(server: PostgresTarget, plan: Plan, callers: int) -> Sample:
    return server.query(documents=plan.documents, callers=callers, seconds=plan.seconds)


def _query_ledger(ledger: Ledger, plan: Plan, callers: int) -> Sample:
    documents = plan.documents

    def call(_caller: int, _number: int) -> None:
        rows: Sequence[object] = ledger.query(
            workload.POINT_QUERY, workload.vin(0, 0, randrange(documents))
        ).rows
        if len(rows) != 1:
            raise RuntimeError(f"a point query gave {len(rows)} rows")

    return drive(call, callers=callers, seconds=plan.seconds)
