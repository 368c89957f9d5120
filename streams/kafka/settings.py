"""What the exporter's clients are told.

* `isolation.level=read_committed` for the progress topic: an aborted batch's position must not be seen.
* `transaction.timeout.ms`: after that long the broker ends the transaction of an exporter that hangs, and
  readers get past it.
* `linger.ms` is for filling batches while a transaction is written; its end sends everything at once.
* `delivery.report.only.error`: a transaction is good or not as a whole, so nobody asks record by record.
"""

from typing import Any, Final

from journal.kafka.settings import RECORD_SIZE_MAX, Cluster

TRANSACTION_SECONDS: Final = 60
"""How long a transaction may take."""
MESSAGE_SECONDS: Final = 30
QUEUE_MAX: Final = 50_000
"""Records that wait in the client; then writing waits."""


def producer_settings(cluster: Cluster, transactional_id: str) -> dict[str, Any]:
    """For the exporter: transactional, so idempotent and acknowledged by all in-sync replicas."""
    return {
        "client.id": "indelible-stream",
        "linger.ms": 20,
        "batch.size": 1_000_000,
        "batch.num.messages": 10_000,
        "compression.type": "lz4",
        "request.timeout.ms": 10_000,
        "socket.timeout.ms": 15_000,
        "retry.backoff.ms": 20,
        "retry.backoff.max.ms": 500,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 500,
        "message.max.bytes": RECORD_SIZE_MAX,
        "queue.buffering.max.messages": QUEUE_MAX,
        "queue.buffering.max.kbytes": 262_144,
        **_connection(cluster),
        "acks": "all",
        "enable.idempotence": True,
        "max.in.flight.requests.per.connection": 5,
        "message.timeout.ms": MESSAGE_SECONDS * 1000,
        "transactional.id": transactional_id,
        "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
        "delivery.report.only.error": True,
    }


def reader_settings(cluster: Cluster, *, isolation: str = "read_committed") -> dict[str, Any]:
    """For the progress topic; also for tests and tools that read the streams."""
    return {
        "client.id": "indelible-stream-reader",
        "group.id": "indelible-stream",
        "socket.timeout.ms": 10_000,
        "fetch.wait.max.ms": 100,
        "fetch.error.backoff.ms": 50,
        "fetch.message.max.bytes": RECORD_SIZE_MAX,
        **_connection(cluster),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": False,
        "auto.offset.reset": "earliest",
        "isolation.level": isolation,
        "check.crcs": True,
    }


def admin_settings(cluster: Cluster) -> dict[str, Any]:
    """For topics."""
    return {
        "client.id": "indelible-stream-admin",
        "socket.timeout.ms": 10_000,
        **_connection(cluster),
    }


def _connection(cluster: Cluster) -> dict[str, Any]:
    return {
        "log_level": 0,
        "socket.keepalive.enable": True,
        "socket.connection.setup.timeout.ms": 3_000,
        "topic.metadata.refresh.interval.ms": 5_000,
        **cluster.options,
        "bootstrap.servers": cluster.bootstrap_servers,
        "allow.auto.create.topics": False,
    }
