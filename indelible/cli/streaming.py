"""`stream`: every revision of a ledger into Kafka topics, a webhook, a file or standard output."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer

from indelible.cli.arguments import UrlArgument
from indelible.cli.output import print_json_lines, print_note, print_table
from indelible.cli.progress import CatchUpBar
from indelible.cli.session import session_of
from indelible.cli.signals import stopping_on_signals
from indelible.client.addresses import JournalAddress, parse_journal_address
from indelible.engine.streaming import (
    PARTITIONS,
    Format,
    StreamOptions,
    Target,
    infer_declaration,
    make_export,
    stream_status,
)
from journal.errors import InputError
from streams.declarations import read_declarations
from streams.exporter import Lag, run_export

_TARGETS: Final = get_args(Target)
_FORMATS: Final = get_args(Format)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Send every revision to Kafka topics, a webhook or a file.",
        epilog="Example: indelible stream file:./registry --bootstrap 127.0.0.1:9092",
    )(stream)


def stream(
    context: typer.Context,
    url: UrlArgument = None,
    *,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Of this exporter; each has a position of its own.")
    ] = "default",
    to: Annotated[
        str, typer.Option(metavar="SINK", help="kafka (the default), webhook, file or stdout.")
    ] = "kafka",
    target: Annotated[
        str,
        typer.Option(
            metavar="URL|FILE", help="The webhook's URL, or the file.", show_default=False
        ),
    ] = "",
    bootstrap: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="The Kafka of the topics; left out, the one the journal is in.",
            show_default=False,
        ),
    ] = "",
    tables: Annotated[
        str,
        typer.Option(metavar="A,B", help="Only these tables; else all.", show_default=False),
    ] = "",
    schemas: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Declared columns of tables, in TOML.", show_default=False
        ),
    ] = None,
    record_format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Of records in Kafka: json-schema (the default), json or avro.",
        ),
    ] = "json-schema",
    registry: Annotated[
        str,
        typer.Option(
            metavar="URL", help="Schema registry that gets the Avro schemas.", show_default=False
        ),
    ] = "",
    partitions: Annotated[
        int, typer.Option(metavar="N", help="Partitions of new topics of tables.", min=1, max=1000)
    ] = PARTITIONS,
    from_block: Annotated[
        int, typer.Option("--from", metavar="BLOCK", help="Where a new exporter begins.", min=0)
    ] = 0,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Holds what a webhook's requests are signed with.",
            show_default=False,
        ),
    ] = None,
    position: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where a webhook's position is kept; else in the ledger's folder.",
            show_default=False,
        ),
    ] = None,
    infer: Annotated[
        str,
        typer.Option(
            metavar="TABLE",
            help="Only print a declaration that fits all documents of a table.",
            show_default=False,
        ),
    ] = "",
    status: Annotated[
        bool, typer.Option("--status", help="Only print how far the exporters into Kafka are.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="End when everything there is was delivered.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs.")] = False,
) -> None:
    """Send every revision of a ledger on, in order, until SIGTERM or Ctrl-C.

    Into Kafka each is delivered exactly once, for readers with isolation.level=read_committed. Into a
    file exactly once, too; to a webhook or standard output at least once.

    Started again, it goes on where it was.
    """
    session = session_of(context)
    (given,) = session.url_and(url)
    address = parse_journal_address(given)
    if infer:
        typer.echo(infer_declaration(address, infer, session.kafka), nl=False)
        return
    options = StreamOptions(
        name=name,
        to=_one_of(to, _TARGETS, "--to"),
        target=target,
        bootstrap=bootstrap,
        format=_one_of(record_format, _FORMATS, "--format"),
        declarations=read_declarations(schemas) if schemas is not None else {},
        tables=frozenset(filter(None, tables.split(","))) if tables else None,
        from_block=from_block,
        partitions=partitions,
        registry=registry,
        secret=_secret(secret_file),
        position_file=position,
        kafka=session.kafka,
    )
    if status:
        _print_status(address, options, as_json=as_json)
    else:
        _run(address, options, once=once, as_json=as_json)


def _run(address: JournalAddress, options: StreamOptions, *, once: bool, as_json: bool) -> None:
    quiet = options.to == "stdout"
    with stopping_on_signals() as stop, CatchUpBar("streaming") as bar:
        reporter = _Reporter(once=once, as_json=as_json and not quiet, quiet=quiet)
        export = replace(make_export(address, options), on_current=reporter, on_progress=bar)
        run_export(export, stop)
    if not as_json and not quiet:
        print_note("stopped")


class _Reporter:
    """Says how far the export is: at first and at the end, and with --json whenever that changed."""

    def __init__(self, *, once: bool, as_json: bool, quiet: bool) -> None:
        self._once, self._as_json, self._quiet = once, as_json, quiet
        self._reported: Any = None

    def __call__(self, lag: Lag) -> bool:
        """Report; true ends the run."""
        if self._as_json:
            if self._reported != lag.position:
                print_json_lines([_fields(lag)])
        elif self._reported is None and not self._quiet:
            print_note(f"up to date at block {lag.position.sequence_number - 1}")
        self._reported = lag.position
        return self._once


def _fields(lag: Lag) -> dict[str, Any]:
    return {
        "sequenceNumber": lag.position.sequence_number,
        "entryIndex": lag.position.entry_index,
        "lagRecords": lag.records,
        "delivered": lag.delivered,
    }


def _print_status(address: JournalAddress, options: StreamOptions, *, as_json: bool) -> None:
    rows = stream_status(address, options)
    if as_json:
        print_json_lines(
            {
                "name": row.name,
                "sequenceNumber": row.position.sequence_number,
                "entryIndex": row.position.entry_index,
                "lagRecords": row.lag_records,
            }
            for row in rows
        )
    else:
        print_table(
            ["exporter", "delivered up to block", "lag (records of the journal)"],
            [[row.name, row.position.sequence_number - 1, row.lag_records] for row in rows],
        )


def _one_of(given: str, known: tuple[Any, ...], option: str) -> Any:
    if given not in known:
        raise InputError(f"{option} cannot be {given!r}", hint=f"one of {', '.join(known)}")
    return given


def _secret(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(secret) < 16:
        raise InputError(f"the secret in {path} is shorter than 16 bytes")
    return secret
