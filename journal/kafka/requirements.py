"""What a journal's topic must be set to, and what to run where it is not.

```
partitions                      1             one total order
replication.factor              3 or more     one broker may be lost for ever
min.insync.replicas             2 or more     what is acknowledged is on two machines
unclean.leader.election.enable  false         a replica without acknowledged records never leads
cleanup.policy                  delete        compaction would drop blocks
retention.ms, retention.bytes   -1            ... and so would retention
message.timestamp.type          LogAppendTime the broker's own evidence of time
max.message.bytes               8 MiB + 64 KiB, or the cluster's default with blocks of 900 kB
compression.type                producer      blocks stay as they were sent
```

With `allow_single_broker` one replica is enough, and min.insync.replicas of 1. On one replica an
acknowledged record is in the page cache of one machine, so there `flush.messages` must be 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

BLOCK_SIZE_MAX: Final = 8 * 2**20
BLOCK_SIZE_MAX_SMALL: Final = 900_000
"""Fits a topic whose `max.message.bytes` is Kafka's default."""

_OVERHEAD: Final = 64 * 2**10
_RECORD_SIZE_NEEDED: Final = BLOCK_SIZE_MAX + _OVERHEAD
_RECORD_SIZE_NEEDED_SMALL: Final = BLOCK_SIZE_MAX_SMALL + _OVERHEAD
_REPLICAS: Final = 3
_IN_SYNC: Final = 2
_EXACT: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
    "message.timestamp.type": "LogAppendTime",
    "compression.type": "producer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as the cluster describes it.

    Attributes:
        partitions: How many.
        replicas: Of the partition with the fewest.
        settings: Those that the cluster shows.
    """

    partitions: int
    replicas: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """One thing that is less than a journal needs.

    Attributes:
        setting: Its name in Kafka.
        actual: Its value; None if the cluster does not show it.
        needed: In words of the setting: "2 or more".
        value: What to set it to; None where no setting repairs it.
    """

    setting: str
    actual: str | None
    needed: str
    value: str | None

    def __str__(self) -> str:
        actual = "not shown" if self.actual is None else self.actual
        return f"{self.setting} is {actual}, needed is {self.needed}"


def creation_settings(*, replicas: int, small: bool = False) -> dict[str, str]:
    """The settings of a new topic.

    Args:
        replicas: Of its partition.
        small: Leave `max.message.bytes` as the cluster has it.
    """
    settings = {**_EXACT, "min.insync.replicas": str(min(_IN_SYNC, replicas))}
    if replicas == 1:
        settings["flush.messages"] = "1"
    if not small:
        settings["max.message.bytes"] = str(_RECORD_SIZE_NEEDED)
    return settings


def replicas_for(*, brokers: int, allow_single_broker: bool) -> int | None:
    """How many replicas a new topic gets; None if there are too few brokers."""
    if brokers >= _REPLICAS:
        return _REPLICAS
    return 1 if allow_single_broker else None


def block_size_max(topic: Topic) -> int:
    """How large a block may be, by the topic's `max.message.bytes`; the small size if not shown."""
    record_size = int(topic.settings.get("max.message.bytes", 0))
    return BLOCK_SIZE_MAX if record_size >= _RECORD_SIZE_NEEDED else BLOCK_SIZE_MAX_SMALL


def weaknesses(
    topic: Topic, *, allow_single_broker: bool = False, unverified_settings: bool = False
) -> list[Weakness]:
    """Everything in which `topic` is weaker than a journal needs.

    Args:
        topic: What was found.
        allow_single_broker: One replica is enough.
        unverified_settings: Settings that the cluster does not show count as right.
    """
    found = _layout_weaknesses(topic, replicas=1 if allow_single_broker else _REPLICAS)
    for name, needed in _EXACT.items():
        if topic.settings.get(name) != needed:
            found.append(_weakness(topic, name, needed, needed))
    in_sync = 1 if allow_single_broker else _IN_SYNC
    found += _at_least(topic, "min.insync.replicas", in_sync, repair=in_sync)
    found += _at_least(
        topic, "max.message.bytes", _RECORD_SIZE_NEEDED_SMALL, repair=_RECORD_SIZE_NEEDED
    )
    if topic.replicas == 1 and topic.settings.get("flush.messages") != "1":
        found.append(_weakness(topic, "flush.messages", "1 (there is one replica)", "1"))
    if unverified_settings:
        return [weakness for weakness in found if weakness.actual is not None]
    return found


def repair_commands(topic: str, found: Sequence[Weakness], *, bootstrap_servers: str) -> list[str]:
    """What an administrator runs; empty where nothing can be set."""
    repairs = [f"{weakness.setting}={weakness.value}" for weakness in found if weakness.value]
    if not repairs:
        return []
    return [
        f"kafka-configs.sh --bootstrap-server {bootstrap_servers} --alter"
        f" --entity-type topics --entity-name {topic} --add-config {','.join(repairs)}"
    ]


def acl_commands(topic: str, *, principal: str, bootstrap_servers: str) -> list[str]:
    """Commands that let one principal write the journal, and nobody else.

    Whoever may write to the topic has full authority over the ledger's future, so this is the guard.
    """
    acls = f"kafka-acls.sh --bootstrap-server {bootstrap_servers} --add --topic {topic}"
    return [
        f"{acls} --allow-principal User:{principal}"
        " --operation Read --operation Write --operation Describe --operation DescribeConfigs",
        f"kafka-acls.sh --bootstrap-server {bootstrap_servers} --add --cluster"
        f" --allow-principal User:{principal} --operation IdempotentWrite",
    ]


def _layout_weaknesses(topic: Topic, *, replicas: int) -> list[Weakness]:
    found = []
    if topic.partitions != 1:
        found.append(
            Weakness(setting="partitions", actual=str(topic.partitions), needed="1", value=None)
        )
    if topic.replicas < replicas:
        found.append(
            Weakness(
                setting="replication.factor",
                actual=str(topic.replicas),
                needed=f"{replicas} or more (kafka-reassign-partitions.sh raises it)",
                value=None,
            )
        )
    return found


def _at_least(topic: Topic, name: str, needed: int, *, repair: int) -> list[Weakness]:
    if int(topic.settings.get(name, -1)) >= needed:
        return []
    return [_weakness(topic, name, f"{needed} or more", str(repair))]


def _weakness(topic: Topic, name: str, needed: str, value: str) -> Weakness:
    return Weakness(setting=name, actual=topic.settings.get(name), needed=needed, value=value)
