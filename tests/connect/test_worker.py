"""The worker itself: plugins, refusals, failures, restarts. Records here are made by hand."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from infra.connect import ConnectError, ConnectorFailedError, ConnectWorker
from infra.kafka import KafkaCluster
from infra.postgres import PostgresServer
from infra.processes import free_ports
from streams.connect import Source, file_sink, jdbc_sink
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[2]
_numbers = count(1)


def schema_of(name: str, **fields: str) -> dict[str, Any]:
    described = [
        {"field": field, "type": kind, "optional": not field.startswith("_")}
        for field, kind in fields.items()
    ]
    return {"type": "struct", "name": name, "optional": False, "fields": described}


KEY = schema_of("made.by.hand.Key", _document_id="string")
VALUE = schema_of("made.by.hand.Value", owner="string", _document_id="string")


class Topic:
    """A topic of the exporter's form, and a producer for it."""

    def __init__(self, kafka: KafkaCluster) -> None:
        self.source = Source(prefix="by-hand", ledger=f"l{next(_numbers)}", table="vehicles")
        self.table = f"vehicles_{self.source.ledger}"
        client = {"bootstrap.servers": kafka.bootstrap_servers}
        admin = AdminClient(client)
        for made in admin.create_topics([NewTopic(self.source.topic, 1, 1)]).values():
            made.result()
        self._producer = Producer(client)

    def send(self, document_id: str, owner: str | None) -> None:
        """A state of a document; None deletes it."""
        key = {"_document_id": document_id}
        value = {"schema": VALUE, "payload": {"owner": owner, **key}}
        self._producer.produce(
            self.source.topic,
            key=json.dumps({"schema": KEY, "payload": key}),
            value=None if owner is None else json.dumps(value),
        )
        assert self._producer.flush(30) == 0


@pytest.fixture
def topic(broker: KafkaCluster) -> Topic:
    return Topic(broker)


@pytest.fixture
def sink(worker: ConnectWorker, database: PostgresServer, topic: Topic) -> Iterator[str]:
    """A running sink of `topic` into `database`."""
    name, configuration = jdbc_sink(
        topic.source, url=database.jdbc_url, user="indelible", into=topic.table
    )
    worker.create(name, configuration)
    yield name
    worker.delete(name)


def owners(database: PostgresServer, topic: Topic) -> list[Any]:
    with psycopg.connect(database.dsn) as connection:
        query = f'select _document_id, owner from "{topic.table}" order by 1'
        try:
            return connection.execute(query).fetchall()
        except psycopg.errors.UndefinedTable:
            return []


def test_the_sinks_that_are_needed_are_there(worker: ConnectWorker) -> None:
    assert {
        "io.debezium.connector.jdbc.JdbcSinkConnector",
        "org.apache.kafka.connect.file.FileStreamSinkConnector",
    } <= set(worker.rest.plugins())


def test_rows_follow_records_over_a_restart_of_the_worker(
    worker: ConnectWorker, database: PostgresServer, topic: Topic, sink: str
) -> None:
    topic.send("a", "Nova")
    topic.send("b", "Bob")
    eventually(lambda: owners(database, topic), [("a", "Nova"), ("b", "Bob")])

    worker.restart()
    worker.wait_until_running(sink)
    topic.send("a", "Ann")
    topic.send("b", None)

    eventually(lambda: owners(database, topic), [("a", "Ann")])


def test_a_worker_that_was_killed_goes_on_where_it_was(
    worker: ConnectWorker, database: PostgresServer, topic: Topic, sink: str
) -> None:
    topic.send("a", "Nova")
    eventually(lambda: owners(database, topic), [("a", "Nova")])

    worker.kill()
    assert not worker.is_running()
    topic.send("b", "Bob")
    worker.start()
    topic.send("a", None)

    eventually(lambda: owners(database, topic), [("b", "Bob")])


def test_a_configuration_that_cannot_be_is_refused(worker: ConnectWorker, topic: Topic) -> None:
    _, configuration = jdbc_sink(topic.source, url="jdbc:postgresql://127.0.0.1:1/none")
    with pytest.raises(ConnectError, match=r"tasks\.max"):
        worker.create("refused", {**configuration, "tasks.max": "many"})

    assert "refused" not in worker.rest.names()


def test_a_sink_that_gives_up_says_why_and_starts_anew(
    worker: ConnectWorker, database: PostgresServer, topic: Topic
) -> None:
    """It began while the database was down: only a running sink waits for one."""
    name, configuration = jdbc_sink(
        topic.source, url=database.jdbc_url, user="indelible", into=topic.table
    )
    topic.send("a", "Nova")
    database.stop()
    with pytest.raises(ConnectorFailedError, match=r"Unable to determine Dialect|refused"):
        worker.create(name, configuration)
    database.start()
    worker.rest.restart(name)

    eventually(lambda: owners(database, topic), [("a", "Nova")])
    worker.delete(name)


def test_a_record_that_is_none_stops_the_sink_and_skips_nothing(
    worker: ConnectWorker, database: PostgresServer, topic: Topic, sink: str
) -> None:
    topic.send("a", "Nova")
    topic.send("b", "U+0000 \0 fits no text of PostgreSQL")
    topic.send("c", "Bob")
    trace = worker.rest.wait_until_failed(sink, seconds=60)

    assert "invalid byte sequence" in trace
    assert ("c", "Bob") not in owners(database, topic)


def test_the_command_keeps_a_worker_and_its_connectors(
    broker: KafkaCluster, topic: Topic, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    options = ["--data", str(tmp_path / "data"), "--port", str(port)]
    kafka = ["--kafka", broker.bootstrap_servers]
    name, configuration = file_sink(topic.source, path=str(tmp_path / "lines"))
    (tmp_path / "sink.json").write_text(json.dumps({"name": name, "config": configuration}))

    def command(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "infra.connect", *words, *options],
            cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=120,
        ).stdout  # fmt: skip

    topic.send("a", "Nova")
    topic.send("a", None)
    topic.send("b", "Bob")
    for start in (1, 2):
        up = subprocess.Popen(
            [sys.executable, "-m", "infra.connect", "up", *options, *kafka],
            cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert up.stdout is not None
            assert up.stdout.readline() == f"http://127.0.0.1:{port}\n"
            if start == 1:
                assert command("create", str(tmp_path / "sink.json")) == f"{name} is running\n"
            else:
                topic.send("c", "Eve")
                command("restart", name)
            assert command("status") == f"{name}: RUNNING, tasks: RUNNING\n"
            expected = ["Nova", "Bob"] if start == 1 else ["Nova", "Bob", "Eve"]
            eventually(lambda: owners_in(tmp_path / "lines"), expected)
        finally:
            up.terminate()
            up.wait(60)
            up.stdout.close()


def owners_in(path: Path) -> list[str]:
    """What the file sink wrote; without deletions, in order."""
    if not path.exists():
        return []
    return [json.loads(line)["payload"]["owner"] for line in path.read_text().splitlines()]
