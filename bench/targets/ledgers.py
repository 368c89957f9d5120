"""A ledger opened in this process and shared by all callers: in a file, on one broker, on three."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Literal

import indelible
from bench import workload
from bench.callers import drive
from bench.measure import Sample
from infra.kafka import KafkaCluster


class LedgerTarget:
    """One opened ledger. Not for several threads (its callers are)."""

    client = "threads"

    def __init__(self, name: str, ledger: indelible.Ledger) -> None:
        """The ledger is open and has its table."""
        self.name, self.ledger = name, ledger
        self._runs = count(1)

    def commit(self, *, callers: int, seconds: float) -> Sample:
        """See `Target.commit`."""
        run, execute = next(self._runs), self.ledger.execute

        def call(caller: int, number: int) -> None:
            execute(workload.INSERT, workload.vehicle(workload.vin(run, caller, number)))

        return drive(call, callers=callers, seconds=seconds)
