"""A Kafka topic as a `journal.log.Log`.

Each task has its own client: a consumer belongs to one thread, and a question must not wait behind a long
poll. Nothing is created here that must exist already: a topic is made by `TopicAdmin.create` alone.
"""

from journal.errors import LogUnavailableError
from journal.kafka.admin import TopicAdmin
from journal.kafka.appender import Appender
from journal.kafka.offsets import OffsetHandle
from journal.kafka.reader import KafkaReader
from journal.kafka.settings import Cluster
from journal.log import Position


class KafkaLog:
    """One topic. Any method from any thread; each call ends within 20 s, whatever the brokers do.

    Does not check the topic's settings (`TopicAdmin.check`), nor who else writes to it: the reader rule
    sorts that out.
    """

    def __init__(self, cluster: Cluster, topic: str, *, read_only: bool = False) -> None:
        """Connects in the background; the calls are where failures show.

        Raises:
            SettingsError: One of the cluster's options is unknown or has a value it cannot have.
        """
        self.topic = topic
        self._cluster = cluster
        self._admin = TopicAdmin(cluster)
        self._offsets = OffsetHandle(cluster, topic)
        self._appender = None if read_only else Appender(cluster, topic)

    def identity(self) -> str:
        """The topic's id."""
        return self._admin.identity(self.topic)

    def start_offset(self) -> int:
        """The low watermark; above 0 the beginning was deleted or has expired."""
        return self._offsets.ask()[0]

    def end_offset(self) -> int:
        """The high watermark: everything acknowledged before the call lies below it."""
        return self._offsets.ask()[1]

    def reader(self, start: Position) -> KafkaReader:
        """A cursor with a consumer of its own; records gather where the log is only read."""
        return KafkaReader(self._cluster, self.topic, start, gather=self._appender is None)

    def append(self, value: bytes) -> int:
        """Write one record; durable on all in-sync replicas when it returns.

        Raises:
            LogUnavailableError: It was not written.
            AppendUnknownError: It may have been written, or may still land.
        """
        if self._appender is None:
            raise LogUnavailableError(f"{self.topic} was opened read-only")
        return self._appender.append(value)

    def close(self) -> None:
        """Free the clients; cursors stay usable until they are closed themselves."""
        if self._appender is not None:
            self._appender.close()
        self._offsets.close()
