"""Transfers between accounts that are either done or not, and never twice.

Run it: `python examples/bank.py [URL]`; without a URL the ledger is in memory.
"""

import sys
from uuid import UUID, uuid4  # noqa: TID251 - a program may

import indelible


def main(url: str) -> None:
    """Open two accounts, move money, and show what happened."""
    with indelible.connect(url) as ledger:
        ledger.execute("CREATE TABLE accounts")
        ledger.execute("CREATE UNIQUE INDEX ON accounts (name)")
        ledger.execute(
            "INSERT INTO accounts ?",
            [{"name": "ann", "balance": 100}, {"name": "bob", "balance": 0}],
        )
        intention = uuid4()
        for _ in range(3):  # as after two lost answers: one intention, one transfer
            transfer(ledger, "ann", "bob", 30, intention)
        for account in ledger.query("SELECT a.name, a.balance FROM accounts AS a"):
            print(account)
        for revision in ledger.history("accounts"):
            print(revision["metadata"]["txTime"], revision["data"])


def transfer(
    ledger: indelible.Ledger, source: str, target: str, amount: int, intention: UUID
) -> None:
    """Move money, however often this is called for one intention."""
    ledger.transact(
        [
            ("UPDATE accounts SET balance = balance - ? WHERE name = ?", amount, source),
            ("UPDATE accounts SET balance = balance + ? WHERE name = ?", amount, target),
        ],
        transaction_id=intention,
    )


if __name__ == "__main__":
    main(*sys.argv[1:] or ["memory:"])
