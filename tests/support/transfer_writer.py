"""A process that moves money between accounts until it is killed.

    python -m tests.support.transfer_writer URL THREADS SECONDS

It says what it does in lines that survive it: `try ID FROM TO AMOUNT` before a transfer is sent, `ok ID`
once it was acknowledged, `ready SECONDS` when the ledger was open. A transfer whose outcome is unknown is
sent again with the same id until it is known.
"""

import os
import random
import sys
import threading
import time

import indelible
from journal.ids import id_text

ACCOUNTS = tuple(f"account-{number}" for number in range(20))
OPENING_BALANCE = 1_000


def say(line: str) -> None:
    """One write: whole lines only, whoever dies when."""
    os.write(1, f"{line}\n".encode())


def transfer_forever(ledger: indelible.Ledger, end: float) -> None:
    while time.monotonic() < end:
        source, target = random.sample(ACCOUNTS, 2)
        amount = random.randrange(1, 10)
        transaction_id = id_text(os.urandom(16))
        say(f"try {transaction_id} {source} {target} {amount}")
        transfer(ledger, transaction_id, source, target, amount)


def transfer(
    ledger: indelible.Ledger, transaction_id: str, source: str, target: str, amount: int
) -> None:
    statements = [
        ("UPDATE accounts SET balance = balance - ? WHERE name = ?", amount, source),
        ("UPDATE accounts SET balance = balance + ? WHERE name = ?", amount, target),
    ]
    while True:
        try:
            ledger.transact(statements, transaction_id=transaction_id)
        except indelible.UnavailableError as error:
            say(f"again {transaction_id} {error.code}")
            time.sleep(0.05)
        else:
            say(f"ok {transaction_id}")
            return


def open_accounts(ledger: indelible.Ledger) -> None:
    """Make the accounts, once, however often this is called."""
    ledger.execute("CREATE TABLE accounts")
    ledger.execute("CREATE UNIQUE INDEX ON accounts (name)")
    accounts = [{"name": name, "balance": OPENING_BALANCE} for name in ACCOUNTS]
    ledger.execute("INSERT INTO accounts ?", accounts)


def main() -> None:
    url, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    start = time.monotonic()
    with indelible.connect(url) as ledger:
        say(f"ready {time.monotonic() - start:.3f}")
        end = time.monotonic() + seconds
        workers = [
            threading.Thread(target=transfer_forever, args=(ledger, end)) for _ in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


if __name__ == "__main__":
    main()
