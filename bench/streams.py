"""Streams: how soon a commit can be read downstream, how fast an exporter catches up, what it costs.

```
callers in this process -> journal on Kafka -> `indelible stream` -> topic -> observer (a process)
                                                                     topic -> Connect -> PostgreSQL
```
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Self

import orjson
import psycopg
from confluent_kafka import Consumer, TopicPartition

import indelible
from bench import workload
from bench.callers import drive
from bench.measure import Point, Sample, point_of
from bench.plan import Plan
from bench.report import Row
from bench.targets.ledgers import KafkaLedger, kafka_ledger
from infra.connect import ConnectWorker
from infra.postgres import PostgresServer
from journal.kafka.settings import Cluster
from streams.connect import Source, jdbc_sink
from streams.kafka.settings import reader_settings

_SOURCE: Final = Source(prefix="indelible", ledger="bench", table=workload.TABLE, history=True)
_CALLERS: Final = 32
_RATE: Final = 1_000
_SLOW_RATE: Final = 100
"""Transactions a second, of all callers together."""
_PARTITIONS: Final = 4
_WAIT_SECONDS: Final = 120.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def measure_streams(folder: Path, plan: Plan) -> list[Row]:
    """On one broker: the back-fill of `plan.documents`, then a steady load, then PostgreSQL behind it."""
    with ExitStack() as stack:
        place = stack.enter_context(kafka_ledger(folder, 1))
        workload.create_tables(place.ledger)
        workload.fill(place.ledger, plan.documents)
        started = time.time()
        exporter = stack.enter_context(_exporter(place.url))
        observer = stack.enter_context(_Observer(place.bootstrap, plan.documents))
        arrivals = observer.arrivals()
        cpu = _cpu_seconds(exporter) / plan.documents * 1e6
        back_fill = Point(rate=plan.documents / (max(arrivals.values()) - started))
        return [
            _row(f"back-fill, start included, {cpu:.0f} us of CPU each", back_fill),
            _steady(place, exporter, plan),
            _to_postgres(folder, stack, place, plan),
        ]


def _steady(place: KafkaLedger, exporter: "subprocess.Popen[bytes]", plan: Plan) -> Row:
    """From the acknowledgement of a commit until a read_committed reader has the revision."""
    seconds = plan.stream_seconds
    _paced(place.ledger, run=4, rate=_RATE, seconds=seconds)  # warms broker and exporter
    count = _count(_RATE, seconds) * _CALLERS
    with _Observer(place.bootstrap, count, from_end=True) as observer:
        before, own = _cpu_seconds(exporter), time.process_time()
        acknowledged = _paced(place.ledger, run=1, rate=_RATE, seconds=seconds)
        own = time.process_time() - own
        arrivals = observer.arrivals()
        share = (_cpu_seconds(exporter) - before) / own
    delays = [arrivals[each] - moment for each, moment in acknowledged.items()]
    return _row(
        f"commit to readable, exporter's CPU {share:.0%} of the node's",
        point_of(Sample(count=len(delays), seconds=seconds, latencies=delays)),
        callers=_CALLERS,
    )


def _to_postgres(folder: Path, stack: ExitStack, place: KafkaLedger, plan: Plan) -> Row:
    """From the acknowledgement of a commit until its row is there, looked for every few milliseconds."""
    server = stack.enter_context(PostgresServer(folder / "postgres"))
    worker = stack.enter_context(
        ConnectWorker(folder / "connect", bootstrap_servers=place.bootstrap)
    )
    sink = jdbc_sink(_SOURCE, url=server.jdbc_url, user="indelible", into="revisions")
    worker.create(sink.name, sink.configuration)
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        present = plan.documents + 2 * _count(_RATE, plan.stream_seconds) * _CALLERS
        while _rows_in(connection) < present:
            time.sleep(0.2)
        _paced(place.ledger, run=2, rate=_SLOW_RATE, seconds=plan.stream_seconds)  # warms the sink
        started = place.ledger.status().tip.sequence_number
        arrivals: dict[str, float] = {}
        stopped = threading.Event()
        watcher = threading.Thread(target=_watch, args=(connection, started, arrivals, stopped))
        watcher.start()
        seconds = plan.stream_seconds
        acknowledged = _paced(place.ledger, run=3, rate=_SLOW_RATE, seconds=seconds)
        deadline = time.monotonic() + _WAIT_SECONDS
        while acknowledged.keys() - arrivals.keys():
            if time.monotonic() > deadline:
                raise RuntimeError("rows do not arrive in PostgreSQL")
            time.sleep(0.05)
        stopped.set()
        watcher.join()
    delays = [arrivals[each] - moment for each, moment in acknowledged.items()]
    return _row(
        "commit to row in PostgreSQL",
        point_of(Sample(count=len(delays), seconds=seconds, latencies=delays)),
        callers=_CALLERS,
    )


def _watch(
    connection: psycopg.Connection[Any],
    after: int,
    arrivals: dict[str, float],
    stopped: threading.Event,
) -> None:
    query = "select _transaction_id from revisions where _sequence_number > %s"
    while not stopped.wait(0.005):
        found = connection.execute(query, (after,), prepare=True).fetchall()
        now = time.time()
        for (transaction_id,) in found:
            arrivals.setdefault(transaction_id, now)


def _rows_in(connection: psycopg.Connection[Any]) -> int:
    try:
        return _counted(connection)
    except psycopg.errors.UndefinedTable:
        return 0  # the sink makes it with the first record


def _counted(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from revisions").fetchone()
    assert row is not None
    return int(row[0])


def _paced(ledger: indelible.Ledger, *, run: int, rate: int, seconds: float) -> Mapping[str, float]:
    """Commits at a fixed rate; the moment of each acknowledgement by transaction id."""
    each = _CALLERS / rate
    begun = time.monotonic() + 0.1
    acknowledged: dict[str, float] = {}

    def call(caller: int, number: int) -> None:
        due = begun + (number + caller / _CALLERS) * each
        time.sleep(max(0.0, due - time.monotonic()))
        result = ledger.execute(
            workload.INSERT, workload.vehicle(workload.vin(run, caller, number))
        )
        acknowledged[result.transaction_id] = time.time()

    drive(call, callers=_CALLERS, count=_count(rate, seconds))
    return acknowledged


def _count(rate: int, seconds: float) -> int:
    """Transactions of each caller."""
    return int(rate * seconds) // _CALLERS


@contextmanager
def _exporter(url: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "indelible.cli", "stream", url]
    process = subprocess.Popen(
        [*command, "--partitions", str(_PARTITIONS)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    """User and system time of a process so far (Linux)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class _Observer:
    """A read_committed reader of the history topic, in a process of its own."""

    def __init__(self, bootstrap: str, count: int, *, from_end: bool = False) -> None:
        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_observe, args=(theirs, bootstrap, count, from_end), daemon=True
        )

    def __enter__(self) -> Self:
        self._process.start()
        self._receive()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def arrivals(self) -> dict[str, float]:
        """When the revision of each transaction arrived; of the last one where it has several."""
        found: dict[str, float] = self._receive()
        return found

    def _receive(self) -> Any:
        if not self._ours.poll(_WAIT_SECONDS):
            raise RuntimeError("the revisions do not arrive in their topic")
        return self._ours.recv()


