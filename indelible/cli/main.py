"""The entry point: puts the command groups together, and turns errors into exit codes."""

import datetime
import json
import logging
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from indelible.cli import (
    auditing,
    connecting,
    exporting,
    following,
    importing,
    inspecting,
    ledgers,
    proofs,
    rebuilding,
    restoring,
    statements,
    streaming,
)
from indelible.cli.demo import command as demo
from indelible.cli.output import print_error
from indelible.cli.session import Session, make_session
from indelible.cli.signals import end_on_signals
from journal.errors import LedgerError

app = typer.Typer(
    name="indelible",
    help="A ledger database: an append-only journal in a file or on Kafka, PartiQL on top.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: indelible query file:./registry 'SELECT v.* FROM vehicles AS v'",
)
demo.register(app)
ledgers.register(app)
statements.register(app)
importing.register(app)
following.register(app)
streaming.register(app)
rebuilding.register(app)
inspecting.register(app)
proofs.register(app)
auditing.register(app)
exporting.register(app)
restoring.register(app)
connecting.register(app)


def main() -> None:
    """Run the command line; never returns.

    A `LedgerError` ends it with the exit code of its class and no traceback.
    """
    end_on_signals()
    try:
        app()
    except LedgerError as error:
        print_error(error)
        sys.exit(error.exit_code)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"indelible {version('indelible')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Settings in TOML. Default: indelible.toml, if there."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="One setting, such as limits.rows_max=5. Repeat it.",
            show_default=False,
        ),
    ] = None,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """A ledger database: an append-only journal in a file or on Kafka, PartiQL on top."""
    del show_version

    @cache
    def session() -> Session:
        made = make_session(config, overrides or [])
        _configure_log(made)
        return made

    context.obj = session


def _configure_log(session: Session) -> None:
    """Messages of the engine go to standard error, as the settings say."""
    settings = session.effective.settings.log
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JSONFormatter() if settings.format == "json" else logging.Formatter(_LINE)
    )
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)


_LINE = "%(asctime)s %(levelname)-8s %(message)s"


class _JSONFormatter(logging.Formatter):
    """One JSON object a line, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": super().format(record),
            }
        )


if __name__ == "__main__":
    main()
