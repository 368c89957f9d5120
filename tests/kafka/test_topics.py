"""Topics on a real broker: made as a journal needs them, refused where they are weaker."""

import os
import shlex
import subprocess

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from infra.kafka.jars import classpath
from infra.kafka.java import find_java
from journal.errors import (
    JournalSettingsError,
    LedgerExistsError,
    LogUnavailableError,
    UnknownLedgerError,
)
from journal.kafka import Cluster, TopicAdmin, topic_name
from journal.kafka.requirements import BLOCK_SIZE_MAX, BLOCK_SIZE_MAX_SMALL
from tests.support.strangers import Stranger

pytestmark = pytest.mark.kafka

WEAKER = {
    "cleanup.policy": "compact",
    "retention.ms": "604800000",
    "retention.bytes": "1073741824",
    "unclean.leader.election.enable": "true",
    "message.timestamp.type": "CreateTime",
    "compression.type": "zstd",
    "flush.messages": "10000",
    "max.message.bytes": "100000",
}


@pytest.fixture
def admin(kafka: Cluster) -> TopicAdmin:
    return TopicAdmin(kafka)


def test_a_created_topic_passes_the_check(admin: TopicAdmin, topic: str) -> None:
    assert admin.check(topic, allow_single_broker=True) == BLOCK_SIZE_MAX


def test_three_brokers_are_asked_for(admin: TopicAdmin) -> None:
    with pytest.raises(JournalSettingsError) as caught:
        admin.create(topic_name("test", "too-few"))

    assert "--allow-single-broker" in caught.value.hint
    with pytest.raises(UnknownLedgerError):
        admin.identity(topic_name("test", "too-few"))


def test_a_topic_is_made_once(admin: TopicAdmin, topic: str) -> None:
    before = admin.identity(topic)
    with pytest.raises(LedgerExistsError):
        admin.create(topic, allow_single_broker=True)

    assert before == admin.identity(topic)


def test_a_journal_on_one_broker_is_refused_unless_allowed(admin: TopicAdmin, topic: str) -> None:
    with pytest.raises(JournalSettingsError, match=r"replication\.factor is 1"):
        admin.check(topic)


@pytest.mark.parametrize(("name", "value"), WEAKER.items())
def test_a_weaker_setting_is_refused_by_name(
    admin: TopicAdmin, kafka: Cluster, topic: str, name: str, value: str
) -> None:
    Stranger(kafka, topic).set(name, value)

    with pytest.raises(JournalSettingsError, match=f"{name} is {value}") as caught:
        admin.check(topic, allow_single_broker=True)
    assert f"{name}=" in caught.value.hint


def test_the_command_in_the_hint_repairs_the_topic(
    admin: TopicAdmin, kafka: Cluster, topic: str
) -> None:
    stranger = Stranger(kafka, topic)
    for name, value in WEAKER.items():
        stranger.set(name, value)
    with pytest.raises(JournalSettingsError) as caught:
        admin.check(topic, allow_single_broker=True)

    script, *arguments = shlex.split(caught.value.hint)
    assert script == "kafka-configs.sh"
    subprocess.run(
        [find_java().program, "kafka.admin.ConfigCommand", *arguments],
        env={**os.environ, "CLASSPATH": classpath()},
        check=True,
        capture_output=True,
    )

    assert admin.check(topic, allow_single_broker=True) == BLOCK_SIZE_MAX


def test_a_topic_with_the_clusters_own_record_size_takes_small_blocks(
    admin: TopicAdmin, kafka: Cluster, topic: str
) -> None:
    Stranger(kafka, topic).set("max.message.bytes", "1048588")

    assert admin.check(topic, allow_single_broker=True) == BLOCK_SIZE_MAX_SMALL


def test_two_partitions_are_refused(admin: TopicAdmin, kafka: Cluster) -> None:
    topic = topic_name("test", "two-partitions")
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    client.create_topics([NewTopic(topic, 2, 1)])[topic].result(30)

    with pytest.raises(JournalSettingsError, match="partitions is 2"):
        admin.check(topic, allow_single_broker=True)


def test_no_topic_is_an_unknown_ledger(admin: TopicAdmin) -> None:
    with pytest.raises(UnknownLedgerError):
        admin.check("test.nothing.journal")
    with pytest.raises(UnknownLedgerError):
        admin.identity("test.nothing.journal")


def test_ledgers_are_listed_by_prefix(admin: TopicAdmin) -> None:
    for prefix, ledger in (("list", "one"), ("list", "two"), ("other", "three")):
        admin.create(topic_name(prefix, ledger), allow_single_broker=True)

    assert admin.ledgers("list") == ["one", "two"]


def test_a_cluster_that_is_not_there_is_said() -> None:
    admin = TopicAdmin(Cluster(bootstrap_servers="127.0.0.1:1"))

    with pytest.raises(LogUnavailableError):
        admin.ledgers("test")
