"""The whole commit path under faults, crashes and a rival, by seed.

Two nodes transfer money between accounts over one log without any election. Whatever happens:

* an acknowledged transfer is on the chain exactly once, a refused one never;
* one whose outcome was not known is there at most once;
* the sum of all balances never changes;
* both nodes' stores, and one made anew from the log, are equal row by row.

A failing seed is reproduced with `pytest tests/simulation -k "seed-17"`.
"""

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from indelible.engine.creation import Durability, genesis
from indelible.engine.limits import Limits
from indelible.engine.node import Node
from journal.chain import Accepted, Origin, check, link
from journal.codec import TransactionEntry
from journal.errors import LedgerError, OutcomeUnknownError, UnavailableError
from journal.ids import new_id
from journal.log import Record
from tests.support.simulation import Crash, FaultyLog, World
from tests.support.stores import folded_rows
from verifier.keys import new_private_key

ACCOUNTS = ("ann", "bob", "cem", "dee")
SEEDS = [
    pytest.param(seed, marks=() if seed < 15 else pytest.mark.slow)
    for seed in range(400 if os.environ.get("INDELIBLE_SOAK") else 60)
]
KEY = new_private_key()


class Fleet:
    """Two nodes on one log, restarted when they crash; what each transfer's caller was told."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.nodes: dict[str, Node] = {}
        self.acknowledged: dict[bytes, tuple[str, str, int]] = {}
        self.unknown: dict[bytes, tuple[str, str, int]] = {}
        self.refused: set[bytes] = set()
        self.busy = False
        self.arm: Callable[[FaultyLog], None] = self._arm

    def node(self, name: str) -> Node:
        """The named node, started (again) where it is not running."""
        while name not in self.nodes:
            log = FaultyLog(self.world)
            log.before_append = lambda: self.rival_acts(name)
            self.arm(log)
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            try:
                self.nodes[name] = Node(
                    log,
                    folder,
                    "bank",
                    exclusive=False,
                    limits=Limits(request_timeout=1.0),
                    clock=self.world.clock,
                    entropy=self._entropy_of(log),
                    timer=self.world.timer(),
                    identity_interval=None,
                )
            except (Crash, UnavailableError):
                continue
        return self.nodes[name]

    def transfer(self, name: str, transaction_id: bytes, order: tuple[str, str, int]) -> None:
        """One attempt at a transfer through the named node."""
        source, target, amount = order
        node = self.node(name)
        try:
            answer = node.execute(
                [
                    ("UPDATE accounts SET balance = balance - ? WHERE name = ?", (amount, source)),
                    ("UPDATE accounts SET balance = balance + ? WHERE name = ?", (amount, target)),
                ],
                principal="simulation",
                labels={},
                transaction_id=transaction_id,
            )
            assert answer.sequence_number is not None
        except Crash:
            self._drop(name)
            self.unknown[transaction_id] = order
        except OutcomeUnknownError:
            self.unknown[transaction_id] = order
        except UnavailableError:
            if transaction_id not in self.unknown:
                self.refused.add(transaction_id)
        else:
            self.acknowledged[transaction_id] = order
            self.unknown.pop(transaction_id, None)
            self.refused.discard(transaction_id)

    def rival_acts(self, name: str) -> None:
        """While one node's block is on its way, the other commits something."""
        if self.busy or not self.world.happens(1.0):
            return
        self.busy = True
        try:
            rival = "north" if name == "south" else "south"
            self.transfer(rival, self.fresh_id(), self.order())
        finally:
            self.busy = False

    def fresh_id(self) -> bytes:
        return new_id(self.world.clock(), self.world.entropy)

    def order(self) -> tuple[str, str, int]:
        source, target = self.world.random.sample(ACCOUNTS, 2)
        return source, target, self.world.random.randrange(1, 9)

    def settle(self) -> None:
        """No more faults: what is late arrives, what is outstanding settles, all read to the end."""
        self.world.faults = 0.0
        self.world.records += self.world.late
        self.world.late.clear()
        for node in self.nodes.values():
            node.sequencer._log.crash_at = lambda place: False
        for name in ("north", "south", "north"):
            self.node(name).sequencer.catch_up()

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()

    def _drop(self, name: str) -> None:
        """The process is gone: what its connections had not committed is rolled back."""
        node = self.nodes.pop(name, None)
        if node is not None:
            node._reading.close()
            node.sequencer._store.close()

    def _arm(self, log: FaultyLog) -> None:
        log.crash_at = lambda place: self.world.happens(0.1)

    def _entropy_of(self, log: FaultyLog):
        def entropy(count: int) -> bytes:
            log._crash("entropy")
            return self.world.entropy(count)

        return entropy


