"""Real flights: the sink's tables equal the ledger's answers, row by row, whatever breaks on the way.

By default a day of flights, about 5,000 revisions; `make soak`: 50,000.
"""

import os
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

import indelible
from indelible.cli.demo import flights as data
from infra.connect import ConnectWorker
from infra.kafka import KafkaCluster
from infra.postgres import PostgresServer
from journal.errors import UnavailableError
from tests.connect.pipeline import Pipeline, pipeline_in
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(1800)]

REVISIONS = 50_000 if os.environ.get("INDELIBLE_SOAK") else 5_000
FLIGHTS = (REVISIONS - data.AIRCRAFT_COUNT) * 4 // 7
"""Each is a revision of its own and mostly one of its aircraft: some move none that is registered."""
CANCELLED = "DELETE FROM flights AS f WHERE f.cancelled"
_numbers = count(1)


@pytest.fixture(scope="module")
def documents() -> Sequence[data.Document]:
    first = date(2013, 1, 1)
    found = data.flights(first, first + timedelta(days=FLIGHTS // 700 + 1))
    return [flight for flight, _ in zip(found, range(FLIGHTS), strict=False)]


@pytest.fixture
def pipeline(
    broker: KafkaCluster, worker: ConnectWorker, database: PostgresServer, tmp_path: Path
) -> Iterator[Pipeline]:
    """A ledger with the tables of the flights and sinks for all of it."""
    pipeline = pipeline_in(tmp_path, f"flights{next(_numbers)}", broker, worker, database)
    with indelible.connect(pipeline.url) as ledger:
        data.create_tables(ledger)
    names = pipeline.sinks("aircraft", "flights")
    yield pipeline
    for name in names:
        worker.delete(name)


def test_tables_equal_the_ledger_after_a_back_fill_and_while_following(
    pipeline: Pipeline, documents: Sequence[data.Document]
) -> None:
    half = len(documents) // 2
    with indelible.connect(pipeline.url) as ledger:
        data.register_aircraft(ledger, data.aircraft())
        data.load_flights(ledger, documents[:half])
        with pipeline.exporting():
            data.load_flights(ledger, documents[half:])
            ledger.execute(CANCELLED)
            written = time.monotonic()
            compared = pipeline.expect_equal(ledger, "aircraft", "flights", seconds=600)
        planes = {row["tailnum"]: row for row in ledger.query("SELECT VALUE a FROM aircraft AS a")}

    assert planes == data.expected_state(documents)
    assert compared > REVISIONS
    seconds = time.monotonic() - written
    print(f"\n{compared:,} revisions and all current rows equal after {seconds:.1f} s")


def test_tables_equal_the_ledger_after_everything_in_between_broke(
    pipeline: Pipeline,
    documents: Sequence[data.Document],
    broker: KafkaCluster,
    worker: ConnectWorker,
    database: PostgresServer,
) -> None:
    """Connect, broker, database and exporter killed one after another, while the ledger goes on."""
    size = len(documents) // 6
    parts = [documents[at : at + size] for at in range(0, 6 * size, size)]
    with indelible.connect(pipeline.url) as ledger:
        data.register_aircraft(ledger, data.aircraft())
        exporter = pipeline.start_exporter()
        data.load_flights(ledger, parts[0])

        worker.kill()
        data.load_flights(ledger, parts[1])
        worker.start()

        broker.kill(1)
        broker.restart(1)
        _persistently(ledger, parts[2])

        database.kill()
        _persistently(ledger, parts[3])
        time.sleep(5)  # longer than the sink waits by default
        database.start()

        assert exporter.poll() is None, "it outlived all that"
        exporter.kill()
        exporter.communicate()
        data.load_flights(ledger, parts[4])

        with pipeline.exporting():
            worker.restart()
            data.load_flights(ledger, parts[5])
            ledger.execute(CANCELLED)
            compared = pipeline.expect_equal(ledger, "aircraft", "flights", seconds=600)

    assert compared > REVISIONS
    print(f"\n{compared:,} revisions and all current rows equal after all that")


def test_nothing_changes_when_everything_is_sent_again(
    pipeline: Pipeline, documents: Sequence[data.Document], broker: KafkaCluster
) -> None:
    """The sink's consumer group starts anew: each record is written once more, in order."""
    with indelible.connect(pipeline.url) as ledger:
        data.register_aircraft(ledger, data.aircraft())
        data.load_flights(ledger, documents[:500])
        ledger.execute(CANCELLED)
        pipeline.export_once()
        pipeline.expect_equal(ledger, "aircraft", "flights")
        again = [
            pipeline.sink(table, history=history, name=f"again-{pipeline.name}-{table}-{history}")
            for table in ("aircraft", "flights")
            for history in (False, True)
        ]
        for name in again:
            eventually(partial(unread, broker, pipeline, name), 0)
            pipeline.worker.delete(name)
        pipeline.expect_equal(ledger, "aircraft", "flights")


def unread(broker: KafkaCluster, pipeline: Pipeline, name: str) -> int:
    """How many records of its topic a sink has not said to have written."""
    topic = pipeline.worker.rest.configuration(name)["topics"]
    consumer = Consumer(
        {"bootstrap.servers": broker.bootstrap_servers, "group.id": f"connect-{name}"}
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        places = consumer.committed([TopicPartition(topic, at) for at in partitions], timeout=10)
        ends = {
            at: consumer.get_watermark_offsets(TopicPartition(topic, at))[1] for at in partitions
        }
    finally:
        consumer.close()
    # The marker behind a transaction has an offset too, and nobody gets to see it.
    return sum(max(0, ends[place.partition] - max(0, place.offset) - 1) for place in places)


def _persistently(ledger: indelible.Ledger, flights: Sequence[data.Document]) -> None:
    """Write flights over an outage: transactions that are repeated have their ids."""
    for _ in range(20):
        try:
            data.load_flights(ledger, flights)
        except UnavailableError:
            time.sleep(1)
        else:
            return
    raise AssertionError("the ledger did not come back")
