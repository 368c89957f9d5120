"""A ledger behaves as a dict of dicts with history, whatever is done to it in whatever order.

Random transactions (also failing ones), reopening, and losing the state store, against a model that a
reader understands at a glance.
"""

import copy
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import indelible
from indelible.engine.node import delete_store

NAMES = st.sampled_from(["ann", "bob", "cem", "dee"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=4)
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["insert", "set", "remove", "delete"]), NAMES, VALUES),
    min_size=1,
    max_size=4,
)


class LedgerModel(RuleBasedStateMachine):
    """Documents by name (a unique index), each with its revisions."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="indelible-model-"))
        self.ledger = indelible.connect(f"file:{self.folder}")
        self.ledger.execute("CREATE TABLE t")
        self.ledger.execute("CREATE UNIQUE INDEX ON t (name)")
        self.ledger.execute("CREATE INDEX ON t (value)")
        self.live: dict[str, dict[str, Any]] = {}
        self.revisions: dict[str, int] = {}

    @rule(steps=STEPS)
    def transact(self, steps: list[tuple[str, str, Any]]) -> None:
        live, fails = copy.deepcopy(self.live), False
        for step, name, value in steps:
            if step == "insert":
                fails = fails or name in live
                live[name] = {"name": name, "value": value}
            elif name in live:
                if step == "delete":
                    del live[name]
                elif step == "remove":
                    live[name].pop("value", None)
                else:
                    live[name]["value"] = value
        try:
            self.ledger.transact([statement(*step) for step in steps])
        except indelible.UniqueViolationError:
            assert fails
        else:
            assert not fails
            self.live = live

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = indelible.connect(f"file:{self.folder}")

    @rule()
    def lose_the_state_store(self) -> None:
        before = self.ledger.history("t").rows
        self.ledger.close()
        delete_store(self.folder / "state.db")
        self.ledger = indelible.connect(f"file:{self.folder}")

        assert self.ledger.history("t").rows == before

    @rule(value=VALUES)
    def find_by_index(self, value: Any) -> None:
        rows = self.ledger.query("SELECT t.name FROM t AS t WHERE t.value = ?", value).rows
        expected = {
            name
            for name, document in self.live.items()
            if "value" in document and value is not None and same(document["value"], value)
        }

        assert {row["name"] for row in rows} == expected

    @invariant()
    def documents_are_the_models(self) -> None:
        if not hasattr(self, "ledger"):
            return
        rows = self.ledger.query("SELECT * FROM t").rows

        assert {row["name"]: row for row in rows} == self.live

    @invariant()
    def versions_have_no_gaps(self) -> None:
        if not hasattr(self, "ledger"):
            return
        versions: dict[str, list[int]] = {}
        for row in self.ledger.history("t"):
            versions.setdefault(row["metadata"]["id"], []).append(row["metadata"]["version"])

        assert all(found == list(range(len(found))) for found in versions.values())

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            shutil.rmtree(self.folder)


def statement(step: str, name: str, value: Any) -> tuple[Any, ...]:
    match step:
        case "insert":
            return ("INSERT INTO t ?", {"name": name, "value": value})
        case "set":
            return ("UPDATE t SET value = ? WHERE name = ?", value, name)
        case "remove":
            return ("UPDATE t REMOVE value WHERE name = ?", name)
        case _:
            return ("DELETE FROM t WHERE name = ?", name)


def same(left: Any, right: Any) -> bool:
    """PartiQL's equality: numbers by value, booleans are no numbers."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


LedgerModel.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLedgerModel = LedgerModel.TestCase
