"""`audit`: a journal checked from its bytes, once or as it grows."""

import time
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from indelible.cli.arguments import JsonOption, PinnedKeyOption
from indelible.cli.audit_output import IgnoredPrinter, WatchPrinter, print_report
from indelible.cli.output import print_json, print_note
from indelible.cli.progress import CatchUpBar
from indelible.cli.session import Session, session_of
from indelible.cli.signals import stopping_on_signals
from indelible.client.addresses import JournalAddress, KafkaAddress, parse_journal_address
from indelible.client.state import StateFolder
from indelible.engine.audit_watch import Watch, watch
from indelible.engine.auditing import audit_journal, audit_state_of
from journal.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Prove a journal from its bytes.",
        epilog="Example: indelible audit file:./registry --key indelible/ledger/0353JXaMPn+49d378ec+ASpB",
    )(audit)


def audit(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="URL",
            help="file:DIR, kafka://HOST:PORT/LEDGER or export:DIR; left out, INDELIBLE_URL.",
            show_default=False,
        ),
    ] = None,
    *,
    key: PinnedKeyOption = None,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="A signed checkpoint that the journal must agree with. Repeat it. Default: those that"
            " `indelible checkpoint --save` kept.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also compare this state store (state.db of a node) with the journal, row by row.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=64,
            help="Processes that read. Default: one for each processor.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", help="Go on as blocks arrive, until SIGTERM, Ctrl-C or a failed check."
        ),
    ] = False,
    interval: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0.05, max=86_400, help="With --follow: between two looks."
        ),
    ] = 5.0,
    webhook: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="With --follow: gets the evidence by POST, as JSON, when a check fails.",
            show_default=False,
        ),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --follow: a file in Prometheus' text format that is kept current.",
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --follow: keeps the last tree found whole. Default: a file of the user's.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every byte of a journal: hashes, links, versions, keys and checkpoints.

    Exit code 0: everything is proven. 3: all is whole, but a pinned key or a checkpoint of the last block
    was missing. 7: something was changed or lost; the message names it.
    """
    session = session_of(context)
    address = _journal(session, url)
    if follow:
        if state is not None:
            raise InputError("--state compares once: give it without --follow")
        _follow(
            address,
            WatchPrinter(as_json=as_json, webhook=webhook),
            memory or _memory_of(address),
            interval,
            {
                "key": key,
                "checkpoints": checkpoints or (),
                "kafka": session.kafka,
                "workers": workers,
                "metrics": metrics,
            },
        )
        return
    if (webhook, memory, metrics) != (None, None, None):
        raise InputError("--webhook, --memory and --metrics go with --follow")
    ignored = IgnoredPrinter(silent=as_json)
    started = time.monotonic()
    with CatchUpBar("auditing", at_once=True) as bar:
        report = audit_journal(
            address,
            key=key,
            checkpoints=checkpoints or (),
            kafka=session.kafka,
            workers=workers,
            on_progress=bar,
            on_ignored=ignored,
        )
    seconds = time.monotonic() - started
    compared = {} if state is None else _compare_state(session, address, state)
    if as_json:
        print_json({**report.to_json(), **compared, "seconds": round(seconds, 3) + 0.0})
    else:
        print_report(report, compared, seconds)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _journal(session: Session, url: str | None) -> JournalAddress:
    (target,) = session.url_and(url)
    return parse_journal_address(target)


def _follow(
    address: JournalAddress,
    watcher: WatchPrinter,
    memory: Path,
    interval: float,
    options: dict[str, Any],
) -> None:
    ignored = IgnoredPrinter(silent=False)
    with stopping_on_signals() as stop, CatchUpBar("auditing") as bar:
        what = Watch(
            address=address,
            memory=memory,
            interval=interval,
            on_report=watcher.report,
            on_evidence=watcher.evidence,
            on_trouble=watcher.trouble,
            on_progress=bar,
            on_ignored=ignored,
            **options,
        )
        watch(what, stop)
    print_note("stopped")


def _memory_of(address: JournalAddress) -> Path:
    """A file of the user's for each journal that is watched."""
    if isinstance(address, KafkaAddress):
        place = f"kafka://{address.bootstrap}/{address.prefix}/{address.name}"
    else:
        place = str(address.folder.resolve())
    digest = sha256(place.encode()).hexdigest()[:32]
    return StateFolder.default().path / "audits" / f"{digest}.json"


def _compare_state(session: Session, address: JournalAddress, state: Path) -> dict[str, Any]:
    with CatchUpBar("comparing the state", at_once=True) as bar:
        found = audit_state_of(address, state, kafka=session.kafka, on_progress=bar)
    return {
        "state": {
            "blocks": found.blocks,
            "rows": found.rows,
            "documents": found.documents,
            "uniqueIndexes": found.unique_indexes,
        }
    }
