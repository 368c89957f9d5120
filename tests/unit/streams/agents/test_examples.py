"""What the example agents decide."""

import importlib.util
from pathlib import Path
from types import ModuleType

from streams.agents import Revision
from streams.planning import revision_of
from tests.support.revision_writer import a_change

EXAMPLES = Path(__file__).parents[4] / "examples" / "agents"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


OWNERSHIP, SUSPICIOUS = load("ownership"), load("suspicious")


def sold(number: int, owner: str | None) -> Revision:
    document = None if owner is None else {"owner": owner}
    return Revision.of(revision_of(a_change(number, "d", number, document), "r"), partition=0)


def differences(owner: str | None, before: str | None) -> dict[str, int]:
    return {each.owner: each.difference for each in OWNERSHIP.changes(sold(1, owner), before)}


def test_a_sale_takes_from_one_and_gives_to_the_other():
    assert differences("bob", "ann") == {"ann": -1, "bob": 1}
    assert differences("bob", None) == {"bob": 1}
    assert differences(None, "bob") == {"bob": -1}
    assert differences("bob", "bob") == {}


def test_three_sales_within_a_day_raise_a_flag():
    state, flags = SUSPICIOUS.Recent(None, []), []
    for number, owner in enumerate(["ann", "bob", "bob", "cid", "dan"]):
        state, flag = SUSPICIOUS.look(sold(number, owner), state)
        flags.append(flag)

    assert flags[:4] == [None] * 4
    assert flags[4].owners == ["bob", "cid", "dan"]


def test_three_sales_in_longer_than_a_day_raise_none():
    day_seconds = 24 * 60 * 60
    state, flags = SUSPICIOUS.Recent(None, []), []
    for number, owner in enumerate(["ann", "bob", "cid", "dan"]):
        state, flag = SUSPICIOUS.look(sold(number * day_seconds // 2, owner), state)
        flags.append(flag)

    assert flags == [None] * 4
