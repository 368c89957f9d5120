"""Acknowledged is durable: the embedded journal under `kill -9`."""

import os
import random
import time
from pathlib import Path

import pytest

import indelible
from tests.support.transfer_writer import open_accounts
from tests.support.transfers import Writer, expect_nothing_lost_or_doubled

pytestmark = pytest.mark.slow

KILLS = 20 if os.environ.get("INDELIBLE_SOAK") else 3


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_kill_minus_nine_loses_and_doubles_nothing(tmp_path: Path) -> None:
    url = f"file:{tmp_path / 'bank'}"
    lines = tmp_path / "lines"
    with indelible.connect(url) as ledger:
        open_accounts(ledger)
    for number in range(KILLS):
        with Writer(url, lines) as writer:
            writer.wait_for("ready", number + 1)
            time.sleep(random.uniform(0.05, 1.5))
    claims = expect_nothing_lost_or_doubled(url, lines)
    print(
        f"\n{KILLS} kills, {len(claims.acknowledged)} acknowledged transfers; "
        f"reopened in {max(claims.restarts):.2f} s at most"
    )
