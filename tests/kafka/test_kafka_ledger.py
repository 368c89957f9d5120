"""A ledger on a real broker: strangers and rivals in its topic, wrong topics, replaced topics."""

import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

import indelible
from indelible.client.addresses import parse_address
from indelible.engine.creation import Durability
from indelible.engine.kafka_ledgers import create_kafka_ledger, kafka_ledgers
from journal.kafka import Cluster, KafkaLog, TopicAdmin
from journal.kafka.requirements import creation_settings
from journal.log import Position
from tests.support.stores import folded_rows

pytestmark = pytest.mark.kafka

_numbers = count(1)


class Place:
    """A new ledger on the shared broker, and what a test does to its topic behind its back."""

    def __init__(self, kafka: Cluster, folder: Path) -> None:
        self.kafka, self.folder = kafka, folder
        self.name = f"ledger-{folder.name.replace('_', '-')[-40:]}-{next(_numbers)}".lower()
        self.topic = f"indelible.{self.name}.journal"
        self.create()

    def url(self, node: str = "node") -> str:
        return f"kafka://{self.kafka.bootstrap_servers}/{self.name}?data={self.folder / node}"

    def create(self) -> None:
        create_kafka_ledger(
            parse_address(self.url()),
            principal="test",
            kafka={},
            durability=Durability(allow_single_broker=True),
        )

    def open(self, node: str = "node") -> indelible.Ledger:
        return indelible.connect(self.url(node))

    def produce(self, *values: bytes | None) -> None:
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers})
        for value in values:
            producer.produce(self.topic, value, key=b"stranger", headers={"x": b"y"})
        assert producer.flush(20) == 0

    def values(self) -> list[bytes]:
        log = KafkaLog(self.kafka, self.topic)
        reader, found = log.reader(Position(offset=0)), []
        end = log.end_offset()
        while reader.position() < end:
            found += [record.value for record in reader.read(timeout=5.0)]
        reader.close()
        log.close()
        return found

    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.kafka.bootstrap_servers})

    def delete_topic(self) -> None:
        admin = self.admin()
        admin.delete_topics([self.topic])[self.topic].result(20)

    def set_topic(self, **settings: str) -> None:
        resource = ConfigResource(
            ConfigResource.Type.TOPIC,
            self.topic,
            incremental_configs=[
                ConfigEntry(
                    name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET
                )
                for name, value in settings.items()
            ],
        )
        admin = self.admin()
        admin.incremental_alter_configs([resource])[resource].result(20)


@pytest.fixture
def place(kafka: Cluster, tmp_path: Path) -> Place:
    return Place(kafka, tmp_path)


@pytest.fixture
def ledger(place: Place) -> Iterator[indelible.Ledger]:
    with place.open() as ledger:
        ledger.execute("CREATE TABLE t")
        ledger.execute("CREATE UNIQUE INDEX ON t (n)")
        yield ledger


def numbers(ledger: indelible.Ledger) -> list[object]:
    return sorted(row["n"] for row in ledger.query("SELECT t.n FROM t AS t"))


def test_what_is_written_is_there_after_reopening(place: Place) -> None:
    with place.open() as ledger:
        ledger.execute("CREATE TABLE t")
        result = ledger.execute("INSERT INTO t ?", {"n": 1})
    with place.open() as ledger:
        assert numbers(ledger) == [1]
        assert ledger.status().tip == result.block_address


def test_the_ledger_is_listed_and_made_once(place: Place) -> None:
    assert place.name in kafka_ledgers(parse_address(place.url()), {})
    with pytest.raises(indelible.LedgerExistsError):
        place.create()


def test_an_empty_topic_that_an_administrator_made_is_taken_as_it_is(place: Place) -> None:
    place.name, place.folder = f"{place.name}-own", place.folder / "own"
    place.topic = f"indelible.{place.name}.journal"
    new = NewTopic(place.topic, 1, 1, config=creation_settings(replicas=1))
    admin = place.admin()
    admin.create_topics([new])[place.topic].result(20)
    topics = TopicAdmin(place.kafka)
    _eventually(lambda: topics.check(place.topic, allow_single_broker=True))
    before = topics.identity(place.topic)

    place.create()
    with place.open() as ledger:
        ledger.execute("CREATE TABLE t")
    assert topics.identity(place.topic) == before


