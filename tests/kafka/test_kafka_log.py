"""A Kafka log among strangers, on one real broker: what the port's contract cannot ask of every log."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from infra.kafka import KafkaCluster
from journal.errors import (
    InputError,
    JournalReplacedError,
    LedgerError,
    LogUnavailableError,
    UnknownLedgerError,
)
from journal.kafka import Cluster, KafkaLog, TopicAdmin
from journal.kafka.reader import KafkaReader
from journal.log import AppendUnknownError, Position
from tests.support.logs import read_all, read_to, values
from tests.support.strangers import Stranger

pytestmark = pytest.mark.kafka

START = Position(offset=0)
BOUND_SECONDS = 20


@pytest.fixture
def log(kafka: Cluster, topic: str) -> Iterator[KafkaLog]:
    log = KafkaLog(kafka, topic)
    yield log
    log.close()


@pytest.fixture
def stranger(kafka: Cluster, topic: str) -> Stranger:
    return Stranger(kafka, topic)


def test_foreign_records_are_read_like_any_other(log: KafkaLog, stranger: Stranger) -> None:
    """Sorting them out is the reader rule's business; the log must not stumble over them."""
    log.append(b"ours")
    stranger.write(None)
    stranger.write(b"keyed", key=b"key", headers=[("name", b"value"), ("none", None)])
    stranger.write(b"")
    log.append(b"ours again")

    assert values(read_all(log)) == [b"ours", b"", b"keyed", b"", b"ours again"]


def test_an_open_transaction_of_a_stranger_hides_nothing(log: KafkaLog, stranger: Stranger) -> None:
    log.append(b"before")
    stranger.begin_transaction([b"uncommitted"])
    log.append(b"behind")

    assert log.end_offset() == 3
    assert values(read_all(log)) == [b"before", b"uncommitted", b"behind"]
    stranger.end_transaction(commit=True)


@pytest.mark.parametrize("commit", [True, False])
def test_reading_to_the_end_passes_a_transaction_marker(
    log: KafkaLog, stranger: Stranger, *, commit: bool
) -> None:
    """The marker has an offset and is never returned; whoever waits for a record there waits long."""
    log.append(b"before")
    stranger.begin_transaction([b"theirs"])
    stranger.end_transaction(commit=commit)
    reader = log.reader(START)

    records = read_to(reader, log.end_offset())

    assert values(records) == [b"before", b"theirs"]
    assert reader.position() == log.end_offset() == 3
    reader.close()


def test_a_waiting_reader_comes_back_when_a_marker_passes(
    log: KafkaLog, stranger: Stranger
) -> None:
    stranger.begin_transaction([b"theirs"])
    reader = log.reader(START)
    read_to(reader, 1)
    stranger.end_transaction(commit=True)
    before = monotonic()

    assert not reader.read(timeout=15)
    assert reader.position() == 2
    assert monotonic() - before < 10
    reader.close()


def test_a_marker_leaves_a_gap_before_the_next_record(log: KafkaLog, stranger: Stranger) -> None:
    """The writer's fast path rests on this: no gap, nothing in between."""
    first = log.append(b"first")
    stranger.begin_transaction([b"theirs"])
    stranger.end_transaction(commit=False)

    assert log.append(b"second") == first + 3


def test_a_deleted_topic_is_an_unknown_ledger_and_does_not_come_back(
    log: KafkaLog, stranger: Stranger, kafka: Cluster, topic: str
) -> None:
    log.append(b"x")
    stranger.delete_topic()

    with pytest.raises(UnknownLedgerError):
        log.identity()
    with pytest.raises(LogUnavailableError):
        log.append(b"y")
    with pytest.raises(UnknownLedgerError):
        TopicAdmin(kafka).identity(topic)


def test_a_beheaded_journal_starts_above_zero(log: KafkaLog, stranger: Stranger) -> None:
    for number in range(10):
        log.append(b"%d" % number)
    stranger.behead(4)

    assert log.start_offset() == 4
    assert values(read_all(log, 4)) == [b"%d" % number for number in range(4, 10)]


def test_reading_below_the_start_of_a_beheaded_journal_is_refused(
    log: KafkaLog, stranger: Stranger
) -> None:
    for number in range(10):
        log.append(b"%d" % number)
    stranger.behead(4)
    reader = log.reader(START)

    with pytest.raises(JournalReplacedError):
        reader.read(timeout=10)
    reader.close()


def test_a_reader_goes_on_from_a_stored_offset_and_epoch(log: KafkaLog) -> None:
    for number in range(5):
        log.append(b"%d" % number)
    stored = read_all(log)[2]

    reader = log.reader(Position(offset=stored.offset + 1, epoch=stored.epoch))

    assert stored.epoch >= 0
    assert values(read_to(reader, log.end_offset())) == [b"3", b"4"]
    reader.close()


def test_a_record_too_large_was_not_written(log: KafkaLog) -> None:
    with pytest.raises(LogUnavailableError) as caught:
        log.append(bytes(12 * 2**20))

    assert not isinstance(caught.value, AppendUnknownError)
    assert log.append(b"small") == 0


def test_a_record_larger_than_the_topic_allows_was_not_written(
    log: KafkaLog, stranger: Stranger
) -> None:
    """Here it is the broker that refuses."""
    log.append(b"x")
    stranger.set("max.message.bytes", "2000")
    with pytest.raises(LogUnavailableError) as caught:
        log.append(b"".join(b"%d" % number for number in range(5_000)))

    assert not isinstance(caught.value, AppendUnknownError)
    assert log.append(b"small") == 1


