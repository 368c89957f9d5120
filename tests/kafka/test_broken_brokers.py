"""Three real brokers, one of them killed or paused while a writer appends.

What must hold every time: each append ends within 20 s, as acknowledged, as not written or as unknown;
and whatever was acknowledged is in the log at the offset that was promised, in order.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic, sleep

import pytest

from infra.kafka import KafkaCluster
from journal.errors import JournalSettingsError, LogUnavailableError
from journal.kafka import Cluster, KafkaLog, TopicAdmin, topic_name
from journal.kafka.reader import KafkaReader
from journal.log import AppendUnknownError, Position, Record
from tests.support.logs import read_all, read_to
from tests.support.strangers import Stranger

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

BOUND_SECONDS = 20
_numbers = itertools.count(1)


@dataclass
class Writer:
    """Appends numbers until it is told to stop, and writes down how each append ended."""

    log: KafkaLog
    acknowledged: dict[int, bytes] = field(default_factory=dict)
    unknown: list[bytes] = field(default_factory=list)
    not_written: list[bytes] = field(default_factory=list)
    slowest_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._stopping = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.wait_for_more(20)

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more appends are acknowledged."""
        enough = len(self.acknowledged) + count
        deadline = monotonic() + 3 * BOUND_SECONDS
        while len(self.acknowledged) < enough:
            assert monotonic() < deadline, "the writer does not get on"
            assert self._thread.is_alive()
            sleep(0.01)

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(2 * BOUND_SECONDS)
            assert not self._thread.is_alive()

    def _run(self) -> None:
        for number in itertools.count():
            if self._stopping.is_set():
                return
            self._append(b"%d" % number)

    def _append(self, value: bytes) -> None:
        before = monotonic()
        try:
            self.acknowledged[self.log.append(value)] = value
        except AppendUnknownError:
            self.unknown.append(value)
        except LogUnavailableError:
            self.not_written.append(value)
        self.slowest_seconds = max(self.slowest_seconds, monotonic() - before)


@pytest.fixture
def kafka(three_brokers: KafkaCluster) -> Cluster:
    return Cluster(bootstrap_servers=three_brokers.bootstrap_servers)


@pytest.fixture
def topic(kafka: Cluster) -> str:
    """A new topic on three brokers, once all are back from the test before."""
    deadline = monotonic() + 3 * BOUND_SECONDS
    topic = topic_name("test", f"broken-{next(_numbers)}")
    while True:
        try:
            TopicAdmin(kafka).create(topic)
        except (JournalSettingsError, LogUnavailableError):
            assert monotonic() < deadline
            sleep(0.5)
        else:
            return topic


@pytest.fixture
def log(kafka: Cluster, topic: str) -> Iterator[KafkaLog]:
    log = KafkaLog(kafka, topic)
    yield log
    log.close()


@pytest.fixture
def writer(log: KafkaLog) -> Iterator[Writer]:
    writer = Writer(log)
    yield writer
    writer.stop()


@pytest.fixture
def leader(kafka: Cluster, topic: str) -> Callable[[], int]:
    return Stranger(kafka, topic).leader


def require_kept(writer: Writer, records: list[Record]) -> None:
    """Everything acknowledged is where it was promised, everything not written is nowhere."""
    there = {record.offset: record.value for record in records}
    values = [record.value for record in records]

    assert writer.acknowledged == {offset: there.get(offset) for offset in writer.acknowledged}
    assert sorted(writer.acknowledged) == list(writer.acknowledged)
    assert not set(writer.not_written) & set(values)
    assert set(values) <= {*writer.acknowledged.values(), *writer.unknown}
    assert writer.slowest_seconds < BOUND_SECONDS


def test_a_topic_on_three_brokers_passes_the_check(kafka: Cluster, topic: str) -> None:
    assert TopicAdmin(kafka).check(topic)


