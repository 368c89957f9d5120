"""What the Kafka clients are told."""

from collections.abc import Callable
from typing import Any

import pytest

from journal.errors import SettingsError
from journal.kafka import Cluster, KafkaLog
from journal.kafka.settings import (
    admin_settings,
    offset_settings,
    producer_settings,
    reader_settings,
)

ALL = [producer_settings, reader_settings, offset_settings, admin_settings]
Settings = Callable[[Cluster], dict[str, Any]]


@pytest.mark.parametrize("settings", ALL)
def test_no_client_creates_a_topic(settings: Settings) -> None:
    assert settings(Cluster(bootstrap_servers="a:1"))["allow.auto.create.topics"] is False


@pytest.mark.parametrize("settings", [reader_settings, offset_settings])
def test_a_strangers_transaction_hides_nothing(settings: Settings) -> None:
    assert settings(Cluster(bootstrap_servers="a:1"))["isolation.level"] == "read_uncommitted"


@pytest.mark.parametrize("settings", ALL)
def test_options_reach_every_client(settings: Settings) -> None:
    cluster = Cluster(bootstrap_servers="a:1", options={"security.protocol": "ssl"})

    assert settings(cluster)["security.protocol"] == "ssl"


def test_options_win_over_tuning() -> None:
    cluster = Cluster(bootstrap_servers="a:1", options={"linger.ms": 2})

    assert producer_settings(cluster)["linger.ms"] == 2


@pytest.mark.parametrize(
    "option", ["acks", "enable.idempotence", "isolation.level", "auto.offset.reset"]
)
def test_what_the_journal_rests_on_is_no_option(option: str) -> None:
    with pytest.raises(SettingsError, match=option):
        Cluster(bootstrap_servers="a:1", options={option: "0"})


@pytest.mark.parametrize("options", [{"no.such": "x"}, {"security.protocol": "nonsense"}])
def test_an_option_the_client_does_not_know_is_a_wrong_setting(options: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        KafkaLog(Cluster(bootstrap_servers="127.0.0.1:1", options=options), "t")
