"""Places that keep a log: what the contract suite and the log's own tests open, close and make anew."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Protocol

from confluent_kafka.admin import AdminClient

from journal.kafka import Cluster, KafkaLog, TopicAdmin
from journal.log import Log, Position, Reader, Record
from journal.memory import MemoryLog
from journal.sqlite import SqliteLog

_PATIENCE_SECONDS = 60


class Place(Protocol):
    """Where one log is kept."""

    def open(self) -> Log:
        """Open it; every log that was opened is closed by `close`."""

    def remake(self) -> None:
        """Delete it and make an empty one of the same name."""

    def close(self) -> None:
        """Close whatever is open."""


class MemoryPlace:
    def __init__(self) -> None:
        self._log = MemoryLog()

    def open(self) -> Log:
        return self._log

    def remake(self) -> None:
        self._log = MemoryLog()

    def close(self) -> None:
        self._log.close()


class SqlitePlace:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._logs: list[Log] = []
        self._generations = count(1)
        self._make()

    def open(self) -> Log:
        self._logs.append(SqliteLog(self._path))
        return self._logs[-1]

    def remake(self) -> None:
        self.close()
        for file in self._path.parent.glob(f"{self._path.name}*"):
            file.unlink()
        self._make()

    def close(self) -> None:
        for log in self._logs:
            log.close()

    def _make(self) -> None:
        SqliteLog.create(self._path, database_id=f"id-{next(self._generations)}").close()


class KafkaPlace:
    def __init__(self, kafka: Cluster, topic: str) -> None:
        self._kafka, self._topic = kafka, topic
        self._logs: list[Log] = []

    def open(self) -> Log:
        self._logs.append(KafkaLog(self._kafka, self._topic))
        return self._logs[-1]

    def remake(self) -> None:
        delete_topic(self._kafka, self._topic)
        TopicAdmin(self._kafka).create(self._topic, allow_single_broker=True)

    def close(self) -> None:
        for log in self._logs:
            log.close()


def delete_topic(kafka: Cluster, topic: str) -> None:
    """Delete a topic for good."""
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    client.delete_topics([topic])[topic].result(30)


def read_to(reader: Reader, end: int) -> list[Record]:
    """Everything from the reader's position up to `end`, as callers of the port read."""
    records: list[Record] = []
    deadline = monotonic() + _PATIENCE_SECONDS
    while reader.position() < end:
        assert monotonic() < deadline, f"stuck at {reader.position()} of {end}"
        records += reader.read(timeout=1.0)
    return records


def read_all(log: Log, start: int = 0) -> list[Record]:
    """Everything from `start` up to the end there is now."""
    reader = log.reader(Position(offset=start))
    try:
        return read_to(reader, log.end_offset())
    finally:
        reader.close()


def values(records: Sequence[Record]) -> list[bytes]:
    """Their values."""
    return [record.value for record in records]
