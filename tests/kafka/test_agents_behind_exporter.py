"""From the SDK to the agents' sums: ledger, exporter and workers as real processes, killed on the way.

```
SDK in the test -> journal on Kafka -> `indelible stream` -> history topic -> two workers -> sums
                                           kill -9                              kill -9
```

Whatever dies, the agents end with what the ledger itself answers: each revision once, in order. One round
of kills; `make soak`: six.
"""

import os
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest
from confluent_kafka import Consumer, TopicPartition

import indelible
from indelible.client.addresses import parse_address
from indelible.engine.creation import Durability
from indelible.engine.kafka_ledgers import create_kafka_ledger
from infra.kafka import KafkaCluster
from journal.kafka import Cluster
from streams.kafka.progress import read_progress
from streams.topics import Kind, topic_name
from tests.support.command_line import CommandLine
from tests.support.streamed import Streamed, expect_exactly_once, read_topic, topics_of
from tests.support.waiting import eventually
from tests.support.workers import Worker, table_of, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(1800)]

ROUNDS = 6 if os.environ.get("INDELIBLE_SOAK") else 1
PROGRAM = Path(__file__).parents[1] / "support" / "adding_agent.py"
PARTITIONS = 4
ACCOUNTS = 60
BRANCHES = ("north", "south", "east", "west", "middle")
WAIT_SECONDS = 120.0


