"""What others may do to a journal's topic: write into it, by transactions too, delete from it."""

from collections.abc import Sequence
from itertools import count
from time import monotonic, sleep
from typing import Any

from confluent_kafka import KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from journal.kafka import Cluster

_SECONDS = 30
_numbers = count(1)


class Stranger:
    """Somebody with rights on the topic and none of our manners."""

    def __init__(self, kafka: Cluster, topic: str) -> None:
        self._servers = {"bootstrap.servers": kafka.bootstrap_servers}
        self._topic = topic
        self._admin = self._make_admin()
        self._open: Producer | None = None

    def write(self, value: bytes | None, **more: Any) -> None:
        producer = Producer(self._servers)
        producer.produce(self._topic, value=value, partition=0, **more)
        assert producer.flush(_SECONDS) == 0

    def begin_transaction(self, values: Sequence[bytes]) -> None:
        """Write in a transaction that stays open until `end_transaction`."""
        identity = f"stranger-{self._topic}-{next(_numbers)}"
        self._open = Producer({**self._servers, "transactional.id": identity})
        self._open.init_transactions(_SECONDS)
        self._open.begin_transaction()
        for value in values:
            self._open.produce(self._topic, value=value, partition=0)
        assert self._open.flush(_SECONDS) == 0

    def end_transaction(self, *, commit: bool) -> None:
        """End it and wait for the marker, which the coordinator writes in its own time."""
        assert self._open is not None
        before = self._end()
        if commit:
            self._open.commit_transaction(_SECONDS)
        else:
            self._open.abort_transaction(_SECONDS)
        deadline = monotonic() + _SECONDS
        while self._end() == before:
            assert monotonic() < deadline
            sleep(0.01)

    def behead(self, offset: int) -> None:
        """Delete every record below `offset`."""
        place = TopicPartition(self._topic, 0, offset)
        self._admin.delete_records([place])[place].result(_SECONDS)

    def delete_topic(self) -> None:
        self._admin.delete_topics([self._topic])[self._topic].result(_SECONDS)

    def set(self, name: str, value: str) -> None:
        """Change one of the topic's settings."""
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, self._topic, incremental_configs=[entry])
        self._admin.incremental_alter_configs([resource])[resource].result(_SECONDS)

    def leader(self) -> int:
        """The broker that leads the partition now; a client stays with a controller that is gone."""
        deadline = monotonic() + _SECONDS
        while True:
            try:
                return self._leader(self._make_admin())
            except KafkaException:
                assert monotonic() < deadline

    def _make_admin(self) -> AdminClient:
        return AdminClient({**self._servers, "socket.timeout.ms": 2_000, "log_level": 0})

    def _leader(self, admin: AdminClient) -> int:
        topics = TopicCollection([self._topic])
        answers = admin.describe_topics(topics, request_timeout=3)
        return int(answers[self._topic].result(_SECONDS).partitions[0].leader.id)

    def _end(self) -> int:
        place = TopicPartition(self._topic, 0)
        return int(self._admin.list_offsets({place: OffsetSpec.latest()})[place].result().offset)
