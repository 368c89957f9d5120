"""`audit`, `export`, `restore`: a journal checked, copied out, and brought back."""

import datetime
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from indelible.cli.arguments import JsonOption, UrlArgument, argument
from indelible.cli.output import print_json, print_json_lines, print_note, print_pairs
from indelible.cli.progress import CatchUpBar
from indelible.cli.session import Session, session_of
from indelible.cli.signals import stopping_on_signals
from indelible.client.addresses import (
    ExportAddress,
    JournalAddress,
    KafkaAddress,
    parse_journal_address,
)
from indelible.client.state import StateFolder
from indelible.engine.audit_watch import Watch, checked_webhook, post_evidence, watch
from indelible.engine.auditing import audit_journal, audit_state_of
from indelible.engine.creation import Durability
from indelible.engine.exporting import export_journal
from indelible.engine.journals import last_note
from indelible.engine.restoring import restore as restore_export
from indelible.engine.restoring import take_over as take_over_copy
from indelible.engine.tiling import export_tiles
from journal.chain import Ignored
from journal.errors import InputError, LedgerError, UnsupportedError
from journal.ids import id_text
from verifier.audit import Report

IGNORED_SHOWN = 20

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="VKEY",
        help="The ledger's public key as you know it, not as the journal says.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        short_help="Prove a journal from its bytes.",
        epilog="Example: indelible audit file:./registry --key indelible/ledger/0353JXaMPn+49d378ec+ASpB",
    )(audit)
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
    app.command(
        short_help="Make a ledger of an exported journal.",
        epilog="Example: indelible restore ./copy file:./restored",
    )(restore)


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
    key: KeyOption = None,
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
            _Watcher(as_json=as_json, webhook=webhook),
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
    ignored = _IgnoredPrinter(silent=as_json)
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
        _print_report(report, compared, seconds)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


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
    note = None if checkpoint is None else _text_in(checkpoint)
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
    given = None if checkpoint is None else _text_in(checkpoint)
    note = given or _newest_note(session, target, address)
    with CatchUpBar("exporting", at_once=True) as bar:
        found = export_tiles(address, Path(place), note, kafka=session.kafka, on_progress=bar)
    if as_json:
        print_json({"folder": place, "origin": found.origin, "treeSize": found.tree_size})
    else:
        print_note(f"{place} holds the tiles of {found.tree_size:,} blocks of {found.origin}")


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
    key: KeyOption = None,
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
    pem = None if private_key is None else _bytes_in(private_key)
    if folder is None:
        raise InputError("which export?", hint="indelible restore DIR URL")
    if url is None:
        if not take_over:
            raise InputError("an argument is missing", hint="indelible restore DIR URL")
        address = session.stored(folder)
        changed = take_over_copy(address, private_key=pem)
        if as_json:
            print_json({"takenOver": True, "changed": changed})
        else:
            print_note(
                "taken over: it can be written now" if changed else "it was taken over before"
            )
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


def _journal(session: Session, url: str | None) -> JournalAddress:
    (target,) = session.url_and(url)
    return parse_journal_address(target)


class _Watcher:
    """Prints what a watch finds, and calls the webhook."""

    def __init__(self, *, as_json: bool, webhook: str | None) -> None:
        self._as_json = as_json
        self._webhook = None if webhook is None else checked_webhook(webhook)

    def report(self, report: Report) -> bool:
        if self._as_json:
            print_json_lines([{"event": "audited", **report.to_json()}])
        else:
            proven = "proven" if report.proven else f"whole ({'; '.join(report.missing)})"
            print_note(f"{report.blocks:,} blocks, root {report.root_hash.hex()}: {proven}")
        return False

    def evidence(self, evidence: Mapping[str, Any]) -> None:
        print_json_lines([dict(evidence)])
        if self._webhook is not None and (problem := post_evidence(self._webhook, evidence)):
            print_note(f"the webhook was not reached: {problem}")

    def trouble(self, error: LedgerError) -> None:
        print_note(f"the journal cannot be read now: {error.message}")


def _follow(
    address: JournalAddress,
    watcher: _Watcher,
    memory: Path,
    interval: float,
    options: dict[str, Any],
) -> None:
    ignored = _IgnoredPrinter(silent=False)
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


class _IgnoredPrinter:
    """Names ignored records as they are met, the first ones."""

    def __init__(self, *, silent: bool) -> None:
        self._silent, self._count = silent, 0

    def __call__(self, ignored: Ignored) -> None:
        self._count += 1
        if not self._silent and self._count <= IGNORED_SHOWN:
            print_note(f"ignored: offset {ignored.offset}: {ignored.reason}: {ignored.detail}")
        if not self._silent and self._count == IGNORED_SHOWN + 1:
            print_note("... and more; --json lists them")


def _print_report(report: Report, compared: dict[str, Any], seconds: float) -> None:
    rate = report.revisions / seconds if seconds else 0.0
    checkpoints = ", ".join(map(str, report.checkpoints)) or "none"
    pairs: dict[str, Any] = {
        "ledger": report.origin,
        "blocks": f"{report.blocks:,}",
        "transactions": f"{report.transactions:,}",
        "revisions": f"{report.revisions:,}",
        "from": _moment(report.first_timestamp),
        "to": _moment(report.last_timestamp),
        "tip": report.tip_hash.hex(),
        "root": report.root_hash.hex(),
        "key": f"{report.current_key} ({'pinned' if report.key_pinned else 'not pinned'})",
        "rotations": report.key_rotations,
        "checkpoints": f"{checkpoints} (tree sizes)",
        "ignored": sum(report.ignored_counts.values()),
        **compared,
    }
    print_pairs(pairs)
    print_note(f"checked in {seconds:.1f} s ({rate:,.0f} revisions/s)")
    for sentence in report.missing:
        print_note(f"not proven: {sentence}")
    print_note("whole and proven" if report.proven else "whole, but not proven")


def _moment(timestamp: int) -> str:
    moment = datetime.datetime.fromtimestamp(timestamp / 1_000_000, datetime.UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _text_in(path: Path) -> str:
    try:
        return _bytes_in(path).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read {path}: {error}") from error


def _bytes_in(path: Path) -> bytes:
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(_FILE_SIZE_MAX)
        with path.open("rb") as file:
            return file.read(_FILE_SIZE_MAX)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


_FILE_SIZE_MAX = 1024 * 1024
