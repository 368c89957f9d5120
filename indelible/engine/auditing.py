"""Auditing a journal at an address: what `verifier.audit` needs to know of where it is.

The verifier opens no file and no connection of its own. Here it gets a log, the checkpoints that are at
hand on this machine, and whether strangers may write there.
"""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from indelible.client.addresses import ExportAddress, FileAddress, JournalAddress, KafkaAddress
from indelible.client.state import StateFolder
from indelible.engine.creation import read_genesis
from indelible.engine.journals import is_exclusive, last_note, ledger_name_of, open_journal
from journal.errors import InputError, IntegrityError, ProofRejectedError
from journal.export import Manifest, read_manifest
from journal.log import Log
from materializer.auditing import StateReport, audit_state
from materializer.follower import Progress
from verifier.audit import Anchor, Auditor, KeyChain, Report
from verifier.audit.linking import OnIgnored
from verifier.checkpoint import parse_checkpoint
from verifier.keys import parse_verifier_key
from verifier.note import NOTE_SIZE_MAX, parse_note


def audit_journal(
    address: JournalAddress,
    *,
    key: str | None = None,
    checkpoints: Sequence[Path] = (),
    kafka: dict[str, str] | None = None,
    workers: int | None = None,
    on_progress: Progress | None = None,
    on_ignored: OnIgnored | None = None,
) -> Report:
    """Audit the journal at an address; see `verifier.audit.audit`.

    Args:
        address: Which journal.
        key: The pinned key (a vkey).
        checkpoints: Files of notes; without any, those that were saved on this machine. What was last
            signed beside the journal is compared too.
        kafka: Further options of the Kafka client.
        workers: Processes; None for as many as there are processors.
        on_progress, on_ignored: Called now and then, and for each ignored record.

    Raises:
        InputError: A checkpoint file cannot be read, or the key is none.
        LedgerError: See `verifier.audit.audit`.
    """
    anchors = anchors_for(address, key=key, checkpoints=checkpoints, kafka=kafka)
    with auditor_of(address, kafka=kafka, workers=workers, on_ignored=on_ignored) as auditor:
        auditor.advance(anchors=anchors, key=key, on_progress=on_progress)
        report = auditor.report(key=key, anchors=anchors)
        if isinstance(address, ExportAddress):
            _expect_manifest(read_manifest(address.folder), report, auditor.keys)
    return report


def auditor_of(
    address: JournalAddress,
    *,
    kafka: dict[str, str] | None = None,
    workers: int | None = None,
    on_ignored: OnIgnored | None = None,
) -> Auditor:
    """An audit of the journal at an address, to be advanced.

    Raises:
        LedgerError: The journal cannot be opened.
    """
    strand_id = None
    if isinstance(address, ExportAddress):
        strand_id = read_manifest(address.folder).strand_id
    return Auditor(
        partial(open_journal, address, kafka),
        ledger_name=ledger_name_of(address),
        strand_id=strand_id,
        exclusive=is_exclusive(address),
        workers=workers,
        on_ignored=on_ignored,
    )


def audit_state_of(
    address: JournalAddress,
    state: Path,
    *,
    kafka: dict[str, str] | None = None,
    on_progress: Progress | None = None,
) -> StateReport:
    """Compare a node's state store with the journal at an address; see `materializer.auditing`.

    Raises:
        InputError: There is no such file.
        LedgerError: See `audit_state`.
    """
    if not state.is_file():
        raise InputError(f"there is no state store at {state}", hint="name the file: DIR/state.db")
    log = open_journal(address, kafka)
    try:
        with tempfile.TemporaryDirectory(prefix="indelible-audit-") as folder:
            return audit_state(
                state,
                log,
                ledger_name_of(address),
                exclusive=is_exclusive(address),
                same_log=not isinstance(address, ExportAddress),
                folder=Path(folder),
                on_progress=on_progress,
            )
    finally:
        log.close()


def anchors_for(
    address: JournalAddress,
    *,
    key: str | None = None,
    checkpoints: Sequence[Path] = (),
    kafka: dict[str, str] | None = None,
) -> list[Anchor]:
    """The checkpoints to compare a journal with; read before the journal's end is asked for.

    Raises:
        InputError: A file cannot be read, or the key is none.
        LedgerError: The journal cannot be opened.
    """
    if key is not None:
        parse_verifier_key(key)  # what is mistyped is said now, not at the end
    anchors = [Anchor(_note_in(path), str(path)) for path in checkpoints]
    if beside := last_note(address):
        anchors.append(Anchor(beside, _BESIDE[type(address)]))
    if not checkpoints and (origin := _origin_of(address, key, kafka)):
        anchors += _saved(origin, address)
    return anchors


_BESIDE: Final = {
    FileAddress: "the checkpoint last signed in its folder",
    KafkaAddress: "the checkpoint last signed on this machine",
    ExportAddress: "the checkpoint of the export",
}


def _saved(origin: str, address: JournalAddress) -> list[Anchor]:
    """What `indelible checkpoint --save` kept. An export may be older than the newest of them."""
    notes = StateFolder.default().saved_checkpoints(origin)
    anchors = [Anchor(note, f"saved checkpoint {number}") for number, note in enumerate(notes, 1)]
    if isinstance(address, ExportAddress):
        blocks = read_manifest(address.folder).blocks
        anchors = [anchor for anchor in anchors if _size_of(anchor) <= blocks]
    return anchors


def _size_of(anchor: Anchor) -> int:
    try:
        return parse_checkpoint(parse_note(anchor.note).text).tree_size
    except ProofRejectedError as error:
        raise ProofRejectedError(f"{anchor.source} is no checkpoint: {error}") from error


def _origin_of(address: JournalAddress, key: str | None, kafka: dict[str, str] | None) -> str:
    """The name of the ledger's key: that of the pinned one, else what the journal says."""
    if key is not None:
        return parse_verifier_key(key).name
    log: Log = open_journal(address, kafka)
    try:
        ledger = read_genesis(log, ledger_name_of(address))
        return "" if ledger is None else parse_verifier_key(ledger.checkpoint_key).name
    except (IntegrityError, InputError):
        return ""  # the audit will say what is wrong
    finally:
        log.close()


def _note_in(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(NOTE_SIZE_MAX + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error


def _expect_manifest(manifest: Manifest, report: Report, keys: KeyChain) -> None:
    """What the manifest says of the blocks is what they are."""
    if (manifest.checkpoint_key, manifest.key_chain) != (keys.first, keys.rotations):
        raise IntegrityError(
            f"the manifest names the key {manifest.checkpoint_key} and {len(manifest.key_chain)} "
            f"rotations; the blocks name the key {keys.first} and {len(keys.rotations)} rotations",
            hint="the export was changed; use another copy",
        )
    if (manifest.tip_hash, manifest.blocks) != (report.tip_hash, report.blocks):
        raise IntegrityError(
            f"the manifest says that block {manifest.blocks - 1} is the last and has hash "
            f"{manifest.tip_hash.hex()}; the files end with block {report.blocks - 1}, hash "
            f"{report.tip_hash.hex()}",
            hint="the export was changed; use another copy",
        )