def test_a_ledger_that_was_never_made_is_unknown(kafka: Cluster, tmp_path: Path) -> None:
    with pytest.raises(indelible.UnknownLedgerError):
        indelible.connect(f"kafka://{kafka.bootstrap_servers}/never-made?data={tmp_path}")


def test_foreign_records_are_gone_past(place: Place, ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO t ?", {"n": 1})
    place.produce(None, b"", b"hello", *place.values(), place.values()[1] + b"\x00")
    ledger.execute("INSERT INTO t ?", {"n": 2})

    assert numbers(ledger) == [1, 2]
    ignored = dict(ledger.status().ignored)
    assert ignored["foreign"] == 3
    assert ignored["late"] >= len(place.values()) // 2 - 4
    with place.open("another") as other:
        assert numbers(other) == [1, 2]


def test_an_open_transaction_of_a_stranger_hides_nothing(
    place: Place, ledger: indelible.Ledger
) -> None:
    stranger = Producer(
        {"bootstrap.servers": place.kafka.bootstrap_servers, "transactional.id": place.name}
    )
    stranger.init_transactions(20)
    stranger.begin_transaction()
    stranger.produce(place.topic, b"not a block")
    stranger.flush(20)
    ledger.execute("INSERT INTO t ?", {"n": 1})
    with place.open("another") as other:
        assert numbers(other) == [1]
    stranger.abort_transaction(20)
    ledger.execute("INSERT INTO t ?", {"n": 2})

    assert numbers(ledger) == [1, 2]


def test_rivals_make_one_chain(place: Place, ledger: indelible.Ledger) -> None:
    """Two nodes write at once, without any election: every transaction is there exactly once."""
    with place.open("rival") as rival:
        failures: list[Exception] = []

        def insert(node: indelible.Ledger, first: int) -> None:
            try:
                for number in range(first, first + 40):
                    node.execute("INSERT INTO t ?", {"n": number})
            except Exception as error:  # noqa: BLE001 - judged below
                failures.append(error)

        threads = [
            threading.Thread(target=insert, args=(node, 1000 * index))
            for index, node in enumerate([ledger, rival, ledger, rival])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failures == []
        assert numbers(ledger) == numbers(rival)
        assert numbers(ledger) == [1000 * i + n for i in range(4) for n in range(40)]
        assert ledger.status().tip_hash == rival.status().tip_hash
    stores = [folded_rows(place.folder / node / "state.db") for node in ("node", "rival")]
    assert stores[0] == stores[1]


def test_a_read_sees_what_another_node_acknowledged(place: Place, ledger: indelible.Ledger) -> None:
    with place.open("rival") as rival:
        for number in range(20):
            rival.execute("INSERT INTO t ?", {"n": number})

            assert numbers(ledger)[-1] == number


def test_a_unique_key_is_unique_across_nodes(place: Place, ledger: indelible.Ledger) -> None:
    with place.open("rival") as rival:
        rival.execute("INSERT INTO t ?", {"n": 1})
        with pytest.raises(indelible.UniqueViolationError):
            ledger.execute("INSERT INTO t ?", {"n": 1})


def test_an_id_used_on_one_node_is_known_on_the_other(
    place: Place, ledger: indelible.Ledger
) -> None:
    with place.open("rival") as rival:
        first = rival.execute("INSERT INTO t ?", {"n": 1}, transaction_id="0" * 21 + "7")
        again = ledger.execute("INSERT INTO t ?", {"n": 1}, transaction_id="0" * 21 + "7")

    assert again.block_address == first.block_address


def test_a_damaged_block_in_the_middle_stops_every_reader(
    place: Place, ledger: indelible.Ledger, kafka: Cluster, tmp_path: Path
) -> None:
    for number in range(5):
        ledger.execute("INSERT INTO t ?", {"n": number})
    values = place.values()
    damaged = bytearray(values[4])
    damaged[-3] ^= 1
    copy = Place.__new__(Place)
    copy.kafka, copy.folder = kafka, tmp_path
    copy.name, copy.topic = f"{place.name}-copy", f"indelible.{place.name}-copy.journal"
    _new_topic(copy)
    copy.produce(*values[:4], bytes(damaged), *values[5:])
    with pytest.raises(indelible.BrokenLinkError, match="breaks at block 4"):
        _open_topic(copy, place.name, tmp_path / "x")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"retention_ms": "1000000"}, "retention.ms"),
        ({"retention_bytes": "1000000"}, "retention.bytes"),
        ({"cleanup_policy": "compact"}, "cleanup.policy"),
        ({"message_timestamp_type": "CreateTime"}, "message.timestamp.type"),
        ({"unclean_leader_election_enable": "true"}, "unclean.leader.election.enable"),
        ({"max_message_bytes": "1000"}, "max.message.bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_topic_with_weak_settings_is_refused_with_the_repair(
    place: Place, settings: dict[str, str], named: str
) -> None:
    place.set_topic(**settings)
    with pytest.raises(indelible.JournalSettingsError, match=named) as caught:
        place.open()

    assert "kafka-configs.sh" in caught.value.hint
    assert named in caught.value.hint


