"""What a broker is told: `server.properties` and the two files of a formatted folder, as text and bytes.

Each node is broker and controller at once. The values suit tests and small machines: one partition per
internal topic, small thread pools, and a broker that stops answering is noticed after 3 s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RECORD_SIZE_MAX: Final = 10_485_760


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One broker and where it listens on 127.0.0.1.

    Attributes:
        id: 1, 2, 3.
        port: For clients.
        controller_port: For the other controllers.
    """

    id: int
    port: int
    controller_port: int

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"


def server_properties(node: Node, nodes: Sequence[Node], data: Path) -> Mapping[str, str]:
    """All settings of one node of a cluster of `nodes`."""
    return {
        **_listeners(node, nodes),
        "log.dirs": str(data),
        **_replication(count=len(nodes)),
        **_LIMITS,
        **_QUICK_FAILOVER,
        **_SMALL,
    }


def format_properties(settings: Mapping[str, str]) -> str:
    """As the text of a properties file."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def meta_properties(node: Node, *, cluster_id: str, directory_id: str) -> str:
    """What `kafka-storage.sh format` leaves in the data folder to say whose it is."""
    return format_properties(
        {
            "version": "1",
            "cluster.id": cluster_id,
            "node.id": str(node.id),
            "directory.id": directory_id,
        }
    )


def _listeners(node: Node, nodes: Sequence[Node]) -> dict[str, str]:
    voters = ",".join(f"{other.id}@127.0.0.1:{other.controller_port}" for other in nodes)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{node.address},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{node.address}",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    }


def _replication(*, count: int) -> dict[str, str]:
    replicas, in_sync = (str(count), str(count // 2 + 1))
    return {
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "unclean.leader.election.enable": "false",
    }


_LIMITS: Final = {
    "auto.create.topics.enable": "false",
    "log.retention.ms": "-1",
    "message.max.bytes": str(RECORD_SIZE_MAX),
    "replica.fetch.max.bytes": str(RECORD_SIZE_MAX),
}
_QUICK_FAILOVER: Final = {
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1500",
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "1000",
    "group.consumer.heartbeat.interval.ms": "2000",
}
_SMALL: Final = {
    "num.partitions": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.cleaner.threads": "1",
}
