"""What brokers are told, and that what is written twice agrees."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from infra.kafka.jars import KAFKA_VERSION
from infra.kafka.properties import Node, format_properties, server_properties

REPOSITORY = Path(__file__).parents[3]
NODES = [Node(id=number, port=9090 + number, controller_port=9190 + number) for number in (1, 2, 3)]


def test_the_pom_and_the_code_name_one_version() -> None:
    pom = ElementTree.parse(REPOSITORY / "infra" / "kafka" / "pom.xml")

    assert pom.findtext(".//{*}kafka.version") == KAFKA_VERSION


def test_the_compose_file_runs_that_version_too() -> None:
    text = (REPOSITORY / "infra" / "compose.yaml").read_text()

    assert f"image: apache/kafka:{KAFKA_VERSION}\n" in text


@pytest.mark.parametrize(("count", "replicas", "in_sync"), [(1, "1", "1"), (3, "3", "2")])
def test_internal_topics_are_replicated_over_all_brokers(
    count: int, replicas: str, in_sync: str
) -> None:
    settings = server_properties(NODES[0], NODES[:count], Path("data"))

    assert settings["transaction.state.log.replication.factor"] == replicas
    assert settings["transaction.state.log.min.isr"] == in_sync


def test_every_node_votes() -> None:
    settings = server_properties(NODES[1], NODES, Path("data"))

    assert (
        settings["controller.quorum.voters"] == "1@127.0.0.1:9191,2@127.0.0.1:9192,3@127.0.0.1:9193"
    )
    assert settings["node.id"] == "2"


def test_properties_are_one_a_line() -> None:
    assert format_properties({"a": "1", "b": "x"}) == "a=1\nb=x\n"
