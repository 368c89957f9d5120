"""`rebuild`: the state store made again from the journal."""

import time
from typing import Annotated

import typer

from indelible.cli.arguments import JsonOption, UrlArgument
from indelible.cli.output import print_json, print_note
from indelible.cli.progress import CatchUpBar
from indelible.cli.session import session_of
from indelible.engine.rebuilding import adopt_journal, rebuild
from journal.errors import InputError
from journal.ids import id_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "rebuild",
        short_help="Make the state store anew from the journal.",
        epilog="Example: indelible rebuild file:./registry",
    )(rebuild_)


def rebuild_(
    context: typer.Context,
    url: UrlArgument = None,
    *,
    accept_journal: Annotated[
        bool,
        typer.Option(
            "--accept-journal",
            help="Do so although the store there knows of blocks that the journal has not:"
            " they are given up.",
        ),
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Keep the store and bind it to this journal, a mirrored or restored copy of its own.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete the state store and make it again from the journal, checking every block.

    The old store is used until the new one is complete.
    """
    session = session_of(context)
    (target,) = session.url_and(url)
    if accept_journal and adopt:
        raise InputError("--accept-journal makes a new store, --adopt keeps it: choose one")
    address, started = session.stored(target), time.monotonic()
    with CatchUpBar("adopting" if adopt else "rebuilding", at_once=True) as bar:
        if adopt:
            tip = adopt_journal(address, kafka=session.kafka, on_progress=bar)
        else:
            tip = rebuild(
                address, kafka=session.kafka, accept_journal=accept_journal, on_progress=bar
            )
    seconds, blocks = time.monotonic() - started, tip.sequence_number + 1
    if as_json:
        print_json(
            {
                "blocks": blocks,
                "seconds": round(seconds, 3) + 0.0,
                "strandId": id_text(tip.strand_id),
                "tip": tip.sequence_number,
                "tipHash": tip.block_hash.hex(),
            }
        )
    else:
        done = "adopted" if adopt else "rebuilt"
        print_note(
            f"{done} {blocks:,} blocks in {seconds:.1f} s ({blocks / seconds:,.0f} blocks/s);"
            f" block {tip.sequence_number} has hash {tip.block_hash.hex()}"
        )