def open_bank(world: World, folder: Path) -> Fleet:
    block = genesis(
        name="bank", prefix="test", private_key=KEY, durability=Durability(), writer="test",
        principal="test", clock=world.clock, entropy=world.entropy,
    )  # fmt: skip
    world.records.append(block.encode())
    faults, world.faults = world.faults, 0.0
    fleet = Fleet(world, folder)
    node = fleet.node("north")
    for statement, parameters in (
        ("CREATE TABLE accounts", ()),
        ("CREATE UNIQUE INDEX ON accounts (name)", ()),
        *(("INSERT INTO accounts ?", ({"name": name, "balance": 100},)) for name in ACCOUNTS),
    ):
        node.execute([(statement, parameters)], principal="test", labels={}, transaction_id=None)
    world.faults = faults
    return fleet


def committed_ids(records: list[bytes]) -> list[bytes]:
    """Transaction ids on the chain, by the reader rule alone."""
    tip, found = Origin("bank"), []
    for offset, value in enumerate(records):
        outcome = link(tip, check(Record(offset, value)))
        if isinstance(outcome, Accepted):
            tip = outcome.tip
            found += [
                entry.transaction_id
                for entry in outcome.block.contents
                if isinstance(entry, TransactionEntry)
            ]
    return found


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_nothing_acknowledged_is_lost_or_doubled(seed: int, tmp_path: Path) -> None:
    world = World(seed, faults=(0.0, 0.2, 0.6, 1.0)[seed % 4])
    fleet = open_bank(world, tmp_path)
    try:
        for _ in range(40):
            retry = fleet.unknown and world.random.random() < 0.5
            transaction_id = world.random.choice(list(fleet.unknown)) if retry else fleet.fresh_id()
            order = fleet.unknown.get(transaction_id) or fleet.order()
            fleet.transfer(world.random.choice(("north", "south")), transaction_id, order)
        fleet.settle()

        chain = committed_ids(world.records)
        assert len(chain) == len(set(chain))
        assert set(fleet.acknowledged) <= set(chain)
        assert not fleet.refused & set(chain)
        known = set(fleet.acknowledged) | set(fleet.unknown)
        assert set(chain[3 + len(ACCOUNTS) :]) - known == set()
        _expect_equal_stores(fleet, tmp_path)
        _expect_sums(fleet, chain)
    finally:
        fleet.close()


def _expect_equal_stores(fleet: Fleet, folder: Path) -> None:
    fleet.node("fresh").sequencer.catch_up()
    stores = {name: folded_rows(folder / name / "state.db") for name in fleet.nodes}

    assert stores["north"] == stores["fresh"]
    assert stores["south"] == stores["fresh"]


def _expect_sums(fleet: Fleet, chain: list[bytes]) -> None:
    expected = dict.fromkeys(ACCOUNTS, 100)
    orders = fleet.acknowledged | fleet.unknown
    for transaction_id in chain:
        if transaction_id in orders:
            source, target, amount = orders[transaction_id]
            expected[source] -= amount
            expected[target] += amount
    rows = fleet.node("north").query("SELECT a.name, a.balance FROM accounts AS a", ())

    assert {row["name"]: row["balance"] for row in rows} == expected
    assert sum(expected.values()) == 100 * len(ACCOUNTS)


def test_a_failure_that_is_not_the_worlds_fault_is_answered(tmp_path: Path) -> None:
    fleet = open_bank(World(1, faults=0.0), tmp_path)
    try:
        with pytest.raises(LedgerError, match="no table named"):
            fleet.node("north").execute(
                [("INSERT INTO nowhere ?", ({},))], principal="x", labels={}, transaction_id=None
            )
    finally:
        fleet.close()


@pytest.mark.parametrize("restart_step", [None, 0, 1, 2, 3, 5, 8])
@pytest.mark.parametrize("step", range(8))
def test_a_crash_at_any_step_leaves_the_transfer_done_once(
    step: int, restart_step: int | None, tmp_path: Path
) -> None:
    """The process dies at the n-th call to the outside, then perhaps again while it starts."""
    fleet = open_bank(World(step, faults=0.0), tmp_path)
    try:
        log = fleet.node("north").sequencer._log
        crash_at_call(log, step)
        transaction_id, order = fleet.fresh_id(), fleet.order()
        fleet.transfer("north", transaction_id, order)
        crashed = transaction_id in fleet.unknown
        assert crashed == ("north" not in fleet.nodes)
        pending = [restart_step]
        fleet.arm = lambda log: crash_at_call(log, pending.pop() if pending else None)
        fleet.transfer("north", transaction_id, order)
        fleet.arm = lambda log: None
        fleet.transfer("north", transaction_id, order)
        fleet.settle()

        chain = committed_ids(fleet.world.records)
        assert transaction_id in fleet.acknowledged
        assert chain.count(transaction_id) == 1
        assert len(chain) == len(set(chain))
        _expect_equal_stores(fleet, tmp_path)
        _expect_sums(fleet, chain)
    finally:
        fleet.close()


def crash_at_call(log: FaultyLog, number: int | None) -> None:
    """Crash at that call from now on, counted from 0; once."""
    calls = count()
    log.crash_at = lambda place: next(calls) == number