class Bank:
    """A ledger on Kafka that is written to without pause, by a thread of this process."""

    def __init__(self, kafka: Cluster, name: str, folder: Path) -> None:
        self.name = name
        self.url = f"kafka://{kafka.bootstrap_servers}/{name}?data={folder}"
        create_kafka_ledger(
            parse_address(self.url),
            principal="test",
            kafka={},
            durability=Durability(allow_single_broker=True),
        )
        self.ledger = indelible.connect(self.url)
        self.ledger.execute("CREATE TABLE accounts")
        self.ledger.execute("CREATE UNIQUE INDEX ON accounts (number)")
        self.ledger.execute("INSERT INTO accounts ?", [an_account(n) for n in range(ACCOUNTS)])
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._writing = self._thread.submit(self._write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.shutdown()
        self.ledger.close()

    def stop_writing(self) -> None:
        """Let the last transaction be finished; raises what the thread ended with."""
        self._stop.set()
        self._writing.result()

    @property
    def tip(self) -> int:
        """The last block's sequence number."""
        return int(self.ledger.status().tip.sequence_number)

    def _write(self) -> None:
        """Transfers between two accounts; now and then an account is opened, or opened and closed."""
        move = "UPDATE accounts SET balance = balance + ? WHERE number = ?"
        number = ACCOUNTS
        while not self._stop.wait(0.02):
            source, target = random.sample(range(ACCOUNTS), 2)
            amount = random.randrange(1, 10)
            self.ledger.transact([(move, -amount, source), (move, amount, target)])
            if random.random() < 0.1:
                self.ledger.execute("INSERT INTO accounts ?", an_account(number))
                if number % 2:
                    self.ledger.execute("DELETE FROM accounts WHERE number = ?", number)
                number += 1

    def accounts(self) -> dict[str, Any]:
        """What the ledger's history says of each account: the same as the agents' table `accounts`."""
        found: dict[str, Any] = {}
        for row in self.ledger.history("accounts"):
            key, version = row["metadata"]["id"], row["metadata"]["version"]
            before = found.get(key, {"versions": []})
            data = row.get("data") or {"branch": before["branch"], "balance": 0}
            found[key] = {
                "branch": data["branch"],
                "balance": data["balance"],
                "versions": [*before["versions"], version],
            }
        return found

    def branches(self) -> dict[str, Any]:
        """What the ledger says of each branch: the same as the agents' table `branches`."""
        movements: Counter[str] = Counter()
        for account in self.accounts().values():
            movements[account["branch"]] += len(account["versions"])
        sums = self.ledger.query(
            "SELECT a.branch, SUM(a.balance) AS balance FROM accounts AS a GROUP BY a.branch"
        )
        return {
            row["branch"]: {
                "movements": movements[row["branch"]],
                "balance": row["balance"],
            }
            for row in sums
        }


def an_account(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "branch": BRANCHES[number % len(BRANCHES)],
        "balance": 100 + number,
    }


class Exporter:
    """`indelible stream` in a process of its own."""

    def __init__(self, kafka: Cluster, bank: Bank, folder: Path) -> None:
        self._kafka, self._bank, self._cli = kafka, bank, CommandLine(folder)
        self.start()

    def start(self) -> None:
        self.process = self._cli.start("stream", self._bank.url, "--partitions", str(PARTITIONS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.communicate()

    def delivered(self) -> int:
        """How many blocks were delivered."""
        topic = topic_name("indelible", self._bank.name, Kind.PROGRESS)
        if topic not in topics_of(self._kafka):
            return 0
        progress = read_progress(self._kafka, topic, wait=False).get("default")
        return 0 if progress is None else progress.position.sequence_number

    def wait_for(self, blocks: int) -> None:
        """Wait until so many blocks were delivered."""

        def has_delivered() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            return self.delivered() >= blocks

        eventually(has_delivered, True, seconds=WAIT_SECONDS)


def handled(worker: Worker) -> list[tuple[str, str, str]]:
    """Lane, document and version of each revision that a worker began to handle."""
    return re.findall(r"^handled (\S+) (\S+) (\d+)$", worker.log.read_text(), re.MULTILINE)


def wait_for(workers: list[Worker], done: Callable[[], bool]) -> None:
    """Wait until workers have done something; none of them may end meanwhile."""

    def is_done() -> bool:
        for worker in workers:
            assert worker.process.poll() is None, worker.log.read_text()[-4000:]
        return done()

    wait_until(is_done, WAIT_SECONDS, workers[0].log)


def wait_for_more(worker: Worker, count: int = 1) -> None:
    """Wait until a worker has handled so many more revisions."""
    before = len(handled(worker))
    wait_for([worker], lambda: len(handled(worker)) >= before + count)


def wait_for_all_lanes(worker: Worker) -> None:
    """Wait until a worker has handled revisions of every partition from now on."""
    before = len(handled(worker))

    def lanes() -> set[str]:
        return {lane for lane, _, _ in handled(worker)[before:]}

    wait_for([worker], lambda: len(lanes()) == PARTITIONS)


def is_acknowledged(kafka: Cluster, group: str, topic: str, records: list[Streamed]) -> bool:
    """Whether a group of workers has committed all of a topic's records, so that none comes again."""
    last = {record.partition: record.offset for record in records}
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})
    try:
        found = consumer.committed([TopicPartition(topic, each) for each in last], timeout=10)
    finally:
        consumer.close()
    return all(each.offset > last[each.partition] for each in found)


def wait_for_acknowledgement(
    kafka: Cluster, group: str, topic: str, workers: list[Worker]
) -> list[Streamed]:
    """Wait until all that is in a topic now was handled for good; returns it."""
    records = read_topic(kafka, topic, seconds=WAIT_SECONDS)
    wait_for(workers, lambda: is_acknowledged(kafka, group, topic, records))
    return records


def test_sums_of_agents_are_those_of_the_ledger_whatever_dies(
    broker: KafkaCluster, kafka: Cluster, tmp_path: Path
) -> None:
    name = f"sums-{os.getpid()}"
    group = f"{name}-adding"
    arguments = (broker.bootstrap_servers, name, str(PARTITIONS))
    with Bank(kafka, name, tmp_path / "bank") as bank, Exporter(kafka, bank, tmp_path) as exporter:
        exporter.wait_for(10)
        with (
            Worker(PROGRAM, *arguments, folder=tmp_path / "one") as one,
            Worker(PROGRAM, *arguments, folder=tmp_path / "two") as two,
        ):
            workers = [one, two]
            for worker in workers:
                wait_for_more(worker)
            for _ in range(ROUNDS):
                victim, survivor = random.sample(workers, 2)
                wait_for_more(victim, random.randrange(20, 100))
                victim.kill()
                exporter.wait_for(exporter.delivered() + random.randrange(5, 50))
                exporter.kill()
                exporter.start()
                wait_for_all_lanes(survivor)
                victim.restart()
                wait_for_more(victim)
            bank.stop_writing()
            exporter.wait_for(bank.tip + 1)
            revisions = expect_exactly_once(kafka, bank.url, "accounts")
            history = topic_name("indelible", name, Kind.HISTORY, "accounts")
            wait_for_acknowledgement(kafka, group, history, workers)
            movements = wait_for_acknowledgement(kafka, group, f"{group}-movements", workers)

            accounts = table_of(broker.bootstrap_servers, f"{group}-accounts-changelog")
            branches = table_of(broker.bootstrap_servers, f"{group}-branches-changelog")
            begun = Counter(each for worker in workers for each in handled(worker))
        assert accounts == bank.accounts()
        assert branches == bank.branches()
    assert all(
        account["versions"] == list(range(len(account["versions"])))
        for account in accounts.values()
    )
    assert len(begun) == len(revisions) == sum(each["movements"] for each in branches.values())
    print(
        f"\n{ROUNDS} workers and exporters killed: {len(revisions)} revisions, "
        f"{begun.total() - len(begun)} begun again, {len(movements)} movements forwarded, "
        "each counted once"
    )
