"""Agents on a real broker: workers killed, hanging, stopped; every revision counts once."""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.kafka import KafkaCluster
from streams.agents import STALLED_EXIT_CODE
from streams.planning import RevisionChange
from tests.support.revision_writer import RevisionWriter, a_change, owners_after, sales
from tests.support.workers import Worker, read_all, table_of, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
OWNERSHIP = ROOT / "examples" / "agents" / "ownership.py"
SUSPICIOUS = ROOT / "examples" / "agents" / "suspicious.py"
HANGING = ROOT / "tests" / "support" / "hanging_agent.py"
OWNERS = [f"owner-{number}" for number in range(9)]
PARTITIONS = 4
READY = "Worker ready"


def a_writer(broker: KafkaCluster, ledger: str) -> RevisionWriter:
    writer = RevisionWriter(broker.bootstrap_servers, ledger, partitions=PARTITIONS)
    writer.make_topic()
    return writer


def write(writer: RevisionWriter, changes: Sequence[RevisionChange]) -> None:
    """In transactions of 100; before each an aborted one that would take its place if it were read."""
    for start in range(0, len(changes), 100):
        part = changes[start : start + 100]
        ghosts = [
            a_change(each.sequence_number, each.document_id, each.version, {"owner": "ghost"})
            for each in part[:5]
        ]
        writer.write(ghosts, commit=False)
        writer.write(part)


def expect_counts(broker: KafkaCluster, ledger: str, owners: Counter[str], log: Path) -> None:
    """Wait for the counts, and see that they stay."""
    topic = f"{ledger}-ownership-counts-changelog"

    def counts() -> dict[str, int]:
        return {k: v for k, v in table_of(broker.bootstrap_servers, topic).items() if v}

    deadline = time.monotonic() + 100
    while counts() != owners and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(4)  # a commit interval and some: what is delivered again has come by then

    assert counts() == owners, log.read_text()[-4000:]


def test_counts_are_exact_although_a_worker_is_killed(broker: KafkaCluster, tmp_path: Path) -> None:
    writer = a_writer(broker, "killed")
    changes = sales(2_400, vehicles=80, owners=OWNERS)
    arguments = (broker.bootstrap_servers, "killed", str(PARTITIONS), "1")

    with (
        Worker(OWNERSHIP, *arguments, folder=tmp_path / "one") as one,
        Worker(OWNERSHIP, *arguments, folder=tmp_path / "two") as two,
    ):
        one.wait_for(READY)
        two.wait_for(READY)
        write(writer, changes[:1_200])
        time.sleep(0.3)
        one.kill()
        write(writer, changes[1_200:])

        expect_counts(broker, "killed", owners_after(changes), two.log)
        forwarded = read_all(broker.bootstrap_servers, "killed-ownership-changes")
        places = Counter((key, value["sequence_number"]) for key, value in forwarded)
        print(f"\n{len(forwarded)} changes forwarded, {len(places)} different ones")
        one.restart()
        one.wait_for(READY, count=2)
        write(writer, more := sales(600, vehicles=80, owners=OWNERS[:3], start=2_400))
        expect_counts(broker, "killed", owners_after([*changes, *more]), two.log)


def test_every_worker_killed_again_and_again_leaves_exact_counts(
    broker: KafkaCluster, tmp_path: Path
) -> None:
    writer = a_writer(broker, "kills")
    changes = sales(2_400, vehicles=100, owners=OWNERS)
    arguments = (broker.bootstrap_servers, "kills", str(PARTITIONS), "1")
    write(writer, changes)

    with Worker(OWNERSHIP, *arguments, folder=tmp_path / "one") as one:
        for number in range(1, 4):
            one.wait_for(READY, count=number)
            time.sleep(0.4 * number)
            one.kill()
            one.restart()
        expect_counts(broker, "kills", owners_after(changes), one.log)


def test_what_is_delivered_again_counts_once(broker: KafkaCluster, tmp_path: Path) -> None:
    """By an exporter that begins anew, and by Faust after a kill."""
    writer = a_writer(broker, "again")
    changes = sales(300, vehicles=20, owners=OWNERS)
    last = a_change(300, "vehicle-last", 0, {"owner": "ann"})
    write(writer, changes)
    write(writer, changes[100:])

    with Worker(
        HANGING, broker.bootstrap_servers, "again", str(PARTITIONS), "never", folder=tmp_path
    ) as worker:
        wait_until(lambda: len(handled(broker, "again")) == 20, 60, worker.log)
        worker.kill()
        worker.restart()
        write(writer, [*changes[200:], *([last] * 8)])
        wait_until(lambda: "vehicle-last" in handled(broker, "again"), 60, worker.log)
        time.sleep(4)  # a commit interval and some: what is delivered again has come by then

        counts = handled(broker, "again")
    assert counts == Counter(change.document_id for change in [*changes, last])


