"""Which topics are refused as journals, and what repairs them."""

from dataclasses import replace

import pytest

from journal.kafka.requirements import (
    BLOCK_SIZE_MAX,
    BLOCK_SIZE_MAX_SMALL,
    Topic,
    acl_commands,
    block_size_max,
    creation_settings,
    repair_commands,
    replicas_for,
    weaknesses,
)

GOOD = Topic(partitions=1, replicas=3, settings=creation_settings(replicas=3))
SINGLE = Topic(partitions=1, replicas=1, settings=creation_settings(replicas=1))

WEAKER = {
    "cleanup.policy": "compact",
    "retention.ms": "604800000",
    "retention.bytes": "1073741824",
    "unclean.leader.election.enable": "true",
    "message.timestamp.type": "CreateTime",
    "compression.type": "zstd",
    "min.insync.replicas": "1",
    "max.message.bytes": "100000",
}


def with_setting(topic: Topic, name: str, value: str) -> Topic:
    return replace(topic, settings={**topic.settings, name: value})


def without_setting(topic: Topic, name: str) -> Topic:
    return replace(
        topic, settings={key: topic.settings[key] for key in topic.settings.keys() - {name}}
    )


def names(topic: Topic, **options: bool) -> list[str]:
    return [weakness.setting for weakness in weaknesses(topic, **options)]


def test_what_is_created_is_strong_enough() -> None:
    assert names(GOOD) == []
    assert names(SINGLE, allow_single_broker=True) == []


def test_a_small_topic_is_strong_enough() -> None:
    small = replace(
        GOOD, settings={**creation_settings(replicas=3, small=True), "max.message.bytes": "1048588"}
    )

    assert names(small) == []
    assert block_size_max(small) == BLOCK_SIZE_MAX_SMALL


def test_a_topic_as_created_takes_large_blocks() -> None:
    assert block_size_max(GOOD) == BLOCK_SIZE_MAX


@pytest.mark.parametrize(("name", "value"), WEAKER.items())
def test_each_weaker_setting_is_named(name: str, value: str) -> None:
    found = weaknesses(with_setting(GOOD, name, value))

    assert [(weakness.setting, weakness.actual) for weakness in found] == [(name, value)]


@pytest.mark.parametrize("name", WEAKER)
def test_a_setting_that_is_not_shown_is_weak_unless_that_was_recorded(name: str) -> None:
    hidden = without_setting(GOOD, name)

    assert names(hidden) == [name]
    assert names(hidden, unverified_settings=True) == []


def test_a_weak_setting_that_is_shown_is_refused_anyway() -> None:
    topic = with_setting(GOOD, "retention.ms", "1000")

    assert names(topic, unverified_settings=True) == ["retention.ms"]


def test_all_weak_settings_are_named_at_once() -> None:
    topic = replace(GOOD, settings={**GOOD.settings, **WEAKER})

    assert sorted(names(topic)) == sorted(WEAKER)


def test_stronger_numbers_are_fine() -> None:
    topic = with_setting(
        with_setting(GOOD, "min.insync.replicas", "3"), "max.message.bytes", "20000000"
    )

    assert names(topic) == []


def test_two_partitions_have_no_total_order() -> None:
    assert names(replace(GOOD, partitions=2)) == ["partitions"]


def test_one_replica_needs_to_be_allowed() -> None:
    assert names(SINGLE) == ["replication.factor", "min.insync.replicas"]


def test_one_replica_needs_a_flush_for_each_record() -> None:
    topic = with_setting(SINGLE, "flush.messages", "9223372036854775807")

    assert names(topic, allow_single_broker=True) == ["flush.messages"]


def test_a_repaired_topic_is_strong_enough() -> None:
    """What the command sets is what was needed."""
    topic = replace(GOOD, settings={**GOOD.settings, **WEAKER})
    (command,) = repair_commands("t", weaknesses(topic), bootstrap_servers="host:1")
    repairs = dict(pair.split("=") for pair in command.rsplit(" ", 1)[1].split(","))

    assert command.startswith("kafka-configs.sh --bootstrap-server host:1 --alter ")
    assert names(replace(topic, settings={**topic.settings, **repairs})) == []


def test_nothing_to_set_means_no_command() -> None:
    assert (
        repair_commands("t", weaknesses(replace(GOOD, partitions=2)), bootstrap_servers="h:1") == []
    )


@pytest.mark.parametrize(
    ("brokers", "allowed", "expected"),
    [(1, False, None), (2, False, None), (3, False, 3), (5, True, 3), (1, True, 1), (2, True, 1)],
)
def test_the_number_of_replicas(brokers: int, expected: int | None, *, allowed: bool) -> None:
    assert expected == replicas_for(brokers=brokers, allow_single_broker=allowed)


def test_acl_commands_name_the_principal_and_the_topic() -> None:
    commands = acl_commands("t.l.journal", principal="ledger", bootstrap_servers="host:1")

    assert all("User:ledger" in command for command in commands)
    assert "--topic t.l.journal" in commands[0]
