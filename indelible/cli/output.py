"""What commands print: tables for people, JSON for programs.

Programs get one JSON document or one a line, in the tagged form of documents (docs/formats), so that
decimals, timestamps and bytes survive. Errors go to standard error.
"""

import datetime
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from journal import document
from journal.errors import LedgerError
from journal.values import MISSING, Time, Timestamp

ROWS_SHOWN: Final = 1_000
"""Rows that a table for people has at most."""
_WIDE: Final = 20_000


def console() -> Console:
    """Standard output; as wide as its content where it is no terminal, so that nothing is cut."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDE)


def print_json(value: Any) -> None:
    """One document on a line of its own."""
    sys.stdout.buffer.write(document.encode(None if value is MISSING else value) + b"\n")


def print_json_lines(values: Iterable[Any]) -> None:
    """One document a line, as they come."""
    for value in values:
        print_json(value)
    sys.stdout.buffer.flush()


def print_rows(rows: Iterable[Any]) -> None:
    """Rows as a table, or as one block each where the table would not fit."""
    remaining = iter(rows)
    shown = list(islice(remaining, ROWS_SHOWN))
    out = console()
    table = _table(shown)
    if shown:
        if Measurement.get(out, out.options, table).maximum <= out.width or not out.is_terminal:
            out.print(table)
        else:
            _print_blocks(out, shown)
    more = next(remaining, None) is not None
    count = f"first {len(shown):,} rows; --json gives all" if more else _count(len(shown))
    out.print(Text(f"({count})", style="dim"))


def print_pairs(pairs: Mapping[str, Any]) -> None:
    """Names and values, one pair a line."""
    out, width = console(), max(map(len, pairs))
    for name, value in pairs.items():
        out.print(Text.assemble((name.ljust(width), "bold"), "  ", cell(value)), soft_wrap=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with given columns."""
    table = Table(*columns, header_style="bold")
    for row in rows:
        table.add_row(*map(cell, row))
    console().print(table)


def print_note(text: str) -> None:
    """Something for people only, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text))


def print_error(error: LedgerError) -> None:
    """An error and what to do about it; as JSON where the command line asks for JSON."""
    if "--json" in sys.argv:
        facts = {"code": error.code, "message": error.message, "retryable": error.retryable}
        print(json.dumps(facts | ({"hint": error.hint} if error.hint else {})), file=sys.stderr)
        return
    out = Console(stderr=True, highlight=False, soft_wrap=True)
    out.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.hint:
        out.print(Text.assemble(("hint: ", "bold yellow"), error.hint))


def cell(value: Any) -> Text:
    """A value as people read it: texts bare, structs and lists as JSON."""
    if value is MISSING:
        return Text("")
    if value is None:
        return Text("null", style="dim")
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, bool):
        return Text("true" if value else "false")
    if isinstance(value, int | float | Decimal):
        return Text(str(value), style="cyan")
    if isinstance(value, datetime.datetime):
        return Text(value.isoformat().replace("+00:00", "Z"))
    if isinstance(value, Timestamp | Time):
        return Text(value.text)
    return Text(document.encode(value).decode())


def _table(rows: Sequence[Any]) -> Table:
    if not all(isinstance(row, dict) for row in rows):
        table = Table("value", header_style="bold")
        for row in rows:
            table.add_row(cell(row))
        return table
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(header_style="bold")
    for name in columns:
        table.add_column(Text(name))
    for row in rows:
        table.add_row(*(cell(row.get(name, MISSING)) for name in columns))
    return table


def _print_blocks(out: Console, rows: Sequence[Any]) -> None:
    for number, row in enumerate(rows, 1):
        out.print(Text(f"--- row {number}", style="dim"))
        if not isinstance(row, dict):
            out.print(cell(row))
            continue
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, value in row.items():
            table.add_row(Text(name), cell(value))
        out.print(table)


def _count(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"
