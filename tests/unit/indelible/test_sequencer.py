"""The sequencer when something around it fails: the store, the clock, the caller, the log's identity."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from indelible.engine.creation import Durability, create_genesis
from indelible.engine.keys import KeyFolder
from indelible.engine.limits import Limits
from indelible.engine.node import Node
from journal.ambient import system_entropy
from journal.errors import LedgerError, LimitExceededError, StoreUnavailableError, UnavailableError
from journal.memory import MemoryLog
from materializer.store.store import Store
from tests.support.stores import folded_rows


class Bench:
    """A node over a log in memory, and knobs to make things around it fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = HurtLog(MemoryLog())
        create_genesis(
            self.log, name="bank", prefix="t", keys=KeyFolder(folder), durability=Durability(),
            principal="t", writer="t",
        )  # fmt: skip
        self.entropy_fails = False
        self.node = self.open("node")
        self.execute("CREATE TABLE t")
        self.execute("CREATE INDEX ON t (n)")

    def open(self, name: str, **options: Any) -> Node:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        limits = Limits(request_timeout=5.0, execution_timeout=1.0)
        options.setdefault("exclusive", True)
        return Node(self.log, folder, "bank", limits=limits, entropy=self.entropy, **options)

    def entropy(self, count: int) -> bytes:
        if self.entropy_fails and count == 16:  # a salt, not an id
            self.entropy_fails = False
            raise RuntimeError("nobody foresaw this")
        return system_entropy(count)

    def execute(self, statement: str, *parameters: Any, node: Node | None = None) -> Any:
        return (node or self.node).execute(
            [(statement, parameters)], principal="t", labels={}, transaction_id=None
        )

    def numbers(self, node: Node | None = None) -> list[Any]:
        rows = (node or self.node).query("SELECT t.n FROM t AS t", ())
        return sorted(row["n"] for row in rows)


class HurtLog:
    """A real log with a hook in front of some calls, and one after an append."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.before_identity: Callable[[], None] = lambda: None
        self.after_append: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def identity(self) -> str:
        self.before_identity()
        return self._log.identity()

    def append(self, value: bytes) -> int:
        offset = self._log.append(value)
        self.after_append()
        return offset


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.node.close()


def fail_once(store: Store, error: BaseException, *, when: str) -> None:
    """Make the next SQL statement that begins with `when` raise, before it does anything."""

    def trace(_cursor: object, sql: str, _bindings: object) -> bool:
        if sql.startswith(when):
            store.connection.exec_trace = None
            raise error
        return True

    store.connection.exec_trace = trace


def together(*actions: Callable[[], Any]) -> list[Any]:
    """Run actions in threads of their own; their results, or what they raised."""
    results: list[Any] = [None] * len(actions)

    def run(index: int) -> None:
        try:
            results[index] = actions[index]()
        except BaseException as error:  # noqa: BLE001 - judged by the caller
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    return results


def test_a_block_that_could_not_be_stored_is_stored_whole_later(bench: Bench) -> None:
    for number in range(3):
        bench.execute("INSERT INTO t ?", {"n": number})
    replica = bench.open("replica", exclusive=False, identity_interval=None)
    bench.execute("UPDATE t SET n = n + 10")
    full = apsw.FullError("database or disk is full")
    fail_once(replica.sequencer._store, full, when="insert into index_entries")
    with pytest.raises(StoreUnavailableError):
        replica.sequencer.catch_up()

    assert bench.numbers(replica) == [10, 11, 12]
    replica._reading.close()
    rows = [folded_rows(bench.folder / name / "state.db") for name in ("node", "replica")]
    assert rows[0] == rows[1]


def test_what_was_acknowledged_is_seen_although_the_stores_commit_failed(bench: Bench) -> None:
    full = apsw.FullError("database or disk is full")
    fail_once(bench.node.sequencer._store, full, when="commit")
    answer = bench.execute("INSERT INTO t ?", {"n": 1})

    assert answer.sequence_number is not None
    assert bench.numbers() == [1]
    assert bench.node.status().tip.sequence_number == answer.sequence_number


def test_an_unforeseen_failure_is_its_statements_alone(bench: Bench) -> None:
    bench.entropy_fails = True
    actions = [
        lambda number=number: bench.execute("INSERT INTO t ?", {"n": number}) for number in range(8)
    ]
    failures = [result for result in together(*actions) if isinstance(result, BaseException)]

    assert len(failures) == 1
    assert isinstance(failures[0], LedgerError)
    assert len(bench.numbers()) == 7


def test_a_statement_has_a_time_limit_and_the_ledger_goes_on(bench: Bench) -> None:
    bench.execute("INSERT INTO t ?", [{"n": number} for number in range(200)])
    tables = "t AS a, t AS b, t AS c, t AS d"
    endless = f"INSERT INTO t (SELECT a.n FROM {tables} WHERE a.n + b.n + c.n + d.n < 0)"
    with pytest.raises(LimitExceededError, match="execution_timeout"):
        bench.execute(endless)
    bench.execute("INSERT INTO t ?", {"n": 1})


def test_who_comes_while_a_read_catches_up_is_not_forgotten(bench: Bench) -> None:
    node = bench.open("reader", exclusive=False, identity_interval=None)
    bench.log.before_identity = lambda: time.sleep(0.3)
    start = time.monotonic()

    def write() -> Any:
        time.sleep(0.1)
        return bench.execute("INSERT INTO t ?", {"n": 1}, node=node)

    _, answer = together(node.sequencer.catch_up, write)

    assert answer.sequence_number is not None
    assert time.monotonic() - start < 4.0
    bench.log.before_identity = lambda: None
    bench.node.sequencer._failure = None
    node._reading.close()


def test_an_interrupted_leader_leaves_nobody_waiting(bench: Bench) -> None:
    """Ctrl-C after the block was written: it is committed, and the others get their answers."""
    interrupted = threading.Event()

    def interrupt() -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    bench.log.after_append = interrupt
    actions = [
        lambda number=number: bench.execute("INSERT INTO t ?", {"n": number}) for number in range(6)
    ]
    results = together(*actions)
    failures = [result for result in results if isinstance(result, BaseException)]

    assert [type(failure) for failure in failures] == [KeyboardInterrupt]
    assert bench.numbers() == list(range(6))


@pytest.mark.parametrize("when", ["insert into blocks", "commit"])
def test_an_interrupt_while_a_block_is_recorded_loses_nothing(bench: Bench, when: str) -> None:
    fail_once(bench.node.sequencer._store, KeyboardInterrupt(), when=when)
    with pytest.raises(KeyboardInterrupt):
        bench.execute("INSERT INTO t ?", {"n": 1})
    bench.execute("INSERT INTO t ?", {"n": 2})

    assert bench.numbers() == [1, 2]


def test_the_transactions_of_one_document_count_once(bench: Bench) -> None:
    bench.execute("INSERT INTO t ?", {"n": 0, "text": "x" * 500_000})
    bench.node.execute(
        [("UPDATE t SET n = n + 1", ())] * 20, principal="t", labels={}, transaction_id=None
    )

    assert bench.numbers() == [20]


def test_closing_answers_who_waits(bench: Bench) -> None:
    bench.node.close()
    start = time.monotonic()
    with pytest.raises(UnavailableError, match="closed"):
        bench.execute("INSERT INTO t ?", {"n": 1})

    assert time.monotonic() - start < 2.0
