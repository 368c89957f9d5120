"""`indelible demo`."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from indelible.cli.demo.flights import data_folder
from indelible.cli.demo.story import Story
from indelible.engine.opening import JOURNAL_FILE, private_folder
from journal.errors import InputError

DAYS: Final = 14


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="See the whole product work on real flights.",
        epilog="Example: indelible demo --data ./flights",
    )(demo)


def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the ledger in this folder; else it is deleted at the end.",
            show_default=False,
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=365, metavar="N", help="Days of 2013, from New Year on.")
    ] = DAYS,
) -> None:
    """Watch a ledger work on real flights: write, look back, kill, rebuild, compare.

    Needs the flights: pip install "indelible[demo]".
    """
    data_folder()
    if data is not None:
        if (data / JOURNAL_FILE).exists():
            raise InputError(f"there is a ledger in {data} already", hint="name another folder")
        _tell(private_folder(data), days)
        Console().print(f"Go on with: indelible ledger show file:{data}", highlight=False)
        return
    folder = Path(tempfile.mkdtemp(prefix="indelible-demo-"))
    try:
        _tell(folder, days)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tell(folder: Path, days: int) -> None:
    Story(folder=folder, days=days, console=Console(highlight=False)).tell()
