"""Topics: make one, check one, tell it from another of the same name, list them."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from time import monotonic, sleep
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not in an __all__
    AdminClient,
    ConfigResource,
    NewTopic,
    TopicDescription,
)

from journal.errors import (
    JournalSettingsError,
    LedgerExistsError,
    LogUnavailableError,
    UnknownLedgerError,
)
from journal.kafka.failures import (
    checked_options,
    error_of,
    is_transient,
    persistently,
    unavailable,
)
from journal.kafka.names import ledger_of
from journal.kafka.requirements import (
    BLOCK_SIZE_MAX,
    BLOCK_SIZE_MAX_SMALL,
    Topic,
    block_size_max,
    creation_settings,
    repair_commands,
    replicas_for,
    weaknesses,
)
from journal.kafka.settings import Cluster, admin_settings

_TIMEOUT_SECONDS: Final = 10.0
_ATTEMPT_SECONDS: Final = 2.5
_MARGIN_SECONDS: Final = 2.0
_REFUSED: Final = frozenset(
    {KafkaError.POLICY_VIOLATION, KafkaError.INVALID_CONFIG, KafkaError.INVALID_REQUEST}
)
_HIDDEN: Final = frozenset(
    {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}
)


class TopicAdmin:
    """Asks and tells the cluster about topics; any method from any thread, each bounded by time."""

    def __init__(self, cluster: Cluster) -> None:
        """Connects in the background."""
        self._cluster = cluster
        self._client = self._make_client()

    def create(self, topic: str, *, allow_single_broker: bool = False) -> int:
        """Make a journal's topic and wait until it can be used.

        Where the cluster does not allow records of 8 MiB, it keeps its own limit.

        Args:
            topic: As `journal.kafka.topic_name` says.
            allow_single_broker: With fewer than 3 brokers make do with one replica.

        Returns:
            How large a block may be, in bytes.

        Raises:
            LedgerExistsError: There is such a topic.
            JournalSettingsError: There are too few brokers, or the cluster refuses the settings.
            LogUnavailableError: The cluster does not answer.
        """
        replicas = self._replicas(allow_single_broker=allow_single_broker)
        size = BLOCK_SIZE_MAX
        try:
            self._create(topic, replicas, creation_settings(replicas=replicas))
        except JournalSettingsError:
            size = BLOCK_SIZE_MAX_SMALL
            self._create(topic, replicas, creation_settings(replicas=replicas, small=True))
        self._wait_for(topic)
        return size

    def check(
        self, topic: str, *, allow_single_broker: bool = False, unverified_settings: bool = False
    ) -> int:
        """Refuse a topic that does not keep what a journal promises.

        Args:
            topic: The topic.
            allow_single_broker: As recorded when the ledger was made: one replica is enough.
            unverified_settings: Likewise: settings that the cluster hides count as right.

        Returns:
            How large a block may be, in bytes.

        Raises:
            JournalSettingsError: Something is weaker; all of it is named, the hint repairs it.
            UnknownLedgerError: There is no such topic.
            LogUnavailableError: The cluster does not answer.
        """
        found = self._topic(topic, hidden_is_fine=unverified_settings)
        weak = weaknesses(
            found, allow_single_broker=allow_single_broker, unverified_settings=unverified_settings
        )
        if weak:
            commands = repair_commands(
                topic, weak, bootstrap_servers=self._cluster.bootstrap_servers
            )
            raise JournalSettingsError(
                f"topic {topic} does not keep a journal: {'; '.join(map(str, weak))}",
                hint="\n".join(commands),
            )
        return block_size_max(found)

    def identity(self, topic: str) -> str:
        """The topic's id: another one after the topic was deleted and made anew.

        Raises:
            UnknownLedgerError: There is no such topic.
            LogUnavailableError: The cluster does not answer.
        """
        return str(self._describe(topic).topic_id)

    def ledgers(self, prefix: str) -> list[str]:
        """Names of the ledgers in this cluster whose topics have this prefix, sorted.

        Raises:
            LogUnavailableError: The cluster does not answer.
        """
        names = (ledger_of(topic, prefix=prefix) for topic in self._metadata().topics)
        return sorted(name for name in names if name is not None)

    def _replicas(self, *, allow_single_broker: bool) -> int:
        brokers = len(self._metadata().brokers)
        replicas = replicas_for(brokers=brokers, allow_single_broker=allow_single_broker)
        if replicas is None:
            raise JournalSettingsError(
                f"a journal needs 3 brokers, this cluster has {brokers}",
                hint="for one copy on one machine, at your own risk: --allow-single-broker",
            )
        return replicas

    def _create(self, topic: str, replicas: int, settings: Mapping[str, str]) -> None:
        new = NewTopic(topic, num_partitions=1, replication_factor=replicas, config=dict(settings))
        answers = self._client.create_topics([new], request_timeout=_TIMEOUT_SECONDS)
        try:
            _result(answers[topic])
        except KafkaException as error:
            reason = error_of(error)
            if reason is not None and reason.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                raise LedgerExistsError(f"there is a topic {topic} already") from error
            if reason is not None and reason.code() in _REFUSED:
                raise JournalSettingsError(
                    f"the cluster refuses to make topic {topic}: {reason.str()}"
                ) from error
            raise unavailable(f"topic {topic} cannot be made", error) from error

    def _wait_for(self, topic: str) -> None:
        """Brokers learn of a new topic one after another."""
        deadline = monotonic() + _TIMEOUT_SECONDS
        while True:
            try:
                if self._describe(topic).partitions[0].leader is not None:
                    return
            except UnknownLedgerError:
                pass
            if monotonic() > deadline:
                raise LogUnavailableError(f"topic {topic} was made, but no broker leads it yet")
            sleep(0.05)

    def _topic(self, topic: str, *, hidden_is_fine: bool) -> Topic:
        description = self._describe(topic)
        return Topic(
            partitions=len(description.partitions),
            replicas=min(len(partition.replicas) for partition in description.partitions),
            settings=self._settings(topic, hidden_is_fine=hidden_is_fine),
        )

    def _settings(self, topic: str, *, hidden_is_fine: bool) -> Mapping[str, str]:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        try:
            entries = self._ask(
                lambda client: _result(
                    client.describe_configs([resource], request_timeout=_ATTEMPT_SECONDS)[resource]
                )
            )
        except KafkaException as error:
            reason = error_of(error)
            if hidden_is_fine and reason is not None and reason.code() in _HIDDEN:
                return {}
            raise unavailable(f"settings of topic {topic} cannot be read", error) from error
        return {name: entry.value for name, entry in entries.items() if entry.value is not None}

    def _describe(self, topic: str) -> TopicDescription:
        topics = TopicCollection([topic])
        try:
            description: TopicDescription = self._ask(
                lambda client: _result(
                    client.describe_topics(topics, request_timeout=_ATTEMPT_SECONDS)[topic]
                )
            )
        except KafkaException as error:
            reason = error_of(error)
            if reason is not None and reason.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise UnknownLedgerError(f"there is no topic {topic}") from error
            raise unavailable(f"topic {topic} cannot be described", error) from error
        return description

    def _metadata(self) -> Any:
        try:
            return self._ask(lambda client: client.list_topics(timeout=_ATTEMPT_SECONDS))
        except KafkaException as error:
            servers = self._cluster.bootstrap_servers
            raise unavailable(f"no answer from Kafka at {servers}", error) from error

    def _ask(self, question: Callable[[AdminClient], Any]) -> Any:
        """Ask until somebody answers, within bounds; only for questions that change nothing.

        A client sends questions to the broker it takes for the controller, and goes on to do so for
        minutes while that one hangs: so the next attempt is a new client's.
        """

        def once() -> Any:
            client = self._client
            try:
                return question(client)
            except KafkaException as error:
                if is_transient(error):
                    self._client = self._make_client()
                raise

        return persistently(once)

    def _make_client(self) -> AdminClient:
        with checked_options():
            return AdminClient(admin_settings(self._cluster))


def _result(answer: "Future[Any]") -> Any:
    """What a request brought; its own time-out comes first, ours is for a client that hangs."""
    try:
        return answer.result(_TIMEOUT_SECONDS + _MARGIN_SECONDS)
    except TimeoutError as error:
        raise LogUnavailableError("the Kafka client does not answer") from error
