"""`connect-config`: what Kafka Connect has to be told to keep a table elsewhere equal to one of ours."""

from enum import StrEnum
from typing import Annotated

import typer

from indelible.cli.arguments import UrlArgument
from indelible.cli.session import session_of
from indelible.client.addresses import parse_journal_address
from indelible.engine.journals import ledger_name_of
from indelible.engine.streaming import prefix_of
from journal.errors import InputError
from streams.connect import Connector, Source, file_sink, format_connector, jdbc_sink


class Sink(StrEnum):
    """Where to."""

    JDBC = "jdbc"
    FILE = "file"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "connect-config",
        short_help="Print a configuration for Kafka Connect.",
        epilog="Example: indelible connect-config kafka://127.0.0.1:9092/registry --table vehicles"
        " --url jdbc:postgresql://127.0.0.1:5432/registry",
    )(connect_config)


def connect_config(
    context: typer.Context,
    url: UrlArgument = None,
    *,
    table: Annotated[str, typer.Option(metavar="TABLE", help="The table, as the ledger has it.")],
    sink: Annotated[
        Sink, typer.Option(help="A table of a relational database, or a file.")
    ] = Sink.JDBC,
    history: Annotated[
        bool,
        typer.Option("--history", help="Every revision; else the newest state of each document."),
    ] = False,
    jdbc_url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="JDBC-URL",
            help="jdbc: the database, as the Connect worker reaches it.",
            show_default=False,
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="jdbc: the database's user.", show_default=False)
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            help="jdbc: better a placeholder that the worker fills in: '${env:NAME}'.",
            show_default=False,
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="jdbc: the table there. Default: as in the ledger; the history with _history.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="file: where, on the worker's machine.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="The connector's. Default: after the topic.", show_default=False),
    ] = None,
) -> None:
    """Print the configuration of a sink that reads what `indelible stream` writes.

    Give it to a worker: POST it to /connectors, or name its file on the command line of
    connect-standalone. Nothing is connected to here.
    """
    (target,) = session_of(context).url_and(url)
    address = parse_journal_address(target)
    source = Source(
        prefix=prefix_of(address), ledger=ledger_name_of(address), table=table, history=history
    )
    typer.echo(
        format_connector(_connector(sink, source, jdbc_url, user, password, into, file, name)),
        nl=False,
    )


def _connector(
    sink: Sink,
    source: Source,
    jdbc_url: str | None,
    user: str | None,
    password: str | None,
    into: str | None,
    file: str | None,
    name: str | None,
) -> Connector:
    if sink is Sink.JDBC:
        if jdbc_url is None or file is not None:
            raise InputError("a sink of kind jdbc needs --url, and has no --file")
        return jdbc_sink(source, url=jdbc_url, user=user, password=password, into=into, name=name)
    if file is None or (jdbc_url, user, password, into) != (None,) * 4:
        raise InputError("a sink of kind file needs --file, and nothing of a database")
    return file_sink(source, path=file, name=name)
