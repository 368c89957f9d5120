"""Running transfer writers, and judging afterwards what they left behind."""

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import indelible
from indelible.client.addresses import parse_address
from indelible.engine.opening import open_log
from infra.processes import spawn
from journal.chain import Accepted, Origin, check, link
from journal.codec import TransactionEntry
from journal.ids import id_text
from journal.log import Log, Position
from tests.support.transfer_writer import ACCOUNTS, OPENING_BALANCE

ROOT = Path(__file__).parents[2]


class Writer:
    """A transfer writer in its own process; what it says goes to a file that survives it.

    A context manager: whatever happens, the process does not outlive the block (nor this process).
    """

    def __init__(self, url: str, lines: Path, *, threads: int = 8, seconds: float = 600.0) -> None:
        self.lines = lines
        module = "tests.support.transfer_writer"
        command = [sys.executable, "-m", module, url, str(threads), str(seconds)]
        self.process = spawn(command, log=lines, folder=ROOT)

    def wait_for(self, word: str, count: int, timeout: float = 60.0) -> None:
        """Wait until it has said `word` so many times in all."""
        deadline = time.monotonic() + timeout
        while self.count(word) < count:
            assert self.process.poll() in (None, 0), f"the writer died:\n{self._tail()}"
            assert time.monotonic() < deadline, (
                f"not {count} times {word!r} in {timeout} s:\n{self._tail()}"
            )
            time.sleep(0.01)

    def count(self, word: str) -> int:
        return sum(line.startswith(word + " ") for line in self.lines.read_text().splitlines())

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def finish(self, timeout: float = 120.0) -> None:
        """Wait until it ends by itself, and expect that it ends well."""
        code = self.process.wait(timeout)

        assert code == 0, self._tail()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _tail(self) -> str:
        return self.lines.read_text()[-3000:]


@dataclass
class Claims:
    """What writers said they did."""

    tried: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)

    def read(self, path: Path) -> None:
        for line in path.read_text().splitlines():
            match line.split():
                case ["try", transaction_id, source, target, amount]:
                    self.tried[transaction_id] = (source, target, int(amount))
                case ["ok", transaction_id]:
                    self.acknowledged.append(transaction_id)
                case ["ready", seconds]:
                    self.restarts.append(float(seconds))


def committed_ids(log: Log, ledger_name: str) -> list[str]:
    """Ids of all transactions on the chain, by the reader rule alone."""
    end, tip = log.end_offset(), Origin(ledger_name)
    found: list[str] = []
    reader = log.reader(Position(offset=0))
    try:
        while reader.position() < end:
            for record in reader.read(timeout=5.0):
                outcome = link(tip, check(record))
                if isinstance(outcome, Accepted):
                    tip = outcome.tip
                    found += [
                        id_text(entry.transaction_id)
                        for entry in outcome.block.contents
                        if isinstance(entry, TransactionEntry)
                    ]
    finally:
        reader.close()
    return found


def expect_nothing_lost_or_doubled(url: str, *lines: Path) -> Claims:
    """Judge the ledger at `url` by what its writers said in `lines`."""
    claims = Claims()
    for path in lines:
        claims.read(path)
    address = parse_address(url)
    log = open_log(address)
    try:
        chain = committed_ids(log, address.name)
    finally:
        log.close()
    twice = [transaction_id for transaction_id, count in Counter(chain).items() if count > 1]
    lost = set(claims.acknowledged) - set(chain)

    assert twice == []
    assert lost == set()
    assert claims.acknowledged, "the load did nothing"
    _expect_balances(url, chain, claims)
    return claims


def _expect_balances(url: str, chain: list[str], claims: Claims) -> None:
    expected = dict.fromkeys(ACCOUNTS, OPENING_BALANCE)
    for transaction_id in chain:
        if transaction_id in claims.tried:
            source, target, amount = claims.tried[transaction_id]
            expected[source] -= amount
            expected[target] += amount
    with indelible.connect(url) as ledger:
        rows = ledger.query("SELECT a.name, a.balance FROM accounts AS a").rows

    assert {row["name"]: row["balance"] for row in rows} == expected
    assert sum(row["balance"] for row in rows) == OPENING_BALANCE * len(ACCOUNTS)
