"""What every log does, whatever keeps it: one suite over memory, SQLite and Kafka."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from threading import Thread, Timer
from time import monotonic

import pytest

from journal.errors import JournalReplacedError, LogUnavailableError
from journal.log import Log, Position
from tests.support.kafka_fixtures import new_topic
from tests.support.logs import (
    KafkaPlace,
    MemoryPlace,
    Place,
    SqlitePlace,
    read_all,
    read_to,
    values,
)

KAFKA = pytest.param("kafka", marks=pytest.mark.kafka)
START = Position(offset=0)


@pytest.fixture(params=["memory", "sqlite", KAFKA])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from make_place(request, tmp_path)


@pytest.fixture(params=["sqlite", KAFKA])
def durable_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from make_place(request, tmp_path)


def make_place(request: pytest.FixtureRequest, folder: Path) -> Iterator[Place]:
    made: Place
    match request.param:
        case "memory":
            made = MemoryPlace()
        case "sqlite":
            made = SqlitePlace(folder / "journal.db")
        case _:
            kafka = request.getfixturevalue("kafka")
            made = KafkaPlace(kafka, new_topic(kafka))
    yield made
    made.close()


@pytest.fixture
def log(place: Place) -> Log:
    return place.open()


def test_appended_records_are_read_in_order(log: Log) -> None:
    written = [b"first", b"second", b"third"]
    offsets = [log.append(value) for value in written]

    records = read_all(log)

    assert written == values(records)
    assert offsets == [record.offset for record in records]


def test_offsets_strictly_increase(log: Log) -> None:
    offsets = [log.append(b"x") for _ in range(50)]

    assert all(before < after for before, after in pairwise(offsets))


def test_an_empty_log_ends_where_it_starts(log: Log) -> None:
    assert log.start_offset() == log.end_offset() == 0


def test_the_end_lies_above_every_acknowledged_record(log: Log) -> None:
    for _ in range(20):
        offset = log.append(b"x")

        assert log.end_offset() == offset + 1


def test_the_start_does_not_move(log: Log) -> None:
    log.append(b"x")

    assert log.start_offset() == 0


def test_a_read_without_news_comes_back_empty_after_its_timeout(log: Log) -> None:
    log.append(b"x")
    reader = log.reader(START)
    read_to(reader, log.end_offset())
    before = monotonic()

    assert not reader.read(timeout=0.3)
    assert 0.25 < monotonic() - before < 2
    reader.close()


def test_a_waiting_reader_wakes_with_an_append(log: Log) -> None:
    log.append(b"before")
    reader = log.reader(START)
    read_to(reader, log.end_offset())
    Timer(0.3, lambda: log.append(b"awaited")).start()
    before = monotonic()

    records = reader.read(timeout=30)

    assert values(records) == [b"awaited"]
    assert monotonic() - before < 10
    reader.close()


def test_reading_starts_in_the_middle(log: Log) -> None:
    offsets = [log.append(b"%d" % number) for number in range(10)]

    assert values(read_all(log, offsets[7])) == [b"7", b"8", b"9"]


def test_a_reader_at_the_end_gets_what_comes_later(log: Log) -> None:
    log.append(b"old")
    reader = log.reader(Position(offset=log.end_offset()))
    log.append(b"new")

    assert values(read_to(reader, log.end_offset())) == [b"new"]
    reader.close()


def test_readers_do_not_disturb_each_other(log: Log) -> None:
    for number in range(6):
        log.append(b"%d" % number)
    one, other = log.reader(START), log.reader(START)

    first = read_to(one, log.end_offset())
    second = read_to(other, log.end_offset())

    assert values(first) == values(second) == [b"%d" % number for number in range(6)]
    one.close()
    other.close()


def test_a_read_gives_no_more_than_its_limit(log: Log) -> None:
    for number in range(10):
        log.append(b"%d" % number)
    reader = log.reader(START)
    got = []
    while reader.position() < log.end_offset():
        records = reader.read(timeout=1.0, limit=3)
        assert len(records) <= 3
        got += values(records)

    assert got == [b"%d" % number for number in range(10)]
    reader.close()


def test_the_position_follows_the_last_record(log: Log) -> None:
    reader = log.reader(START)
    assert reader.position() == 0
    offset = log.append(b"x")

    read_to(reader, offset + 1)

    assert reader.position() == offset + 1
    reader.close()


@pytest.mark.parametrize("value", [b"", b"\x00", bytes(range(256)) * 3, b"\xff\xfe"])
def test_any_bytes_come_back_as_they_were(log: Log, value: bytes) -> None:
    log.append(value)

    assert values(read_all(log)) == [value]


def test_a_record_of_8_mib_comes_back_as_it_was(log: Log) -> None:
    large = bytes(range(256)) * (2**23 // 256)
    log.append(b"before")
    log.append(large)
    log.append(b"after")

    assert values(read_all(log)) == [b"before", large, b"after"]


def test_a_reader_beyond_the_end_learns_that_this_is_another_log(log: Log) -> None:
    log.append(b"x")
    reader = log.reader(Position(offset=log.end_offset() + 5))

    with pytest.raises(JournalReplacedError):
        reader.read(timeout=10)
    with pytest.raises(JournalReplacedError):
        reader.read(timeout=0.1)
    reader.close()


def test_several_threads_may_append(log: Log) -> None:
    written = [b"%d" % number for number in range(200)]
    with ThreadPoolExecutor(4) as threads:
        offsets = list(threads.map(log.append, written))

    by_offset = {record.offset: record.value for record in read_all(log)}

    assert by_offset == dict(zip(offsets, written, strict=True))


def test_a_reader_follows_a_writer(log: Log) -> None:
    written = [b"%d" % number for number in range(1_000)]
    writer = Thread(target=lambda: [log.append(value) for value in written])
    reader = log.reader(START)
    writer.start()

    got = values(read_to(reader, len(written)))

    writer.join()
    assert written == got
    reader.close()


@pytest.mark.slow
def test_ten_thousand_appends_come_back(log: Log) -> None:
    written = [b"%d" % number for number in range(10_000)]
    for value in written:
        log.append(value)

    assert written == values(read_all(log))


def test_closing_twice_is_fine(log: Log) -> None:
    log.append(b"x")
    reader = log.reader(START)
    for _ in range(2):
        reader.close()
        log.close()


def test_a_closed_log_says_so(log: Log) -> None:
    log.append(b"x")
    log.close()

    with pytest.raises(LogUnavailableError):
        log.append(b"y")
    with pytest.raises(LogUnavailableError):
        log.end_offset()


def test_the_identity_stays(log: Log) -> None:
    before = log.identity()
    log.append(b"x")

    assert before == log.identity()


def test_the_identity_outlives_reopening(durable_place: Place) -> None:
    log = durable_place.open()
    before = log.identity()
    log.close()

    assert before == durable_place.open().identity()


def test_a_log_made_anew_has_another_identity(place: Place) -> None:
    before = place.open().identity()
    place.remake()

    assert before != place.open().identity()


def test_records_outlive_reopening(durable_place: Place) -> None:
    log = durable_place.open()
    written = [b"%d" % number for number in range(5)]
    for value in written:
        log.append(value)
    log.close()

    assert written == values(read_all(durable_place.open()))
