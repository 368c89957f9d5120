"""docs/guide/kafka.md says what the code requires."""

from pathlib import Path

import pytest

from journal.kafka import acl_commands
from journal.kafka.requirements import creation_settings

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "kafka.md").read_text()


@pytest.mark.parametrize("replicas", [1, 3])
def test_every_setting_of_a_new_topic_is_explained(replicas: int) -> None:
    missing = [name for name in creation_settings(replicas=replicas) if name not in PAGE]

    assert missing == []


def test_the_sizes_are_those_of_the_code() -> None:
    assert creation_settings(replicas=3)["max.message.bytes"] in PAGE


def test_the_acl_commands_are_those_that_are_printed() -> None:
    commands = acl_commands(
        "indelible.registry.journal", principal="registry", bootstrap_servers="HOST:9092"
    )

    assert all(f"\n{command}\n" in PAGE for command in commands)
