"""A ledger opened in this process and shared by all callers: in a file, on one broker, on three."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple

import indelible
from bench import workload
from bench.callers import drive
from bench.measure import Sample
from indelible.client.addresses import KafkaAddress
from indelible.engine.creation import Durability
from indelible.engine.kafka_ledgers import create_kafka_ledger
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


@contextmanager
def embedded_target(folder: Path) -> Iterator[LedgerTarget]:
    """A new ledger in a file."""
    with indelible.connect(f"file:{folder}") as ledger:
        workload.create_tables(ledger)
        yield LedgerTarget("embedded", ledger)


class KafkaLedger(NamedTuple):
    """An open ledger on Kafka, and where it is."""

    ledger: indelible.Ledger
    url: str
    bootstrap: str


@contextmanager
def kafka_ledger(folder: Path, brokers: Literal[1, 3]) -> Iterator[KafkaLedger]:
    """A new ledger on a new cluster: RF 3, or one broker that flushes every record."""
    with _kafka_cluster(folder / "brokers", brokers) as cluster:
        bootstrap, data = cluster.bootstrap_servers, folder / "state"
        create_kafka_ledger(
            KafkaAddress(bootstrap=bootstrap, name="bench", data=data),
            principal="bench",
            kafka={},
            durability=Durability(allow_single_broker=brokers == 1),
        )
        url = f"kafka://{bootstrap}/bench?data={data}"
        with indelible.connect(url) as ledger:
            yield KafkaLedger(ledger, url, bootstrap)


@contextmanager
def _kafka_cluster(folder: Path, brokers: Literal[1, 3]) -> Iterator[KafkaCluster]:
    """Killed at the end: an orderly stop of brokers that nobody needs again takes 15 s."""
    cluster = KafkaCluster(folder, brokers=brokers)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.kill_all()


@contextmanager
def kafka_target(folder: Path, brokers: Literal[1, 3]) -> Iterator[LedgerTarget]:
    """The same, with the table."""
    with kafka_ledger(folder, brokers) as place:
        workload.create_tables(place.ledger)
        yield LedgerTarget(f"kafka-{brokers}", place.ledger)
