"""A process that commits and signs until it is killed.

    python -m tests.support.signing_writer URL THREADS

Each signed checkpoint is one line of JSON on standard output, written before the next is asked for.
"""

import json
import os
import sys
import threading

import indelible


def commit_forever(ledger: indelible.Ledger) -> None:
    number = 0
    while True:
        number += 1
        ledger.execute("INSERT INTO t ?", {"n": number})


def sign_forever(ledger: indelible.Ledger) -> None:
    while True:
        checkpoint = ledger.checkpoint()
        os.write(1, (json.dumps(checkpoint.note) + "\n").encode())


def main() -> None:
    url, threads = sys.argv[1], int(sys.argv[2])
    with indelible.connect(url) as ledger:
        if not ledger.query("SELECT VALUE COUNT(*) FROM information_schema.user_tables").rows[0]:
            ledger.execute("CREATE TABLE t")
        for target in [commit_forever] * threads + [sign_forever] * 2:
            threading.Thread(target=target, args=(ledger,), daemon=True).start()
        threading.Event().wait()


if __name__ == "__main__":
    main()
