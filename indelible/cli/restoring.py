"""`restore`: an exported journal made a ledger again, and a copy taken over."""

from pathlib import Path
from typing import Annotated, Any

import typer

from indelible.cli.arguments import JsonOption, PinnedKeyOption, argument, bytes_in
from indelible.cli.output import print_json, print_note
from indelible.cli.progress import CatchUpBar
from indelible.cli.session import Session, session_of
from indelible.engine.creation import Durability
from indelible.engine.restoring import RestoredLedger
from indelible.engine.restoring import restore as restore_export
from indelible.engine.restoring import take_over as take_over_copy
from journal.errors import InputError
from journal.ids import id_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Make a ledger of an exported journal.",
        epilog="Example: indelible restore ./copy file:./restored",
    )(restore)


def restore(
    context: typer.Context,
    folder: Annotated[
        str | None, argument("DIR", "The export; left out with --take-over of a copy.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="URL",
            help="Where the ledger is made: file:DIR or kafka://HOST:PORT/LEDGER.",
            show_default=False,
        ),
    ] = None,
    *,
    key: PinnedKeyOption = None,
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over",
            help="The original is given up: the copy may be written. With a URL alone: that of a copy"
            " made before.",
        ),
    ] = False,
    private_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The ledger's current private key, to go on signing checkpoints.",
            show_default=False,
        ),
    ] = None,
    allow_single_broker: Annotated[
        bool, typer.Option("--allow-single-broker", help="Kafka: accept one replica.")
    ] = False,
    unverified_settings: Annotated[
        bool,
        typer.Option(
            "--unverified-settings",
            help="Kafka: accept a cluster that hides its topic settings.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a ledger of an export: the same blocks, the same hashes, the same checkpoints.

    The export is audited first. The copy is read-only until it is taken over, so that it cannot fork a
    ledger that still lives. Without the old private key it can be written then, but signs nothing.
    """
    session = session_of(context)
    pem = None if private_key is None else bytes_in(private_key)
    if folder is None:
        raise InputError("which export?", hint="indelible restore DIR URL")
    if url is None:
        if not take_over:
            raise InputError("an argument is missing", hint="indelible restore DIR URL")
        _take_over(session, folder, pem, as_json=as_json)
        return
    place = Path(folder.removeprefix("export:"))
    with (
        CatchUpBar("auditing", at_once=True) as audit_bar,
        CatchUpBar("restoring", at_once=True) as bar,
    ):
        done = restore_export(
            place,
            session.stored(url),
            key=key,
            take_over=take_over,
            private_key=pem,
            durability=Durability(
                allow_single_broker=allow_single_broker, unverified_settings=unverified_settings
            ),
            kafka=session.kafka,
            on_audit=audit_bar,
            on_progress=bar,
        )
    _print_restored(done, url, as_json=as_json)


def _take_over(session: Session, url: str, pem: bytes | None, *, as_json: bool) -> None:
    changed = take_over_copy(session.stored(url), private_key=pem)
    if as_json:
        print_json({"takenOver": True, "changed": changed})
    else:
        print_note("taken over: it can be written now" if changed else "it was taken over before")


def _print_restored(done: RestoredLedger, url: str, *, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "blocks": done.tip.sequence_number + 1,
        "strandId": id_text(done.tip.strand_id),
        "tipHash": done.tip.block_hash.hex(),
        "takenOver": done.taken_over,
        "proven": done.report.proven,
        "missing": list(done.report.missing),
    }
    if as_json:
        print_json(facts)
        return
    print_note(
        f"restored {facts['blocks']:,} blocks; block {done.tip.sequence_number} has hash"
        f" {facts['tipHash']}"
    )
    for sentence in done.report.missing:
        print_note(f"not proven: {sentence}")
    if not done.taken_over:
        print_note(f"it is read-only; to write it: indelible restore --take-over {url}")
