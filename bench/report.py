"""What was measured, as a table, as JSON, as a section of docs/performance.md. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Final

from bench.measure import Point

BASELINES: Final = ("postgres-plain", "postgres-deferred", "postgres-inline")
_HEADINGS: Final = (
    *("measure", "target", "callers", "per second", "p50 ms", "p99 ms"),
    *(f"x {name.removeprefix('postgres-')}" for name in BASELINES),
)
_TEXT_COLUMNS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report.

    Attributes:
        measure: What was counted: "commits", "point queries".
        target: Of what.
        callers: Threads or clients.
        point: The figures.
    """

    measure: str
    target: str
    callers: int
    point: Point


def ratios(row: Row, rows: Sequence[Row]) -> Mapping[str, float]:
    """The row's rate over that of each baseline of the same measure and number of callers.

    >>> fast, slow = (
    ...     Row(measure="commits", target=name, callers=8, point=Point(rate=rate))
    ...     for name, rate in (("embedded", 300.0), ("postgres-inline", 200.0))
    ... )
    >>> ratios(fast, [fast, slow])
    {'postgres-inline': 1.5}
    """
    return {
        other.target: row.point.rate / other.point.rate
        for other in rows
        if other.target in BASELINES
        and (other.measure, other.callers) == (row.measure, row.callers)
    }


def format_table(rows: Sequence[Row]) -> str:
    """The one table: text to the left, numbers to the right; rows that are compared stand together."""
    cells = [_cells(row, rows) for row in rows]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *cells, strict=True)]
    lines = [_line(_HEADINGS, widths), "  ".join("-" * width for width in widths)]
    previous_count = 1
    for _, group in groupby(
        zip(rows, cells, strict=True), lambda pair: (pair[0].measure, pair[0].callers)
    ):
        members = [_line(texts, widths) for _, texts in group]
        if max(len(members), previous_count) > 1:
            lines.append("")
        lines += members
        previous_count = len(members)
    return "\n".join(lines)


def as_json(
    rows: Sequence[Row], machine: Mapping[str, str], memory: Mapping[str, float], command: str
) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "command": command,
        "machine": dict(machine),
        "rows": [{**asdict(row), "ratios": dict(ratios(row, rows))} for row in rows],
        "peak_memory_mb": dict(memory),
    }


def format_memory(memory: Mapping[str, float]) -> str:
    """The benchmark's own process, in which the ledgers live."""
    parts = ", ".join(f"{part} {size:.0f} MB" for part, size in memory.items())
    return (
        f"peak resident memory of the process that holds the ledgers: {parts}\n"
        "(pages of state files that are mapped count once for each connection)"
    )


def format_machine(machine: Mapping[str, str]) -> str:
    """One line for each fact."""
    width = max(map(len, machine))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in machine.items())


def format_markdown(
    rows: Sequence[Row], machine: Mapping[str, str], memory: Mapping[str, float], command: str
) -> str:
    """A section for docs/performance.md."""
    facts = "\n".join(f"| {name} | {value} |" for name, value in machine.items())
    return "\n".join(
        [
            f"## {machine['date']}, {machine['commit']}",
            "",
            "| | |",
            "| --- | --- |",
            f"| command | `{command}` |",
            facts,
            "",
            "```text",
            format_table(rows),
            "",
            format_memory(memory),
            "```",
        ]
    )


def _cells(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    against = ratios(row, rows)
    return (
        row.measure,
        row.target,
        str(row.callers),
        f"{row.point.rate:,.0f}",
        _number(row.point.p50_ms, 3),
        _number(row.point.p99_ms, 2),
        *(_number(against.get(name), 2) for name in BASELINES),
    )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [
        cell.ljust(width) if index < _TEXT_COLUMNS else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(texts).rstrip()