@pytest.mark.parametrize("harm", ["kill", "pause"])
def test_a_lost_leader_costs_time_and_no_record(
    three_brokers: KafkaCluster,
    log: KafkaLog,
    writer: Writer,
    leader: Callable[[], int],
    harm: str,
) -> None:
    writer.start()
    lost = leader()
    getattr(three_brokers, harm)(lost)
    try:
        writer.wait_for_more(50)
        assert leader() != lost
    finally:
        _repair(three_brokers, lost, harm)
    writer.wait_for_more(50)
    writer.stop()

    require_kept(writer, read_all(log))


@pytest.mark.parametrize("harm", ["kill", "pause"])
def test_a_lost_follower_costs_time_and_no_record(
    three_brokers: KafkaCluster,
    log: KafkaLog,
    writer: Writer,
    leader: Callable[[], int],
    harm: str,
) -> None:
    writer.start()
    lost = next(broker for broker in three_brokers.broker_ids if broker != leader())
    getattr(three_brokers, harm)(lost)
    try:
        writer.wait_for_more(50)
    finally:
        _repair(three_brokers, lost, harm)
    writer.wait_for_more(50)
    writer.stop()

    require_kept(writer, read_all(log))


@pytest.mark.parametrize("harm", ["kill", "pause"])
def test_a_reader_follows_the_leader_over_its_loss(
    three_brokers: KafkaCluster,
    log: KafkaLog,
    writer: Writer,
    leader: Callable[[], int],
    harm: str,
) -> None:
    reader = log.reader(Position(offset=0))
    writer.start()
    records = read_to(reader, log.end_offset())
    lost = leader()
    getattr(three_brokers, harm)(lost)
    try:
        writer.wait_for_more(20)
        end = _end_soon(log)
        records += _read_patiently(reader, end)
    finally:
        _repair(three_brokers, lost, harm)
    writer.stop()
    records += read_to(reader, log.end_offset())

    require_kept(writer, records)
    reader.close()


def test_without_two_brokers_nothing_is_acknowledged(
    three_brokers: KafkaCluster, log: KafkaLog, writer: Writer, leader: Callable[[], int]
) -> None:
    """One copy is not enough for an acknowledgement: the append ends as unknown, in time."""
    writer.start()
    writer.stop()
    lost = [broker for broker in three_brokers.broker_ids if broker != leader()]
    for broker in lost:
        three_brokers.pause(broker)
    before = monotonic()
    try:
        with pytest.raises(AppendUnknownError):
            log.append(b"lonely")
        seconds = monotonic() - before
    finally:
        for broker in lost:
            three_brokers.resume(broker)

    assert seconds < BOUND_SECONDS
    writer.unknown.append(b"lonely")
    again = Writer(log)
    again.start()
    again.stop()
    records = read_all(log)
    require_kept(writer, [record for record in records if record.offset not in again.acknowledged])


def test_a_reader_with_a_stored_epoch_goes_on_after_an_election(
    three_brokers: KafkaCluster, log: KafkaLog, writer: Writer, leader: Callable[[], int]
) -> None:
    writer.start()
    lost = leader()
    three_brokers.kill(lost)
    try:
        writer.wait_for_more(20)
    finally:
        three_brokers.restart(lost)
    writer.stop()
    records = read_all(log)
    stored = records[5]
    reader = log.reader(Position(offset=stored.offset + 1, epoch=stored.epoch))

    assert read_to(reader, log.end_offset()) == records[6:]
    assert records[-1].epoch > stored.epoch
    reader.close()


def _repair(cluster: KafkaCluster, broker: int, harm: str) -> None:
    if harm == "kill":
        cluster.restart(broker)
    else:
        cluster.resume(broker)


def _end_soon(log: KafkaLog) -> int:
    """The end offset, as soon as somebody can tell."""
    deadline = monotonic() + 2 * BOUND_SECONDS
    while True:
        before = monotonic()
        try:
            return log.end_offset()
        except LogUnavailableError:
            assert monotonic() - before < BOUND_SECONDS
            assert monotonic() < deadline


def _read_patiently(reader: KafkaReader, end: int) -> list[Record]:
    records: list[Record] = []
    deadline = monotonic() + 2 * BOUND_SECONDS
    while reader.position() < end:
        assert monotonic() < deadline
        try:
            records += reader.read(timeout=1.0)
        except LogUnavailableError:
            continue
    return records