def test_a_log_opened_read_only_does_not_append(kafka: Cluster, topic: str) -> None:
    log = KafkaLog(kafka, topic, read_only=True)

    with pytest.raises(LogUnavailableError):
        log.append(b"x")
    assert log.end_offset() == 0
    log.close()


def test_a_restarted_broker_has_every_acknowledged_record(
    broker: KafkaCluster, log: KafkaLog
) -> None:
    reader = log.reader(START)
    written = [b"%d" % number for number in range(300)]
    for value in written[:150]:
        log.append(value)
    before = read_to(reader, 150)
    broker.kill(1)
    broker.restart(1)
    for value in written[150:]:
        _append_patiently(log, value)
    after = read_to(reader, log.end_offset())

    assert written == values([*before, *after])
    assert written == values(read_all(log))
    reader.close()


def test_a_journal_that_lost_its_tail_is_another_log(
    broker: KafkaCluster, log: KafkaLog, topic: str
) -> None:
    """As after a disk that forgot what it had flushed."""
    for number in range(20):
        log.append(b"%d" % number)
    reader = log.reader(START)
    last = read_to(reader, 20)[-1]
    broker.kill(1)
    (segment,) = (broker.folder / "broker-1" / "data" / f"{topic}-0").glob("*.log")
    with segment.open("r+b") as file:
        file.truncate(segment.stat().st_size // 2)
    broker.restart(1)
    assert 0 < log.end_offset() < 20

    with pytest.raises(JournalReplacedError):
        _read_until_it_fails(reader)
    again = log.reader(Position(offset=last.offset + 1, epoch=last.epoch))
    with pytest.raises(JournalReplacedError):
        _read_until_it_fails(again)
    reader.close()
    again.close()


def test_no_call_hangs_while_the_broker_does(broker: KafkaCluster, log: KafkaLog) -> None:
    log.append(b"before")
    reader = log.reader(Position(offset=1))
    reader.read(timeout=0.5)
    calls: list[Callable[[], object]] = [
        log.identity,
        log.start_offset,
        log.end_offset,
        lambda: log.append(b"unknown"),
        lambda: reader.read(timeout=5),
    ]
    broker.pause(1)
    try:
        with ThreadPoolExecutor(len(calls)) as threads:
            outcomes = list(threads.map(_timed, calls))
    finally:
        broker.resume(1)

    assert all(seconds < BOUND_SECONDS for _, seconds in outcomes), outcomes
    *asked, appended, read = [outcome for outcome, _ in outcomes]
    assert all(isinstance(outcome, LogUnavailableError) for outcome in asked)
    assert isinstance(appended, AppendUnknownError)
    assert isinstance(read, LogUnavailableError) or read == []

    _append_patiently(log, b"after")
    got = values(read_all(log))
    assert [value for value in got if value != b"unknown"] == [b"before", b"after"]
    reader.close()


def test_closing_does_not_hang_while_the_broker_does(
    broker: KafkaCluster, kafka: Cluster, topic: str
) -> None:
    log = KafkaLog(kafka, topic)
    log.append(b"x")
    reader = log.reader(START)
    reader.read(timeout=5)
    broker.pause(1)
    try:
        _, seconds = _timed(reader.close)
        _, more_seconds = _timed(log.close)
    finally:
        broker.resume(1)

    assert seconds + more_seconds < BOUND_SECONDS


def test_nobody_there_is_said_in_time(topic: str) -> None:
    log = KafkaLog(Cluster(bootstrap_servers="127.0.0.1:1"), topic)
    reader = log.reader(START)
    calls: list[Callable[[], object]] = [
        log.identity,
        log.end_offset,
        lambda: log.append(b"x"),
        lambda: reader.read(timeout=3),
    ]
    with ThreadPoolExecutor(len(calls)) as threads:
        outcomes = list(threads.map(_timed, calls))

    assert all(isinstance(outcome, LogUnavailableError) for outcome, _ in outcomes), outcomes
    assert all(seconds < BOUND_SECONDS for _, seconds in outcomes)
    reader.close()
    log.close()


def test_a_topic_kafka_does_not_allow_is_refused_by_name() -> None:
    from journal.kafka import topic_name

    with pytest.raises(InputError):
        topic_name("indelible", "a ledger")


def _timed(call: Callable[[], object]) -> tuple[object, float]:
    before = monotonic()
    try:
        outcome = call()
    except LedgerError as error:
        outcome = error
    return outcome, monotonic() - before


def _read_until_it_fails(reader: KafkaReader) -> None:
    """Read on; a connection that is not back yet is no failure."""
    deadline = monotonic() + BOUND_SECONDS
    while monotonic() < deadline:
        try:
            assert reader.read(timeout=1.0) == []
        except LogUnavailableError:
            continue


def _append_patiently(log: KafkaLog, value: bytes) -> None:
    """Append, and again where the log says for certain that it was not written or cannot say."""
    deadline = monotonic() + 3 * BOUND_SECONDS
    while True:
        try:
            log.append(value)
        except LogUnavailableError:
            assert monotonic() < deadline
            if value in values(read_all(log)):
                return
        else:
            return
