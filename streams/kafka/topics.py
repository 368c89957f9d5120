"""Makes the topics of the streams, and refuses one that would lose what it is for."""

from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not in an __all__
    AdminClient,
    ConfigResource,
    NewTopic,
)

from journal.errors import ConfigurationError
from journal.kafka.failures import checked_options, error_of, persistently, unavailable
from journal.kafka.settings import Cluster
from streams.kafka.settings import admin_settings
from streams.topics import Kind, topic_name

RECORD_SIZE_MAX: Final = 8 * 2**20
_TIMEOUT_SECONDS: Final = 10.0
_REPLICAS: Final = 3
_FOREVER: Final = {"retention.ms": "-1", "retention.bytes": "-1"}
_REFUSED_SIZE: Final = frozenset({KafkaError.POLICY_VIOLATION, KafkaError.INVALID_CONFIG})


class StreamTopics:
    """The topics of one ledger's streams: made when they are first needed. For one thread."""

    def __init__(self, cluster: Cluster, prefix: str, ledger: str, *, partitions: int) -> None:
        """Connects in the background.

        Args:
            cluster: Where.
            prefix, ledger: What the topics' names begin with.
            partitions: Of each new topic of a table; the others have one.
        """
        self._cluster, self._prefix, self._ledger = cluster, prefix, ledger
        self._partitions = partitions
        self._known: dict[tuple[Kind, str], tuple[str, int]] = {}
        with checked_options():
            self._admin = AdminClient(admin_settings(cluster))

    def name(self, kind: Kind, table: str = "") -> str:
        """The topic of a kind, and of a table where the kind has tables.

        Raises:
            InputError: Kafka does not allow such a name.
        """
        return topic_name(self._prefix, self._ledger, kind, table)

    def ready(self, kind: Kind, table: str = "") -> tuple[str, int]:
        """The topic and how many partitions it has; made if it is not there.

        Raises:
            InputError: Kafka does not allow such a name.
            ConfigurationError: It cannot be made, or is set up so that it would lose records.
            LogUnavailableError: The cluster does not answer.
        """
        found = self._known.get((kind, table))
        if found is None:
            topic = self.name(kind, table)
            partitions = self.partitions(topic)
            if partitions is None:
                self._create(topic, kind)
                partitions = self._wait_for(topic)
            else:
                self._check(topic, kind)
            found = self._known[kind, table] = topic, partitions
        return found

    def partitions(self, topic: str) -> int | None:
        """How many partitions a topic has; None if there is no such topic."""
        listed = self._ask(lambda: self._admin.list_topics(topic, timeout=_TIMEOUT_SECONDS))
        found = listed.topics.get(topic)
        if found is None or found.error is not None:
            return None
        return len(found.partitions) or None

    def _create(self, topic: str, kind: Kind) -> None:
        brokers = len(self._ask(lambda: self._admin.list_topics(timeout=_TIMEOUT_SECONDS)).brokers)
        settings = creation_settings(kind, brokers=brokers)
        try:
            self._try_to_create(topic, kind, settings)
        except KafkaException as error:
            reason = error_of(error)
            if reason is None or reason.code() not in _REFUSED_SIZE:
                raise self._refusal(topic, error) from error
            del settings["max.message.bytes"]
            try:
                self._try_to_create(topic, kind, settings)
            except KafkaException as again:
                raise self._refusal(topic, again) from again

    def _try_to_create(self, topic: str, kind: Kind, settings: Mapping[str, str]) -> None:
        new = NewTopic(
            topic,
            num_partitions=self._partitions if kind.is_of_table else 1,
            replication_factor=_REPLICAS if settings["min.insync.replicas"] != "1" else 1,
            config=dict(settings),
        )
        answers = self._admin.create_topics([new], request_timeout=_TIMEOUT_SECONDS)
        try:
            answers[topic].result(_TIMEOUT_SECONDS + 2)
        except KafkaException as error:
            reason = error_of(error)
            if reason is None or reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise

    def _refusal(self, topic: str, error: KafkaException) -> Exception:
        reason = error_of(error)
        if reason is None or reason.retriable() or reason.code() in _NO_ANSWER:
            return unavailable(f"topic {topic} cannot be made", error)
        return ConfigurationError(
            f"topic {topic} cannot be made: {reason.str()}",
            hint="an administrator can make it beforehand, or let this principal CREATE topics with "
            f"the prefix {self._prefix}.{self._ledger}.",
        )

    def _wait_for(self, topic: str) -> int:
        """Brokers learn of a new topic one after another."""
        deadline = monotonic() + _TIMEOUT_SECONDS
        while True:
            listed = self._ask(lambda: self._admin.list_topics(topic, timeout=_TIMEOUT_SECONDS))
            found = listed.topics.get(topic)
            if found is not None and found.error is None and _is_led(found.partitions):
                return len(found.partitions)
            if monotonic() > deadline:
                raise unavailable(f"topic {topic} was made", "no broker leads it yet")
            sleep(0.02)

    def _check(self, topic: str, kind: Kind) -> None:
        """A compacted topic must be compacted, all others must not be."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        try:
            entries = self._admin.describe_configs([resource], request_timeout=_TIMEOUT_SECONDS)[
                resource
            ].result(_TIMEOUT_SECONDS + 2)
        except KafkaException:
            return  # a cluster that hides its settings
        actual = entries["cleanup.policy"].value if "cleanup.policy" in entries else None
        wanted = "compact" if kind.is_compacted else "delete"
        if actual is not None and set(actual.split(",")) != {wanted}:
            raise ConfigurationError(
                f"topic {topic} has cleanup.policy={actual}, needed is {wanted}",
                hint=f"kafka-configs.sh --bootstrap-server {self._cluster.bootstrap_servers} --alter"
                f" --entity-type topics --entity-name {topic} --add-config cleanup.policy={wanted}",
            )

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return persistently(question)
        except KafkaException as error:
            servers = self._cluster.bootstrap_servers
            raise unavailable(f"no answer from Kafka at {servers}", error) from error


def _is_led(partitions: Mapping[int, Any]) -> bool:
    return bool(partitions) and all(each.leader >= 0 for each in partitions.values())


def creation_settings(kind: Kind, *, brokers: int) -> dict[str, str]:
    """The settings of a new topic.

    >>> creation_settings(Kind.CURRENT, brokers=3)["cleanup.policy"]
    'compact'
    """
    settings = {
        "cleanup.policy": "compact" if kind.is_compacted else "delete",
        "min.insync.replicas": "2" if brokers >= _REPLICAS else "1",
        "max.message.bytes": str(RECORD_SIZE_MAX),
        "compression.type": "producer",
    }
    return settings if kind.is_compacted else settings | _FOREVER


_NO_ANSWER: Final = frozenset(
    {
        KafkaError._TRANSPORT,  # noqa: SLF001 - the client's own codes begin so
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    }
)
