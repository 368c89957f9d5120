"""What each Kafka client is told, as plain dictionaries.

Every value is explicit, because several of librdkafka's defaults would break a promise or cost dearly:

* `isolation.level=read_uncommitted`. The default hides every record behind a stranger's open
  transaction, while plain produces go on being acknowledged; end offsets are asked with it as well.
* `auto.offset.reset=error`. Any other value jumps silently when the log was cut off or replaced.
* `allow.auto.create.topics=false`. A deleted journal must not come back empty.
* `linger.ms=0`. The default of 5 ms would be paid by every commit.
* Time-outs of seconds. A hung broker still accepts connections; with the defaults a client waits for it a
  minute, and ten seconds with each connection anew, while the partition has long moved on.
* `topic.metadata.refresh.interval.ms=2000`. With the default of 5 minutes an idle client learns of a new
  leader only from the old one.
* `log_level=0`. A client without its broker logs dozens of lines a second; the errors our calls raise
  carry the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from journal.errors import SettingsError

MESSAGE_TIMEOUT_SECONDS: Final = 10.0
"""After that long the producer gives an append up."""

RECORD_SIZE_MAX: Final = 10_485_760

_FIXED: Final = frozenset(
    {
        "acks",
        "allow.auto.create.topics",
        "auto.offset.reset",
        "bootstrap.servers",
        "check.crcs",
        "enable.auto.commit",
        "enable.idempotence",
        "enable.partition.eof",
        "isolation.level",
        "max.in.flight.requests.per.connection",
        "message.timeout.ms",
        "request.required.acks",
        "transactional.id",
    }
)
"""What a journal's promises rest on: not for options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Kafka cluster as its users name it.

    Attributes:
        bootstrap_servers: `host:port,...`.
        options: Further librdkafka options, for security above all (`security.protocol`,
            `sasl.username`, `ssl.ca.location`); they go to every client and win over our tuning.
    """

    bootstrap_servers: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refused = sorted(_FIXED & self.options.keys())
        if refused:
            raise SettingsError(
                f"Kafka options {', '.join(refused)} cannot be changed: the journal rests on them"
            )


def producer_settings(cluster: Cluster) -> dict[str, Any]:
    """For the writer: durable on all in-sync replicas, in order, without waiting for company."""
    return {
        "client.id": "indelible-writer",
        "linger.ms": 0,
        "request.timeout.ms": 5_000,
        "socket.timeout.ms": 6_000,
        "retry.backoff.ms": 20,
        "retry.backoff.max.ms": 500,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 500,
        "message.max.bytes": RECORD_SIZE_MAX,
        "compression.type": "lz4",
        "queue.buffering.max.messages": 10_000,
        **_connection(cluster),
        "acks": "all",
        "enable.idempotence": True,
        "max.in.flight.requests.per.connection": 5,
        "message.timeout.ms": int(MESSAGE_TIMEOUT_SECONDS * 1000),
    }


def reader_settings(cluster: Cluster, *, gather: bool = False) -> dict[str, Any]:
    """For a cursor: no group is joined, though the client insists on a name for one.

    Args:
        cluster: Where.
        gather: Let records gather for up to 12 ms, where nobody waits for each: a fetch for every block
            costs a follower more than all else that it does.
    """
    return {
        "client.id": "indelible-reader",
        "fetch.min.bytes": 1_000_000 if gather else 1,
        "fetch.wait.max.ms": 12 if gather else 500,
        "fetch.error.backoff.ms": 50,
        "fetch.queue.backoff.ms": 50,
        "fetch.message.max.bytes": RECORD_SIZE_MAX,
        "queued.max.messages.kbytes": 65_536,
        **_consumer(cluster),
    }


def offset_settings(cluster: Cluster) -> dict[str, Any]:
    """For the handle that asks for offsets."""
    return {"client.id": "indelible-offsets", **_consumer(cluster)}


def admin_settings(cluster: Cluster) -> dict[str, Any]:
    """For topics. A broker that hangs must be left before the next question is asked."""
    return {"client.id": "indelible-admin", "socket.timeout.ms": 2_000, **_connection(cluster)}


def _consumer(cluster: Cluster) -> dict[str, Any]:
    return {
        "group.id": "indelible-journal",
        "socket.timeout.ms": 2_000,
        "max.poll.interval.ms": 86_400_000,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
        **_connection(cluster),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_uncommitted",
        "check.crcs": True,
    }


def _connection(cluster: Cluster) -> dict[str, Any]:
    return {
        "log_level": 0,
        "socket.keepalive.enable": True,
        "socket.connection.setup.timeout.ms": 3_000,
        "api.version.request.timeout.ms": 2_000,
        "topic.metadata.refresh.interval.ms": 2_000,
        **cluster.options,
        "bootstrap.servers": cluster.bootstrap_servers,
        "allow.auto.create.topics": False,
    }
