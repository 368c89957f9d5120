"""The clusters that tests and `make kafka-up` run."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import InfrastructureError
from infra.kafka import KafkaCluster
from infra.processes import free_ports
from journal.kafka import Cluster, TopicAdmin

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[2]


def test_a_cluster_keeps_its_topics_over_a_restart(tmp_path: Path, broker: KafkaCluster) -> None:
    with KafkaCluster(tmp_path) as cluster:
        TopicAdmin(_address(cluster)).create("test.kept.journal", allow_single_broker=True)
    with KafkaCluster(tmp_path) as cluster:
        assert TopicAdmin(_address(cluster)).ledgers("test") == ["kept"]


def test_a_folder_is_for_one_size_of_cluster(tmp_path: Path, broker: KafkaCluster) -> None:
    with KafkaCluster(tmp_path):
        pass

    with pytest.raises(InfrastructureError, match="another size"):
        KafkaCluster(tmp_path, brokers=3).start()


def test_up_prints_the_address_and_stays_until_down(tmp_path: Path, broker: KafkaCluster) -> None:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "infra.kafka"]
    up = subprocess.Popen(
        [*command, "up", "--port", str(port), "--data", str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    assert up.stdout is not None
    try:
        assert up.stdout.readline() == f"127.0.0.1:{port}\n".encode()
        assert TopicAdmin(Cluster(bootstrap_servers=f"127.0.0.1:{port}")).ledgers("test") == []

        subprocess.run([*command, "down", "--data", str(tmp_path)], cwd=REPOSITORY, check=True)

        assert up.wait(10) == 0
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(30)
        up.stdout.close()


def _address(cluster: KafkaCluster) -> Cluster:
    return Cluster(bootstrap_servers=cluster.bootstrap_servers)
