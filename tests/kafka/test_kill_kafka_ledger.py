"""Acknowledged is durable, on Kafka: writers killed, brokers killed and paused, rivals side by side."""

import os
import random
import time
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

import indelible
from indelible.client.addresses import parse_address
from indelible.engine.creation import Durability
from indelible.engine.kafka_ledgers import create_kafka_ledger
from infra.kafka import KafkaCluster
from tests.support.transfer_writer import open_accounts
from tests.support.transfers import Writer, expect_nothing_lost_or_doubled

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(1800)]

SOAK = bool(os.environ.get("INDELIBLE_SOAK"))


def new_bank(cluster: KafkaCluster, name: str, folder: Path) -> str:
    """A ledger with accounts; returns its URL without the data folder."""
    url = f"kafka://{cluster.bootstrap_servers}/{name}?data="
    single = len(cluster.broker_ids) == 1
    create_kafka_ledger(
        parse_address(f"{url}{folder / 'bank'}"),
        principal="test",
        kafka={},
        durability=Durability(allow_single_broker=single),
    )
    with indelible.connect(f"{url}{folder / 'bank'}") as ledger:
        open_accounts(ledger)
    return url


def wait_until_in_sync(cluster: KafkaCluster, topic: str) -> None:
    """Two of three lost at once would stop the journal, as min.insync.replicas=2 demands."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    deadline = time.monotonic() + 120
    while len(admin.list_topics(topic, timeout=20).topics[topic].partitions[0].isrs) < 3:
        assert time.monotonic() < deadline, "a broker did not come back into the ISR"
        time.sleep(0.2)


def test_kill_minus_nine_of_the_writer(broker: KafkaCluster, tmp_path: Path) -> None:
    kills = 20 if SOAK else 3
    url = new_bank(broker, "killed", tmp_path) + str(tmp_path / "bank")
    lines = tmp_path / "lines"
    for number in range(kills):
        with Writer(url, lines) as writer:
            writer.wait_for("ready", number + 1)
            time.sleep(random.uniform(0.05, 1.5))
    claims = expect_nothing_lost_or_doubled(url, lines)
    print(
        f"\n{kills} kills, {len(claims.acknowledged)} acknowledged transfers; "
        f"reopened in {max(claims.restarts):.2f} s at most"
    )


def test_two_nodes_write_to_one_topic(broker: KafkaCluster, tmp_path: Path) -> None:
    url = new_bank(broker, "rivals", tmp_path)
    seconds = 30.0 if SOAK else 6.0
    with (
        Writer(
            f"{url}{tmp_path / 'north'}", tmp_path / "n.lines", threads=4, seconds=seconds
        ) as north,
        Writer(
            f"{url}{tmp_path / 'south'}", tmp_path / "s.lines", threads=4, seconds=seconds
        ) as south,
    ):
        writers = [north, south]
        for writer in writers:
            writer.finish()
    lines = [writer.lines for writer in writers]
    claims = expect_nothing_lost_or_doubled(f"{url}{tmp_path / 'judge'}", *lines)
    each = [writer.count("ok") for writer in writers]
    print(f"\ntwo rivals: {each} acknowledged transfers of {len(claims.tried)} tried")

    assert min(each) > 0


def test_a_broker_of_three_is_killed_or_paused(three_brokers: KafkaCluster, tmp_path: Path) -> None:
    rounds = 5 if SOAK else 2
    url = new_bank(three_brokers, "three", tmp_path) + str(tmp_path / "bank")
    lines = tmp_path / "lines"
    pauses = []
    with Writer(url, lines, threads=8) as writer:
        writer.wait_for("ok", 100)
        for number in range(rounds):
            victim = random.choice(three_brokers.broker_ids)
            hurt, heal = (
                (three_brokers.pause, three_brokers.resume)
                if number % 2
                else (three_brokers.kill, three_brokers.restart)
            )
            hurt(victim)
            start, acknowledged = time.monotonic(), writer.count("ok")
            writer.wait_for("ok", acknowledged + 50, timeout=90.0)
            pauses.append(time.monotonic() - start)
            heal(victim)
            wait_until_in_sync(three_brokers, "indelible.three.journal")
    claims = expect_nothing_lost_or_doubled(url, lines)
    print(
        f"\n{rounds} brokers lost, {len(claims.acknowledged)} acknowledged transfers; "
        f"50 more after {', '.join(f'{pause:.1f}' for pause in pauses)} s"
    )
