"""Ledgers and their topics."""

import pytest

from journal.errors import InputError
from journal.kafka import ledger_of, topic_name


@pytest.mark.parametrize("ledger", ["vehicles", "a.b", "A_1-x"])
def test_a_ledgers_name_comes_back(ledger: str) -> None:
    assert ledger_of(topic_name("indelible", ledger), prefix="indelible") == ledger


@pytest.mark.parametrize("ledger", ["", "a b", "ä", "a/b", "x" * 249])
def test_a_name_that_kafka_does_not_allow_is_refused(ledger: str) -> None:
    with pytest.raises(InputError):
        topic_name("indelible", ledger)


@pytest.mark.parametrize(
    "topic",
    ["other.vehicles.journal", "indelible.journal", "indelible.v.rev", "indeliblex.v.journal"],
)
def test_another_topic_keeps_no_ledger(topic: str) -> None:
    assert ledger_of(topic, prefix="indelible") is None
