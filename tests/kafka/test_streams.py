"""Streams into a real Kafka: topics, formats, dropped tables, parked documents, proofs."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event

import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

import indelible
from indelible.client.addresses import parse_address, parse_journal_address
from indelible.engine.creation import Durability
from indelible.engine.kafka_ledgers import create_kafka_ledger
from indelible.engine.streaming import StreamOptions, make_export, stream_status
from journal.errors import (
    ConfigurationError,
    ConflictError,
    IntegrityError,
    LogUnavailableError,
)
from journal.hashing import leaf_hash
from journal.kafka import Cluster
from streams.avro_format import unregistered_schemas
from streams.declarations import parse_declarations
from streams.exporter import Export, run_export
from streams.kafka.progress import read_progress
from streams.records import hash_text
from streams.sinks import Batch, Sink
from streams.topics import Kind, topic_name
from tests.support.feeding import ListSink, export_once
from tests.support.streamed import (
    expect_current_state,
    expect_exactly_once,
    read_topic,
    topics_of,
    written,
)

pytestmark = pytest.mark.kafka

_numbers = count(1)


class Streaming:
    """A new ledger in a folder, and its streams."""

    def __init__(self, kafka: Cluster, folder: Path) -> None:
        self.kafka = kafka
        self.name = f"streamed-{os.getpid()}-{next(_numbers)}"
        self.url = f"file:{folder / self.name}?name={self.name}"
        self.ledger = indelible.connect(self.url)
        self.ledger.execute("CREATE TABLE vehicles")

    def options(self, **options: object) -> StreamOptions:
        return StreamOptions(bootstrap=self.kafka.bootstrap_servers, **{"partitions": 2, **options})

    def export(self, **options: object) -> None:
        """Export all there is."""
        made = make_export(parse_journal_address(self.url), self.options(**options))
        run_export(_until_current(made), Event())

    def topic(self, kind: str, table: str = "") -> str:
        return topic_name("indelible", self.name, kind, table)

    def state(self, table: str = "vehicles") -> dict[str, object]:
        rows = self.ledger.query(
            f"SELECT t.metadata.id AS id, t.data AS data FROM _ql_committed_{table} AS t"
        )
        return {row["id"]: row["data"] for row in rows}


def _until_current(made: Export) -> Export:
    return replace(made, on_current=lambda _: True)


@pytest.fixture
def streaming(kafka: Cluster, tmp_path: Path) -> Iterator[Streaming]:
    found = Streaming(kafka, tmp_path)
    yield found
    found.ledger.close()


def test_topics_hold_history_state_blocks_and_progress(streaming: Streaming) -> None:
    ledger = streaming.ledger
    ledger.execute("INSERT INTO vehicles ?", [{"n": n, "owner": "zoë"} for n in range(10)])
    streaming.export()
    ledger.execute("UPDATE vehicles SET owner = 'bob' WHERE n < 5")
    ledger.execute("DELETE FROM vehicles WHERE n = 7", labels={"request": "42"})
    streaming.export()

    records = expect_exactly_once(streaming.kafka, streaming.url, "vehicles")
    expect_current_state(streaming.kafka, streaming.name, "vehicles", streaming.state())
    deleted = records[[r.payload["_operation"] for r in records].index("DELETE")].payload
    assert deleted["data"] is None
    blocks = [r.payload for r in read_topic(streaming.kafka, streaming.topic("blocks"))]
    assert [block["sequence_number"] for block in blocks] == list(range(5))
    assert blocks[4]["transactions"][0]["labels"] == {"request": "42"}
    assert blocks[4]["previous_hash"] == blocks[3]["hash"]
    (status,) = stream_status(parse_journal_address(streaming.url), streaming.options())
    assert (status.name, status.position.sequence_number, status.lag_records) == ("default", 5, 0)


def test_topics_are_made_as_they_must_be(streaming: Streaming) -> None:
    streaming.ledger.execute("INSERT INTO vehicles ?", {"n": 1})
    streaming.export()
    admin = AdminClient({"bootstrap.servers": streaming.kafka.bootstrap_servers})
    for kind, table in ((Kind.CURRENT, "vehicles"), (Kind.HISTORY, "vehicles"), (Kind.BLOCKS, "")):
        resource = ConfigResource(ConfigResource.Type.TOPIC, streaming.topic(kind, table))
        settings = admin.describe_configs([resource])[resource].result(10)

        assert settings["max.message.bytes"].value == "8388608"
        expected = "compact" if kind is Kind.CURRENT else "delete"
        assert settings["cleanup.policy"].value == expected
        if kind is not Kind.CURRENT:
            assert settings["retention.ms"].value == "-1"


def test_a_document_keeps_its_partition_in_both_topics(streaming: Streaming) -> None:
    streaming.ledger.execute("INSERT INTO vehicles ?", [{"n": n} for n in range(30)])
    streaming.ledger.execute("UPDATE vehicles SET owner = 'bob'")
    streaming.export(partitions=3)
    places = set()
    for kind in ("current", "history"):
        for record in read_topic(streaming.kafka, streaming.topic(kind, "vehicles")):
            places.add((record.key_payload["_document_id"], record.partition))

    assert len(places) == 30
    assert {partition for _, partition in places} == {0, 1, 2}


def test_a_dropped_table_is_emptied_and_one_made_anew_goes_on(streaming: Streaming) -> None:
    ledger = streaming.ledger
    ledger.execute("INSERT INTO vehicles ?", [{"n": n} for n in range(5)])
    streaming.export()
    ledger.execute("DROP TABLE vehicles")
    ledger.execute("CREATE TABLE vehicles")
    ledger.execute("INSERT INTO vehicles ?", {"n": 100})
    streaming.export()

    expect_current_state(streaming.kafka, streaming.name, "vehicles", streaming.state())
    expect_exactly_once(streaming.kafka, streaming.url, "vehicles")
    assert len(streaming.state()) == 1


def test_exporters_with_other_names_have_positions_of_their_own(streaming: Streaming) -> None:
    ledger = streaming.ledger
    for n in range(4):
        ledger.execute("INSERT INTO vehicles ?", {"n": n})
    streaming.export(name="late", from_block=4)
    records = read_topic(streaming.kafka, streaming.topic("history", "vehicles"))
    assert sorted(record.position.sequence_number for record in records) == [4, 5]
    ledger.execute("INSERT INTO vehicles ?", {"n": 9})
    streaming.export(name="late", from_block=0)
    streaming.export(name="other", from_block=6)
    records = read_topic(streaming.kafka, streaming.topic("history", "vehicles"))

    assert sorted(record.position.sequence_number for record in records) == [4, 5, 6, 6]
    progress = read_progress(streaming.kafka, streaming.topic("progress"))
    assert {name: each.position.sequence_number for name, each in progress.items()} == {
        "late": 7,
        "other": 7,
    }


def test_only_chosen_tables_get_topics(streaming: Streaming) -> None:
    streaming.ledger.execute("CREATE TABLE owners")
    streaming.ledger.execute("INSERT INTO owners ?", {"n": 1})
    streaming.ledger.execute("INSERT INTO vehicles ?", {"n": 1})
    streaming.export(tables=frozenset({"owners"}))
    topics = topics_of(streaming.kafka)

    assert streaming.topic("current", "owners") in topics
    assert streaming.topic("current", "vehicles") not in topics


def test_what_does_not_fit_is_parked_with_reason_and_hash(streaming: Streaming) -> None:
    declared = parse_declarations(
        '[tables.vehicles]\nvin = "string"\nprice = "decimal(2)"\n', source=""
    )
    ledger = streaming.ledger
    ledger.execute("INSERT INTO vehicles ?", {"vin": "a", "price": 5})
    ledger.execute("INSERT INTO vehicles ?", {"vin": 7})
    ledger.execute("UPDATE vehicles SET vin = 'b' WHERE vin = 7")
    streaming.export(declarations=declared)

    (parked,) = read_topic(streaming.kafka, streaming.topic("parked"))
    odd = written(streaming.url)[1]
    assert parked.payload["reason"] == "field 'vin' is no string: 7"
    assert parked.payload["_hash"] == odd.hash
    assert orjson.loads(parked.payload["data"]) == {"vin": 7}
    history = read_topic(streaming.kafka, streaming.topic("history", "vehicles"))
    columns = sorted((r.payload["vin"], r.payload["_version"]) for r in history)
    assert columns == [("a", 0), ("b", 1)]


def test_avro_records_are_framed_and_have_tombstones(streaming: Streaming) -> None:
    streaming.ledger.execute("INSERT INTO vehicles ?", {"vin": "a"})
    streaming.ledger.execute("DELETE FROM vehicles")
    streaming.export(format="avro")
    known = unregistered_schemas("vehicles", None)
    for record in read_topic(streaming.kafka, streaming.topic("history", "vehicles")):
        assert record.value is not None
        assert record.value[0] == 0
        assert int.from_bytes(record.value[1:5], "big") in known
    last = read_topic(streaming.kafka, streaming.topic("current", "vehicles"))[-1]
    assert last.value is None


def test_a_record_leads_to_a_receipt_that_verifies(streaming: Streaming) -> None:
    streaming.ledger.execute("INSERT INTO vehicles ?", {"vin": "a"})
    streaming.ledger.execute("UPDATE vehicles SET owner = 'ann'")
    streaming.export()
    for record in read_topic(streaming.kafka, streaming.topic("history", "vehicles")):
        columns = record.payload
        receipt = streaming.ledger.receipt(columns["_document_id"], version=columns["_version"])
        receipt.verify()

        assert columns["_hash"] == record.headers["indelible-hash"]
        assert columns["_hash"] == hash_text(leaf_hash(receipt.data.entry_body))


def test_a_ledger_on_kafka_is_streamed_beside_its_journal(kafka: Cluster, tmp_path: Path) -> None:
    name = f"on-kafka-{os.getpid()}-{next(_numbers)}"
    url = f"kafka://{kafka.bootstrap_servers}/{name}?data={tmp_path / 'data'}"
    create_kafka_ledger(
        parse_address(url),
        principal="test",
        kafka={},
        durability=Durability(allow_single_broker=True),
    )
    address = parse_journal_address(url)
    with indelible.connect(url) as ledger:
        ledger.execute("CREATE TABLE vehicles")
        for number in range(3):
            ledger.execute("INSERT INTO vehicles ?", [{"n": number}, {"n": number + 10}])
            run_export(_until_current(make_export(address, StreamOptions())), Event())

    expect_exactly_once(kafka, url, "vehicles")


def test_a_topic_that_loses_records_is_refused_with_the_repair(streaming: Streaming) -> None:
    streaming.ledger.execute("INSERT INTO vehicles ?", {"n": 1})
    topic = streaming.topic("current", "vehicles")
    admin = AdminClient({"bootstrap.servers": streaming.kafka.bootstrap_servers})
    new = NewTopic(topic, num_partitions=1, replication_factor=1)
    admin.create_topics([new])[topic].result(10)
    with pytest.raises(
        ConfigurationError, match=r"cleanup\.policy=delete, needed is compact"
    ) as caught:
        streaming.export()

    assert "--add-config cleanup.policy=compact" in caught.value.hint


def test_a_topic_that_cannot_be_made_is_named(streaming: Streaming) -> None:
    """Kafka keeps names apart only if they differ in more than '.' and '_'."""
    admin = AdminClient({"bootstrap.servers": streaming.kafka.bootstrap_servers})
    rival = streaming.topic("current", "my_cars").replace(".current.my_cars", ".current_my.cars")
    admin.create_topics([NewTopic(rival, num_partitions=1, replication_factor=1)])[rival].result(10)
    streaming.ledger.execute("CREATE TABLE my_cars")
    streaming.ledger.execute("INSERT INTO my_cars ?", {"n": 1})
    with pytest.raises(ConfigurationError, match="cannot be made") as caught:
        streaming.export()

    assert "beforehand" in caught.value.hint


def test_a_cluster_that_is_away_is_unavailable(streaming: Streaming) -> None:
    address = parse_journal_address(streaming.url)
    options = StreamOptions(bootstrap="127.0.0.1:1")
    with pytest.raises(LogUnavailableError):
        make_export(address, options).sink.open()


def test_the_predecessor_of_a_new_exporter_is_fenced(streaming: Streaming) -> None:
    old, new, batch = _two_of_one_name(streaming)
    old.open()
    assert new.open() is None
    with pytest.raises(ConflictError, match="was started somewhere else"):
        old.deliver(batch)
    new.deliver(batch)
    old.close()
    new.close()

    expect_exactly_once(streaming.kafka, streaming.url, "vehicles")


def test_a_predecessor_fenced_between_two_batches_does_not_come_back(
    streaming: Streaming,
) -> None:
    """Its client may learn of it in the background; then its next call says only that it is dead."""
    old, new, batch = _two_of_one_name(streaming)
    old.open()
    old.deliver(batch)
    new.open()
    time.sleep(0.3)
    with pytest.raises(ConflictError, match="was started somewhere else"):
        old.deliver(batch)
    old.close()
    new.close()

    expect_exactly_once(streaming.kafka, streaming.url, "vehicles")


def test_a_strangers_record_in_the_progress_topic_stops_nobody_else(streaming: Streaming) -> None:
    streaming.export()
    topic = streaming.topic("progress")
    stranger = Producer({"bootstrap.servers": streaming.kafka.bootstrap_servers})
    stranger.produce(topic, key=b"stranger", value=b"hello")
    stranger.flush(10)
    streaming.ledger.execute("INSERT INTO vehicles ?", {"n": 1})
    streaming.export()

    with pytest.raises(IntegrityError, match="stranger"):
        read_progress(streaming.kafka, topic)
    expect_exactly_once(streaming.kafka, streaming.url, "vehicles")


def test_progress_behind_anothers_open_transaction_is_waited_for(streaming: Streaming) -> None:
    """Read too early, an older position would export the same batch twice."""
    streaming.export()
    topic = streaming.topic("progress")
    other = Producer(
        {
            "bootstrap.servers": streaming.kafka.bootstrap_servers,
            "transactional.id": f"{streaming.name}-other",
        }
    )
    other.init_transactions(10)
    other.begin_transaction()
    other.produce(topic, key=b"other/tables", value=b'{"tables":[]}')
    other.flush(10)
    streaming.ledger.execute("INSERT INTO vehicles ?", {"n": 1})
    found: list[int] = []

    def read() -> None:
        progress = read_progress(streaming.kafka, topic)
        found.append(progress["default"].position.sequence_number)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(1.0)
    assert not found
    assert read_progress(streaming.kafka, topic, wait=False).keys() == {"default"}
    other.commit_transaction(10)
    reader.join(30)

    assert found == [2]


def _two_of_one_name(streaming: Streaming) -> tuple[Sink, Sink, Batch]:
    """Two exporters' sinks, and what either would deliver: the insert of one document."""
    streaming.ledger.execute("INSERT INTO vehicles ?", {"n": 1})
    source = ListSink()
    export_once(streaming.url, source)
    address = parse_journal_address(streaming.url)
    old, new = (make_export(address, streaming.options()).sink for _ in range(2))
    return old, new, _batch(source)


def _batch(source: ListSink) -> Batch:
    assert source.progress is not None
    strand_id = source.blocks[0].block.header.strand_id
    return Batch(strand_id, [*source.changes, *source.blocks], source.progress, tables_changed=True)
