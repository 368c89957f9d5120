"""Real brokers as fixtures. Loaded by the root conftest.

```
broker         session   a cluster of one broker, shared by all tests
kafka          session   its address, for clients
topic          test      a new, empty journal topic on it
three_brokers  module    a cluster of three brokers, to break
```

Without Java or Maven these skip, unless INDELIBLE_REQUIRE_KAFKA is set (`make test` sets it).
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Literal

import pytest

from infra.errors import MissingProgramError
from infra.kafka import KafkaCluster
from journal.kafka import Cluster, TopicAdmin, topic_name

_numbers = count(1)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """A running cluster of one broker; whoever stops it starts it again."""
    yield from _running(tmp_path_factory.mktemp("kafka"), brokers=1)


@pytest.fixture(scope="session")
def kafka(broker: KafkaCluster) -> Cluster:
    """The address of `broker`."""
    return Cluster(bootstrap_servers=broker.bootstrap_servers)


@pytest.fixture
def topic(kafka: Cluster) -> str:
    """A new journal topic with nothing in it."""
    return new_topic(kafka)


@pytest.fixture(scope="module")
def three_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """A running cluster of three brokers; tests leave all of them running."""
    yield from _running(tmp_path_factory.mktemp("kafka-three"), brokers=3)


def new_topic(kafka: Cluster) -> str:
    """Make a journal topic that no other test has."""
    topic = topic_name("test", f"ledger-{os.getpid()}-{next(_numbers)}")
    TopicAdmin(kafka).create(topic, allow_single_broker=True)
    return topic


def _running(folder: Path, *, brokers: Literal[1, 3]) -> Iterator[KafkaCluster]:
    cluster = KafkaCluster(folder, brokers=brokers)
    try:
        cluster.start()
    except MissingProgramError as error:
        if os.environ.get("INDELIBLE_REQUIRE_KAFKA"):
            raise
        pytest.skip(str(error))
    try:
        yield cluster
    finally:
        cluster.kill_all()