def test_a_topic_deleted_and_made_anew_is_refused(place: Place) -> None:
    with place.open() as ledger:
        ledger.execute("CREATE TABLE t")
    place.delete_topic()
    _eventually(place.create)
    with pytest.raises(indelible.JournalReplacedError, match="was made from"):
        place.open()


def test_a_topic_deleted_under_a_running_node_stops_it(
    place: Place, ledger: indelible.Ledger
) -> None:
    ledger.execute("INSERT INTO t ?", {"n": 1})
    place.delete_topic()
    _eventually(lambda: _new_topic(place))

    def insert_many() -> None:
        for number in range(2, 2000):
            ledger.execute("INSERT INTO t ?", {"n": number})

    with pytest.raises(indelible.LedgerError):
        insert_many()


def test_a_journal_without_its_beginning_is_refused(place: Place, ledger: indelible.Ledger) -> None:
    for number in range(5):
        ledger.execute("INSERT INTO t ?", {"n": number})
    partition = TopicPartition(place.topic, 0, 3)
    admin = place.admin()
    admin.delete_records([partition])[partition].result(20)
    for node in ("node-with-state", "fresh"):
        with pytest.raises(indelible.JournalReplacedError):
            place.open(node)
    ledger.close()
    with pytest.raises(indelible.JournalReplacedError):
        place.open()


def test_one_node_writes_a_folder(place: Place, ledger: indelible.Ledger) -> None:
    with pytest.raises(indelible.LedgerLockedError):
        place.open()


def test_blocks_of_megabytes_pass(place: Place, ledger: indelible.Ledger) -> None:
    documents = [{"n": number, "text": "x" * 1_000_000} for number in range(7)]
    ledger.execute("INSERT INTO t ?", documents)

    assert numbers(ledger) == list(range(7))
    with place.open("another") as other:
        assert numbers(other) == list(range(7))


def _new_topic(place: Place) -> None:
    TopicAdmin(place.kafka).create(place.topic, allow_single_broker=True)


def _open_topic(place: Place, ledger_name: str, folder: Path) -> None:
    """Open a node for a ledger whose blocks stand in another topic than its own."""
    from indelible.engine.node import Node

    folder.mkdir()
    Node(KafkaLog(place.kafka, place.topic), folder, ledger_name, exclusive=False).close()


def _eventually(action: Callable[[], object]) -> None:
    """A deleted topic is gone for all brokers only after a moment."""
    import time

    deadline = time.monotonic() + 20
    while True:
        try:
            action()
        except indelible.LedgerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
