"""`export journal`, `export tiles`: a ledger's journal, or its tree, copied into files."""

from pathlib import Path
from typing import Annotated

import typer

from indelible.cli.arguments import JsonOption, UrlArgument, argument, text_in
from indelible.cli.output import print_json, print_note
from indelible.cli.progress import CatchUpBar
from indelible.cli.session import Session, session_of
from indelible.client.addresses import ExportAddress, JournalAddress, parse_journal_address
from indelible.engine.exporting import export_journal
from indelible.engine.journals import last_note
from indelible.engine.tiling import export_tiles
from journal.errors import InputError, UnsupportedError
from journal.ids import id_text


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Copy a ledger's journal, or its tree, into files.",
        no_args_is_help=True,
        epilog="Example: indelible export journal file:./registry ./copy",
    )
    group.command(
        "journal",
        short_help="Write all blocks into Avro files with a manifest.",
        epilog="Example: indelible export journal file:./registry ./copy",
    )(journal)
    group.command(
        "tiles",
        short_help="Write the ledger's tree as C2SP tlog-tiles.",
        epilog="Example: indelible export tiles file:./registry ./tiles",
    )(tiles)
    app.add_typer(group, name="export")


def journal(
    context: typer.Context,
    url: UrlArgument = None,
    folder: Annotated[str | None, argument("DIR", "A folder that is not there yet.")] = None,
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The checkpoint that goes with it. Default: the last one signed on this machine.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy all blocks of a ledger, in order, into Avro files with a manifest.

    The copy is checked with `indelible audit export:DIR`, and made a ledger again by `indelible restore`.
    """
    session = session_of(context)
    target, place = session.url_and(url, folder)
    note = None if checkpoint is None else text_in(checkpoint)
    with CatchUpBar("exporting", at_once=True) as bar:
        manifest = export_journal(
            parse_journal_address(target),
            Path(place),
            kafka=session.kafka,
            checkpoint=note,
            on_progress=bar,
        )
    if as_json:
        print_json(
            {
                "blocks": manifest.blocks,
                "files": [file.name for file in manifest.files],
                "folder": place,
                "ledger": manifest.ledger_name,
                "strandId": id_text(manifest.strand_id),
                "tipHash": manifest.tip_hash.hex(),
                "withCheckpoint": bool(manifest.checkpoint),
            }
        )
    else:
        print_note(
            f"exported {manifest.blocks:,} blocks into {len(manifest.files)} files in {place}"
            + (
                ""
                if manifest.checkpoint
                else "; no checkpoint was signed yet, so none goes with it"
            )
        )


def tiles(
    context: typer.Context,
    url: UrlArgument = None,
    folder: Annotated[str | None, argument("DIR", "Gets checkpoint and tile/.")] = None,
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The checkpoint whose tree is written. Default: a new one, signed by the ledger.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the ledger's tree as static files, so that any tlog client can mirror and check it.

    A file of entries holds block headers. Run it again into the same folder to add what is new.
    """
    session = session_of(context)
    target, place = session.url_and(url, folder)
    address = parse_journal_address(target)
    given = None if checkpoint is None else text_in(checkpoint)
    note = given or _newest_note(session, target, address)
    with CatchUpBar("exporting", at_once=True) as bar:
        found = export_tiles(address, Path(place), note, kafka=session.kafka, on_progress=bar)
    if as_json:
        print_json({"folder": place, "origin": found.origin, "treeSize": found.tree_size})
    else:
        print_note(f"{place} holds the tiles of {found.tree_size:,} blocks of {found.origin}")


def _newest_note(session: Session, url: str, address: JournalAddress) -> str:
    """A checkpoint of the newest tree; of a ledger without a key here, the last that was signed."""
    if not isinstance(address, ExportAddress):
        try:
            with session.reader(url) as ledger:
                return ledger.checkpoint().note
        except UnsupportedError:
            if not (note := last_note(address)):
                raise
            return note
    if not (note := last_note(address)):
        raise InputError("the export has no checkpoint", hint="give one with --checkpoint FILE")
    return note
