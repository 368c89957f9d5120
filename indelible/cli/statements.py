"""`execute`, `query`, `history`: PartiQL from the command line."""

from typing import Annotated, Any

import typer

from indelible.cli.arguments import (
    JsonOption,
    ParameterFileOption,
    ParameterOption,
    UrlArgument,
    argument,
    parameters_from,
)
from indelible.cli.output import print_json, print_json_lines, print_note, print_rows
from indelible.cli.session import session_of
from indelible.client.transport import Result
from journal.errors import InputError

StatementArgument = Annotated[str | None, argument("STATEMENT", "PartiQL.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        short_help="Run one statement as a transaction.",
        epilog="Example: indelible execute file:./registry 'INSERT INTO vehicles ?'"
        ' -p \'{"vin": "1N4AL11D75C109151"}\'',
    )(execute)
    app.command(
        short_help="Run a SELECT or EXPLAIN.",
        epilog="Example: indelible query file:./registry"
        " 'SELECT v.* FROM vehicles AS v WHERE v.owner = ?' -p '\"Nova\"'",
    )(query)
    app.command(
        short_help="Show all revisions of documents.",
        epilog="Example: indelible history file:./registry vehicles --json",
    )(history)


def execute(
    context: typer.Context,
    url: UrlArgument = None,
    statement: StatementArgument = None,
    *,
    parameters: ParameterOption = None,
    file: ParameterFileOption = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="KEY=VALUE",
            help="Kept in the journal with the transaction, for ever. Repeat it.",
            show_default=False,
        ),
    ] = None,
    transaction_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="22 letters; however often it is sent with one id, it is committed once.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run one statement as a transaction; it is durable when the command ends.

    A ledger in a folder is made if it is not there.
    """
    session = session_of(context)
    target, text = session.url_and(url, statement)
    values = parameters_from(parameters, file)
    with session.writer(target) as ledger:
        result = ledger.execute(
            text, *values, labels=_labels(labels or []), transaction_id=transaction_id
        )
    if as_json:
        print_json(_document(result))
        return
    print_rows(result.rows)
    if result.block_address is not None:
        print_note(
            f"committed in block {result.block_address.sequence_number}"
            f" as transaction {result.transaction_id}"
        )


def query(
    context: typer.Context,
    url: UrlArgument = None,
    statement: StatementArgument = None,
    *,
    parameters: ParameterOption = None,
    file: ParameterFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a SELECT or EXPLAIN; nothing is written.

    A ledger that another process has open is read beside it.
    """
    session = session_of(context)
    target, text = session.url_and(url, statement)
    values = parameters_from(parameters, file)
    with session.reader(target) as ledger:
        rows = ledger.query(text, *values)
        if as_json:
            print_json_lines(rows)
        else:
            print_rows(rows)


def history(
    context: typer.Context,
    url: UrlArgument = None,
    table: Annotated[str | None, argument("TABLE", "Whose history.")] = None,
    *,
    document_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Of this document only.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show every revision of a table's documents, or of one document, oldest first.

    The history of a dropped table cannot be named, but stays in the journal.
    """
    session = session_of(context)
    target, name = session.url_and(url, table)
    with session.reader(target) as ledger:
        rows = ledger.history(name, document_id)
        if as_json:
            print_json_lines(rows)
        else:
            print_rows(map(_revision, rows))


def _labels(given: list[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--label takes KEY=VALUE, not {text!r}")
        pairs[key] = value
    return pairs


def _document(result: Result) -> dict[str, Any]:
    address = result.block_address
    return {
        "transactionId": result.transaction_id or None,
        "blockAddress": None
        if address is None
        else {"strandId": address.strand_id, "sequenceNo": address.sequence_number},
        "rows": list(result.rows),
    }


def _revision(row: dict[str, Any]) -> dict[str, Any]:
    """A revision in the columns that people look for."""
    metadata = row["metadata"]
    return {
        "id": metadata["id"],
        "version": metadata["version"],
        "time": metadata["txTime"],
        "block": row["blockAddress"]["sequenceNo"],
        "data": row.get("data", "(deleted)"),
    }
