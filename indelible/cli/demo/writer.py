"""The demo's child process, which is killed while it writes.

`python -m indelible.cli.demo.writer URL FIRST LAST SKIP` writes the flights of FIRST..LAST but the first
SKIP of them, and says on standard output, one number a line, how many of its own are durable so far.
"""

import sys
from datetime import date
from itertools import islice

import indelible
from indelible.cli.demo.flights import flights, load_flights
from indelible.cli.signals import end_on_signals


def main() -> None:
    """Write until done or killed."""
    end_on_signals()
    url, first, last, skip = sys.argv[1:]
    days = flights(date.fromisoformat(first), date.fromisoformat(last))
    with indelible.connect(url) as ledger:
        load_flights(ledger, islice(days, int(skip), None), on_batch=_acknowledge)


def _acknowledge(count: int) -> None:
    print(count, flush=True)


if __name__ == "__main__":
    main()
