"""Exactly once into Kafka: exporters killed, and paused beside their successors."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import indelible
from journal.kafka import Cluster
from streams.kafka.progress import read_progress
from streams.topics import Kind, topic_name
from tests.support.streamed import expect_current_state, expect_exactly_once, topics_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(1800)]

SOAK = bool(os.environ.get("INDELIBLE_SOAK"))
WAIT_SECONDS = 90.0


class Bank:
    """A ledger that is written to without pause, by a thread of this process."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.url = name, f"file:{folder}?name={name}"
        self.ledger = indelible.connect(self.url)
        self.ledger.execute("CREATE TABLE accounts")
        self.ledger.execute("CREATE UNIQUE INDEX ON accounts (number)")
        self.ledger.execute(
            "INSERT INTO accounts ?", [{"number": n, "balance": 0} for n in range(20)]
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        next_number = 20
        while not self._stop.wait(0.01):
            number = random.randrange(20)
            self.ledger.execute(
                "UPDATE accounts SET balance = balance + 1 WHERE number = ?", number
            )
            if random.random() < 0.1:
                self.ledger.execute("INSERT INTO accounts ?", {"number": next_number, "balance": 0})
                self.ledger.execute("DELETE FROM accounts WHERE number = ?", next_number)
                next_number += 1

    def stop_writing(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def tip(self) -> int:
        """The last block's sequence number."""
        return int(self.ledger.status().tip.sequence_number)

    def state(self) -> dict[str, dict[str, int]]:
        """Document id -> document."""
        rows = self.ledger.query(
            "SELECT a.metadata.id AS id, a.data AS data FROM _ql_committed_accounts AS a"
        )
        return {row["id"]: row["data"] for row in rows}


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    found = Bank(tmp_path / "bank", f"bank-{os.getpid()}-{random.randrange(10**9)}")
    try:
        yield found
    finally:
        found.stop_writing()
        found.ledger.close()


def start(bank: Bank, kafka: Cluster, *extra: str) -> "subprocess.Popen[str]":
    """An exporter in a process of its own."""
    return subprocess.Popen(
        [
            sys.executable, "-m", "indelible.cli", "stream", bank.url,
            "--bootstrap", kafka.bootstrap_servers, "--partitions", "2", *extra,
        ],
        env={name: value for name, value in os.environ.items() if not name.startswith("INDELIBLE_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def delivered(bank: Bank, kafka: Cluster) -> int:
    """How many blocks were delivered."""
    topic = topic_name("indelible", bank.name, Kind.PROGRESS)
    if topic not in topics_of(kafka):
        return 0
    progress = read_progress(kafka, topic, wait=False).get("default")
    return 0 if progress is None else progress.position.sequence_number


def wait_for(bank: Bank, kafka: Cluster, blocks: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while delivered(bank, kafka) < blocks:
        assert time.monotonic() < deadline, f"block {blocks} was not delivered"
        time.sleep(0.05)


def finish(bank: Bank, kafka: Cluster) -> None:
    """Deliver the rest."""
    bank.stop_writing()
    done = start(bank, kafka, "--once")
    _, errors = done.communicate(timeout=WAIT_SECONDS)
    assert done.returncode == 0, errors


def test_kill_minus_nine_of_the_exporter(bank: Bank, kafka: Cluster) -> None:
    kills = 20 if SOAK else 3
    for _ in range(kills):
        before = delivered(bank, kafka)
        exporter = start(bank, kafka)
        try:
            wait_for(bank, kafka, before + 1)
            time.sleep(random.uniform(0.0, 0.5))
        finally:
            exporter.kill()
            exporter.communicate()
    finish(bank, kafka)

    records = expect_exactly_once(kafka, bank.url, "accounts")
    expect_current_state(kafka, bank.name, "accounts", bank.state())
    print(f"\n{kills} kills, {len(records)} revisions, each exactly once")


def test_paused_exporter_comes_back_beside_its_successor(bank: Bank, kafka: Cluster) -> None:
    old = start(bank, kafka)
    try:
        wait_for(bank, kafka, 10)
        time.sleep(random.uniform(0.0, 0.2))
        old.send_signal(signal.SIGSTOP)
        paused_at = delivered(bank, kafka)
        new = start(bank, kafka)
        try:
            wait_for(bank, kafka, paused_at + 20)
            old.send_signal(signal.SIGCONT)
            _, errors = old.communicate(timeout=WAIT_SECONDS)
            wait_for(bank, kafka, delivered(bank, kafka) + 20)
            assert new.poll() is None
        finally:
            new.send_signal(signal.SIGTERM)
            _, new_errors = new.communicate(timeout=WAIT_SECONDS)
    finally:
        old.kill()
        old.communicate()
    finish(bank, kafka)

    assert old.returncode == 3, errors
    assert "was started somewhere else" in errors
    assert new.returncode == 0, new_errors
    expect_exactly_once(kafka, bank.url, "accounts")
    expect_current_state(kafka, bank.name, "accounts", bank.state())
