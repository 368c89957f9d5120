"""`python -m bench`: measure, print one table.

python -m bench                                    everything but the flights, a quarter of an hour
python -m bench --quick                            the same, coarse, two or three minutes
python -m bench commits --target embedded --callers 1,8 --seconds 4
python -m bench flights --target embedded,kafka-1  a year of flights; --days 7 for less
python -m bench flights --url kafka://HOST:PORT/LEDGER
python -m bench --json FILE --markdown             for programs, for docs/performance.md
"""

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Final

from bench import machine, report
from bench.plan import FULL, QUICK
from bench.suite import EVERYTHING, LEDGERS, PARTS, TARGETS, Order, Results, run_parts
from infra.errors import InfrastructureError

_YEAR: Final = 365
_MEMORY_FILE_SYSTEMS: Final = ("tmpfs", "ramfs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; returns the exit code."""
    options = _parser().parse_args(arguments)
    parts = EVERYTHING if options.part == "all" else (options.part,)
    order = _order(options)
    if machine.file_system(order.folder) in _MEMORY_FILE_SYSTEMS:
        print(f"warning: {order.folder} is in memory; nothing is durable there", file=sys.stderr)
    try:
        results = run_parts(parts, order)
    except InfrastructureError as error:
        print(error, file=sys.stderr)
        print("--target chooses what to measure", file=sys.stderr)
        return 1
    _print(results, order, options, _command(arguments))
    return 0


def _print(results: Results, order: Order, options: argparse.Namespace, command: str) -> None:
    facts = machine.describe(order.folder) | results.servers | {"run": _run_of(order, options.part)}
    if options.json is not None:
        content = report.as_json(results.rows, facts, results.memory, command)
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    if options.markdown:
        print(report.format_markdown(results.rows, facts, results.memory, command))
        return
    print(report.format_machine(facts))
    print()
    print(report.format_table(results.rows))
    print()
    print(report.format_memory(results.memory))


def _order(options: argparse.Namespace) -> Order:
    plan = QUICK if options.quick else FULL
    chosen = ("callers", "rounds", "seconds", "documents", "blocks", "audited")
    given = {name: value for name in chosen if (value := getattr(options, name)) is not None}
    if options.documents is not None:
        given["single_documents"] = max(1, options.documents // 5)
    if options.seconds is not None and options.seconds < plan.warm_up_seconds:
        given |= {"warm_up_seconds": options.seconds, "broker_warm_up_seconds": options.seconds}
    targets = options.target
    if targets is None:
        targets = LEDGERS[:2] if options.part == "flights" else TARGETS
    return Order(
        plan=replace(plan, **given),
        targets=targets,
        folder=options.folder,
        days=options.days,
        url=options.url,
        say=_Teller(),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", default="all", choices=("all", *PARTS))
    parser.add_argument("--quick", action="store_true", help="coarse, in two or three minutes")
    parser.add_argument("--target", type=_names, metavar="NAMES", help=f"of {','.join(TARGETS)}")
    parser.add_argument("--callers", type=_numbers, metavar="N,N", help="for commits")
    parser.add_argument("--rounds", type=int, help="turns of each target; medians are shown")
    parser.add_argument("--seconds", type=float, help="of each turn")
    parser.add_argument("--documents", type=int, help="for queries, import and rebuild")
    parser.add_argument("--blocks", type=int, help="in the ledger that gives receipts")
    parser.add_argument("--audited", type=int, help="revisions that are audited")
    parser.add_argument("--days", type=int, default=_YEAR, help="of flights (365)")
    parser.add_argument("--url", help="an empty ledger for the flights, instead of --target")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="for all data; on the disk that is to be measured",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--markdown", action="store_true", help="print a section for the docs")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in TARGETS:
            raise argparse.ArgumentTypeError(f"unknown target {name!r}: of {', '.join(TARGETS)}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _run_of(order: Order, part: str) -> str:
    if part == "flights":
        return f"the first {order.days} days of 2013"
    plan = order.plan
    return (
        f"commits: medians over {plan.rounds} x {plan.seconds:g} s; "
        f"tables: {plan.documents:,} documents"
    )


def _command(arguments: Sequence[str] | None) -> str:
    return shlex.join(
        ["python", "-m", "bench", *(sys.argv[1:] if arguments is None else arguments)]
    )


class _Teller:
    """Progress on standard error, with the seconds since the start."""

    def __init__(self) -> None:
        self._started = perf_counter()

    def __call__(self, text: str) -> None:
        print(f"{perf_counter() - self._started:5.0f} s  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
