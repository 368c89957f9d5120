"""`import`: CSV and JSON Lines into a table, each document exactly once.

Each chunk of 500 documents is one transaction whose id is derived from the file's content, the table
and the chunk's number. A chunk that is there already answers with its first commit. So whoever does not
know how far an import came just repeats it.
"""

from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Annotated, Final

import typer

import indelible
from indelible.cli.arguments import JsonOption, UrlArgument, argument
from indelible.cli.columns import Columns, parse_types
from indelible.cli.output import print_json, print_note
from indelible.cli.progress import progress_bar
from indelible.cli.session import session_of
from indelible.cli.signals import stopping_on_signals
from indelible.cli.sources import Chunk, CSVSource, JSONLinesSource, Source
from journal.errors import InputError, LedgerError

_INTERRUPTED: Final = 130
_FORMATS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


@dataclass(slots=True, kw_only=True)
class Imported:
    """What an import did.

    Attributes:
        documents: In the ledger now.
        repeated: Of these, how many an earlier run had written.
        finished: Whether that is the whole file.
    """

    documents: int = 0
    repeated: int = 0
    finished: bool = False


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "import",
        short_help="Write a file into a table, exactly once.",
        epilog="Example: indelible import file:./registry aircraft planes.csv --create"
        " --types seats=int",
    )(import_)


def import_(
    context: typer.Context,
    url: UrlArgument = None,
    table: Annotated[str | None, argument("TABLE", "Where the documents go.")] = None,
    file: Annotated[str | None, argument("FILE", "CSV, TSV or JSON Lines.")] = None,
    *,
    create: Annotated[
        bool, typer.Option("--create", help="Make the table if it is not there.")
    ] = False,
    types: Annotated[
        str,
        typer.Option(
            metavar="COLUMN=TYPE,...",
            help="CSV: types of columns; str, int, decimal, float, bool, timestamp, json.",
            show_default=False,
        ),
    ] = "",
    infer: Annotated[
        bool,
        typer.Option("--infer", help="CSV: find int, decimal and bool columns by their cells."),
    ] = False,
    null: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="CSV: cells with this text are null.", show_default=False
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(metavar="CHARACTER", help="CSV: between cells.", show_default="comma"),
    ] = None,
    run: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Import a file once more on purpose: under another name it counts as new.",
            show_default=False,
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Write the documents of a file into a table, 500 in a transaction, each exactly once.

    Interrupted or killed, repeat it: what is there already is not written again. The whole file is
    checked first; a bad line is named, and nothing is written.
    """
    session = session_of(context)
    target, name, path = session.url_and(url, table, file)
    source = _source(
        Path(path), Columns(types=parse_types(types), inferred=infer, null=null), delimiter
    )
    with stopping_on_signals() as stop, session.writer(target) as ledger:
        if create:
            ledger.execute(f"CREATE TABLE IF NOT EXISTS {_quoted(name)}")
        done = write_chunks(ledger, source, name, run=run, stop=stop)
    if as_json:
        print_json(
            {"documents": done.documents, "repeated": done.repeated, "finished": done.finished}
        )
    else:
        print_note(_summary(done, source.count))
    if not done.finished:
        raise typer.Exit(_INTERRUPTED)


def write_chunks(
    ledger: indelible.Ledger, source: Source, table: str, *, run: str = "", stop: Event
) -> Imported:
    """Write what is not there yet; ends early, between two chunks, when `stop` is set.

    Raises:
        LedgerError: A chunk was refused; nothing of it was written.
    """
    done, tip = Imported(), ledger.status().tip.sequence_number
    statement = f"INSERT INTO {_quoted(table)} ?"
    with progress_bar() as bar, closing(source.chunks()) as chunks:
        task = bar.add_task(f"importing {source.path.name}", total=source.count)
        for chunk in chunks:
            if stop.is_set():
                return done
            result = _write(ledger, statement, chunk, chunk_id(source.sha256, table, run, chunk))
            done.documents += len(chunk.documents)
            if result.block_address is not None and result.block_address.sequence_number <= tip:
                done.repeated += len(chunk.documents)
            bar.advance(task, len(chunk.documents))
    done.finished = True
    return done


def chunk_id(file_hash: bytes, table: str, run: str, chunk: Chunk) -> bytes:
    """The transaction id of a chunk: its number, then bits of SHA-256(file, table, run, number).

    The number comes first so that document ids, which are derived from it, are about in the file's order.
    """
    number = chunk.number.to_bytes(6, "big")
    names = b"".join(len(name.encode()).to_bytes(4, "big") + name.encode() for name in (table, run))
    return number + sha256(b"indelible import\n" + file_hash + names + number).digest()[:10]


def _write(
    ledger: indelible.Ledger, statement: str, chunk: Chunk, transaction_id: bytes
) -> indelible.Result:
    try:
        return ledger.execute(statement, chunk.documents, transaction_id=transaction_id)
    except LedgerError as error:
        error.message = f"lines {chunk.first_line} to {chunk.last_line}: {error.message}"
        raise


def _source(path: Path, columns: Columns, delimiter: str | None) -> Source:
    suffix = path.suffix.lower()
    match _FORMATS.get(suffix):
        case "csv":
            return CSVSource(path, columns, _delimiter(delimiter, suffix))
        case "jsonl":
            if columns.types or columns.inferred or columns.null is not None or delimiter:
                raise InputError("JSON Lines have types of their own; these options are for CSV")
            return JSONLinesSource(path)
        case _:
            raise InputError(
                f"cannot tell the format of {path}",
                hint=f"name it with one of {', '.join(_FORMATS)}",
            )


def _delimiter(given: str | None, suffix: str) -> str:
    delimiter = given or ("\t" if suffix == ".tsv" else ",")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InputError(f"cells cannot be delimited by {delimiter!r}")
    return delimiter


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _summary(done: Imported, count: int) -> str:
    text = f"{done.documents:,} of {count:,} documents are in the ledger"
    if done.repeated:
        text += f" ({done.repeated:,} were there already)"
    return text if done.finished else f"{text}; run it again to go on"
