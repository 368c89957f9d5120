"""`python -m bench.profile`: where the time of a commit goes, by layer, then by function.

    python -m bench.profile --count 5000 --callers 1,8

Each caller's thread has a profiler of its own (cProfile), so a thread's waiting counts as such. What is
written in C (SQLite, hashing) counts for the layer of the Python function that called it. cProfile makes
small Python functions look dearer than they are: read shares rather than microseconds, and compare the
two rates above them. It sees nothing inside compiled modules (ADR 8), so it wants the sources.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import indelible
from bench import workload
from bench.callers import Call, drive
from bench.measure import Sample, point_of
from indelible.engine import sequencer

_Function = tuple[str, int, str]
_Stats = Mapping[_Function, tuple[int, int, float, float, Mapping[_Function, tuple[Any, ...]]]]

COMPILED: Final = str(sequencer.__file__).endswith(".so")
"""Whether this runs on compiled modules."""
_ROOT: Final = Path(__file__).resolve().parents[1]
_TOP: Final = 25
_BUILT_IN: Final = "~"
"""pstats' file name of functions written in C."""
_WAITING: Final = "waiting for a turn, or for the block"
_LAYERS: Final = (
    ("materializer/partiql/", "statements (plan, execute)"),
    ("materializer/store/view.py", "state: reads by statements (SQLite)"),
    ("materializer/", "state: rows of blocks (SQLite)"),
    ("journal/sqlite.py", "journal (append, fsync)"),
    ("journal/memory.py", "journal (append, fsync)"),
    ("journal/kafka/", "journal (append, fsync)"),
    ("journal/", "documents, codec, hashes"),
    ("verifier/", "documents, codec, hashes"),
    ("indelible/engine/", "sequencer, block being built"),
    ("indelible/", "SDK"),
    ("bench/", "the benchmark itself"),
)
_LAST_MULTITHREADED: Final = (3, 11)
"""From 3.12 on an interpreter has one cProfile at most, and it takes all threads for one."""


def main() -> int:
    """Profile each number of callers that was asked for; returns the exit code."""
    options = _parser().parse_args()
    if COMPILED:
        print("the modules are compiled; `make pure` goes back to the sources", file=sys.stderr)
        return 1
    for callers in options.callers:
        print(f"=== callers: {callers}, commits: {options.count}")
        print(f"without a profiler  {_summary(_commit(options.count, callers, lambda call: call))}")
        if callers > 1 and sys.version_info[:2] > _LAST_MULTITHREADED:
            print("profiling several threads needs Python 3.11")
            continue
        _profile(options.count, callers)
    return 0


def _profile(count: int, callers: int) -> None:
    profilers = [cProfile.Profile() for _ in range(callers)]
    sample = _commit(count, callers, partial(_profiled, profilers))
    stats: Any = pstats.Stats(*profilers)
    print(f"with the profiler   {_summary(sample)}")
    print()
    print(format_layers(by_layer(stats.stats), sample.count))
    print()
    print(format_functions(stats.stats, sample.count))
    print()


def layer_of(file: str) -> str | None:
    """The layer of a source file; None for files that are not of this repository.

    >>> layer_of(str(_ROOT / "journal" / "document.py"))
    'documents, codec, hashes'
    """
    path = Path(file)
    if not path.is_relative_to(_ROOT) or ".venv" in path.parts:
        return None
    name = path.relative_to(_ROOT).as_posix()
    return next((layer for start, layer in _LAYERS if name.startswith(start)), None)


def by_layer(stats: _Stats) -> dict[str, float]:
    """Seconds of own time by layer; foreign functions count for whoever called them."""
    shares: dict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in stats.items():
        layer = layer_of(function[0])
        if layer is not None:
            shares[layer] += own
        elif _waits(function):
            shares[_WAITING] += own
        else:
            for caller, (_, _, part, _) in callers.items():
                shares[layer_of(caller[0]) or "elsewhere"] += part
    return shares


def format_layers(shares: Mapping[str, float], commits: int) -> str:
    """Shares of the time of all threads, waiting apart: it is the other threads' work."""
    busy = sum(seconds for layer, seconds in shares.items() if layer != _WAITING)
    lines = [f"{'share':>6}  {'us/commit':>9}  layer"]
    for layer, seconds in sorted(shares.items(), key=lambda item: -item[1]):
        share = "" if layer == _WAITING else f"{seconds / busy:6.1%}"
        lines.append(f"{share:>6}  {seconds / commits * 1e6:9.1f}  {layer}")
    return "\n".join(lines)


def format_functions(stats: _Stats, commits: int) -> str:
    """The functions with the most own time; what is written in C apart for each of its callers."""
    lines = [f"{'us/commit':>9}  {'calls':>7}  function (own time, calls per commit)"]
    ranked = sorted(_functions(stats), key=lambda item: -item[2])
    for name, calls, own in ranked[:_TOP]:
        lines.append(f"{own / commits * 1e6:9.1f}  {calls / commits:7.2f}  {name}")
    return "\n".join(lines)


def _functions(stats: _Stats) -> Iterator[tuple[str, int, float]]:
    """(name, calls, seconds of own time)."""
    for function, (_, calls, own, _, callers) in stats.items():
        if function[0] != _BUILT_IN or not callers:
            yield _name(function), calls, own
            continue
        for caller, (_, part_calls, part, _) in callers.items():
            yield f"{function[2]} in {_name(caller)}", part_calls, part


def _commit(count: int, callers: int, wrap: Callable[[Call], Call]) -> Sample:
    with tempfile.TemporaryDirectory() as folder, indelible.connect(f"file:{folder}") as ledger:
        workload.create_tables(ledger)

        def call(caller: int, number: int) -> None:
            ledger.execute(workload.INSERT, workload.vehicle(workload.vin(1, caller, number)))

        for number in range(min(count, 200)):
            ledger.execute(workload.INSERT, workload.vehicle(workload.vin(0, 0, number)))
        return drive(wrap(call), callers=callers, count=max(1, count // callers))


def _profiled(profilers: Sequence[cProfile.Profile], call: Call) -> Call:
    """The call, with the caller's profiler switched on in the caller's thread."""

    def profiled(caller: int, number: int) -> None:
        profiler = profilers[caller]
        profiler.enable()
        try:
            call(caller, number)
        finally:
            profiler.disable()

    return profiled


def _summary(sample: Sample) -> str:
    point = point_of(sample)
    return f"{point.rate:,.0f} commits/s, p50 {point.p50_ms:.3f} ms, p99 {point.p99_ms:.2f} ms"


def _waits(function: _Function) -> bool:
    return "'acquire' of '_thread" in function[2]


def _name(function: _Function) -> str:
    file, line, name = function
    if file == _BUILT_IN:
        return name
    path = Path(file)
    short = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else Path(path.name)
    return f"{short}:{line} {name}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=5_000, help="commits (5000)")
    parser.add_argument("--callers", type=_numbers, default=(1, 8), help="(1,8)")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