def _observe(pipe: Connection, bootstrap: str, count: int, from_end: bool) -> None:
    consumer = Consumer(reader_settings(Cluster(bootstrap_servers=bootstrap)))
    partitions = [TopicPartition(_SOURCE.topic, number) for number in range(_PARTITIONS)]
    for partition in partitions:
        partition.offset = _start(consumer, partition, from_end=from_end)
    consumer.assign(partitions)
    pipe.send("ready")
    arrivals: dict[str, float] = {}
    seen = 0
    while seen < count:
        message = consumer.poll(1.0)
        if message is None or message.error() is not None:
            continue
        now = time.time()
        value = message.value()
        assert value is not None
        arrivals[orjson.loads(value)["payload"]["_transaction_id"]] = now
        seen += 1
    pipe.send(arrivals)
    consumer.close()


def _start(consumer: Consumer, partition: TopicPartition, *, from_end: bool) -> int:
    """Its first or its next offset; waits until the topic is there."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            low, high = consumer.get_watermark_offsets(partition, timeout=2)
        except Exception:  # noqa: BLE001 - the exporter has not made it yet
            time.sleep(0.1)
        else:
            return int(high if from_end else low)
    raise RuntimeError("the exporter makes no topic")


def _row(measure: str, point: Point, *, callers: int = 1) -> Row:
    return Row(measure=measure, target="kafka-1", callers=callers, point=point)