def test_suspicious_transfers_are_flagged(broker: KafkaCluster, tmp_path: Path) -> None:
    writer = a_writer(broker, "suspects")
    busy = [
        a_change(number, "vehicle-1", number, {"vin": "busy", "owner": owner})
        for number, owner in enumerate(["ann", "bob", "cid", "dan"])
    ]
    quiet = [
        a_change(10 + number, "vehicle-2", number, {"vin": "quiet", "owner": owner})
        for number, owner in enumerate(["ann", "bob", "bob", "cid"])
    ]
    writer.write([*busy, *quiet])

    with Worker(
        SUSPICIOUS, broker.bootstrap_servers, "suspects", str(PARTITIONS), "1", folder=tmp_path
    ) as worker:
        topic = "suspects-suspicious-transfers"
        wait_until(lambda: bool(read_all(broker.bootstrap_servers, topic)), 60, worker.log)

        ((key, flag),) = read_all(broker.bootstrap_servers, topic)
    assert key == "vehicle-1"
    assert flag["owners"] == ["bob", "cid", "dan"]
    assert (flag["sequence_number"], flag["entry_index"]) == (3, 1)


@pytest.mark.parametrize("how", ["waits", "blocks"])
def test_a_worker_that_stands_still_ends_and_its_successor_goes_on(
    broker: KafkaCluster, tmp_path: Path, how: str
) -> None:
    """Vehicle 7's revision makes the agent wait for ever, or block the event loop, the first time."""
    ledger = f"stall-{how}"
    writer = a_writer(broker, ledger)
    changes = sales(40, vehicles=40, owners=OWNERS)
    writer.write(changes)

    with Worker(
        HANGING, broker.bootstrap_servers, ledger, str(PARTITIONS), how, folder=tmp_path
    ) as worker:
        assert worker.exit_code() == STALLED_EXIT_CODE
        assert "stands still" in worker.log.read_text()

        worker.restart()
        wait_until(lambda: len(handled(broker, ledger)) == len(changes), 60, worker.log)
        time.sleep(8)  # longer than its limit: with nothing to do it does not stand still

        assert worker.process.poll() is None
    assert handled(broker, ledger) == {change.document_id: 1 for change in changes}


def test_a_worker_without_anything_to_do_goes_on(broker: KafkaCluster, tmp_path: Path) -> None:
    """Not ended as one that stands still (its limit is 6 seconds), also where it begins at an end."""
    writer = a_writer(broker, "idle")
    changes = sales(5, vehicles=5, owners=OWNERS)
    writer.write(changes)

    with Worker(
        HANGING, broker.bootstrap_servers, "idle", str(PARTITIONS), "waits", folder=tmp_path
    ) as worker:
        wait_until(lambda: len(handled(broker, "idle")) == len(changes), 60, worker.log)
        time.sleep(4)  # commits
        worker.process.terminate()
        assert worker.exit_code() == 0
        worker.restart()
        worker.wait_for(READY, count=2)
        time.sleep(9)

        assert worker.process.poll() is None


def test_a_first_record_that_is_alone_is_committed_past(
    broker: KafkaCluster, tmp_path: Path
) -> None:
    """Record 0 in a transaction of its own, then an aborted one: nothing is stuck behind them."""
    writer = a_writer(broker, "alone")
    first, *others = [
        a_change(n, "vehicle-0007", n, {"vin": "7", "owner": "ann"}) for n in range(9)
    ]
    writer.write([first])
    writer.write(others, commit=False)
    for change in others:
        writer.write([change])

    with Worker(
        HANGING, broker.bootstrap_servers, "alone", str(PARTITIONS), "never", folder=tmp_path
    ) as worker:
        wait_until(lambda: handled(broker, "alone") == {"vehicle-0007": 9}, 60, worker.log)
        time.sleep(15)  # longer than its limit

        assert worker.process.poll() is None


def test_a_worker_that_was_stopped_for_too_long_ends_when_it_goes_on(
    broker: KafkaCluster, tmp_path: Path
) -> None:
    a_writer(broker, "stopped")
    arguments = (broker.bootstrap_servers, "stopped", str(PARTITIONS), "1")

    with Worker(OWNERSHIP, *arguments, folder=tmp_path) as worker:
        worker.wait_for(READY)
        worker.process.send_signal(signal.SIGSTOP)
        time.sleep(7)
        worker.process.send_signal(signal.SIGCONT)

        assert worker.exit_code(10) == STALLED_EXIT_CODE
    assert "was stopped" in worker.log.read_text()


def test_a_handler_that_raises_ends_the_worker_and_passes_over_nothing(
    broker: KafkaCluster, tmp_path: Path
) -> None:
    writer = a_writer(broker, "raises")
    changes = sales(40, vehicles=40, owners=OWNERS)
    writer.write(changes)

    with Worker(
        HANGING, broker.bootstrap_servers, "raises", str(PARTITIONS), "raises", folder=tmp_path
    ) as worker:
        assert worker.exit_code() not in {0, STALLED_EXIT_CODE}

        worker.restart()
        wait_until(lambda: len(handled(broker, "raises")) == len(changes), 60, worker.log)


def handled(broker: KafkaCluster, ledger: str) -> dict[str, int]:
    """How many revisions of each document `hanging_agent.py` has counted."""
    return table_of(broker.bootstrap_servers, f"{ledger}-hanging-seen-changelog")
