r"""An audit that goes on: blocks are checked as they arrive, and somebody is told when a check fails.

```
journal grows -> advance -> report -> remember (tree size, root) in a file -> wait -> ...
                    \-> a check fails -> evidence: to whoever watches, to a webhook -> end
```

What it remembers outlives it: a journal that was cut or written anew while nobody watched no longer has
the remembered root. After an unreachable log it begins anew, since what it holds then is not whole; and
so it does when the journal is another file or topic than before.
"""

import json
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from threading import Event
from typing import Any, Final

from indelible.client.addresses import ExportAddress, FileAddress, JournalAddress
from indelible.engine.audit_metrics import AuditMetrics
from indelible.engine.auditing import anchors_for, auditor_of
from indelible.engine.opening import JOURNAL_FILE
from indelible.files import replace_file
from journal.errors import (
    ConfigurationError,
    InputError,
    IntegrityError,
    JournalReplacedError,
    LedgerError,
    UnavailableError,
    UnknownLedgerError,
)
from journal.export import MANIFEST_FILE
from materializer.follower import Progress
from verifier.audit import Anchor, Auditor, Report
from verifier.audit.linking import OnIgnored

RETRY_SECONDS: Final = 5.0
_WEBHOOK_SECONDS: Final = 10.0
_WEBHOOK_ATTEMPTS: Final = 3
_SIZE_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The last tree that was found whole. Hashes are in hexadecimal."""

    origin: str
    tree_size: int
    root_hash: str
    tip_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What an audit watches, and whom it tells.

    Attributes:
        address: Which journal.
        key, checkpoints, kafka, workers: See `audit_journal`.
        memory: The file that keeps what was found whole.
        interval: Seconds between two looks.
        metrics: The file that `AuditMetrics` keeps; None for none.
        on_report: Called after each look that found something new; true ends the watch.
        on_evidence: Called with the evidence when a check failed.
        on_trouble: Called when the journal could not be read, before the next try.
        on_progress, on_ignored: See `audit_journal`.
    """

    address: JournalAddress
    memory: Path
    key: str | None = None
    checkpoints: Sequence[Path] = ()
    kafka: dict[str, str] | None = None
    workers: int | None = None
    interval: float = 5.0
    metrics: Path | None = None
    on_report: Callable[[Report], bool]
    on_evidence: Callable[[Mapping[str, Any]], None]
    on_trouble: Callable[[LedgerError], None]
    on_progress: Progress | None = None
    on_ignored: OnIgnored | None = None


def watch(what: Watch, stop: Event) -> None:
    """Audit until `stop` is set or a check fails.

    Raises:
        IntegrityError: A check failed; the evidence has been handed over.
        InputError, ConfigurationError, UnsupportedError: It cannot go on.
    """
    metrics = AuditMetrics(what.metrics)
    metrics.write()
    while not stop.is_set():
        try:
            try:
                with auditor_of(
                    what.address, kafka=what.kafka, workers=what.workers, on_ignored=what.on_ignored
                ) as auditor:
                    if _follow(what, auditor, stop, metrics):
                        return
            except UnknownLedgerError as error:
                _expect_forgotten(what.memory, error)
                raise
        except UnavailableError as error:
            what.on_trouble(error)
            metrics.unreadable += 1
            metrics.write()
            stop.wait(RETRY_SECONDS)
        except IntegrityError as error:
            what.on_evidence(_evidence(what, error))
            metrics.failures += 1
            with suppress(ConfigurationError):  # the failed check is what matters
                metrics.write()
            raise


def post_evidence(url: str, evidence: Mapping[str, Any]) -> str:
    """POST the evidence as JSON to a webhook; what went wrong, "" if it was taken (2xx).

    Tries three times, for ten seconds each at most.

    Raises:
        InputError: Not an http or https URL.
    """
    checked_webhook(url)
    problem = ""
    for _ in range(_WEBHOOK_ATTEMPTS):
        try:
            request = urllib.request.Request(  # noqa: S310 - the scheme is checked
                url,
                data=json.dumps(evidence).encode(),
                headers={"Content-Type": "application/json"},
                method="POST",
            )
            with urllib.request.urlopen(request, timeout=_WEBHOOK_SECONDS):  # noqa: S310 - as above
                return ""
        except (OSError, ValueError, HTTPException) as error:  # of status and time are OSErrors
            problem = str(error).strip() or type(error).__name__
    return problem


def checked_webhook(url: str) -> str:
    """The URL, if it is one of http or https.

    Raises:
        InputError: It is not.
    """
    if not url.startswith(("http://", "https://")):
        raise InputError(f"a webhook is an http or https URL, not {url!r}")
    return url


def _follow(what: Watch, auditor: Auditor, stop: Event, metrics: AuditMetrics) -> bool:
    """Look again and again; true when whoever listens has had enough, false to begin anew."""
    seen: tuple[int, int] | None = None
    report: Report | None = None
    place = _place(what.address, auditor)
    while not stop.is_set():
        if _place(what.address, auditor) != place:
            return False
        anchors = anchors_for(
            what.address, key=what.key, checkpoints=what.checkpoints, kafka=what.kafka
        )
        auditor.advance(anchors=anchors, key=what.key, on_progress=what.on_progress)
        now = auditor.position, hash(tuple(anchors))
        if report is None or now != seen:
            report = auditor.report(key=what.key, anchors=anchors)
            _expect_remembered(what.memory, auditor, report)
            _remember(what.memory, report)
            metrics.succeeded(report)
            if what.on_report(report):
                return True
            seen = now
        else:
            metrics.succeeded(report)
        stop.wait(what.interval)
    return False


def _place(address: JournalAddress, auditor: Auditor) -> tuple[int, int] | str:
    """Tells a journal from one that took its place; an open file is there even after its name is gone.

    Raises:
        UnknownLedgerError: It is gone.
        LogUnavailableError: It cannot be reached.
    """
    if isinstance(address, FileAddress | ExportAddress):
        name = JOURNAL_FILE if isinstance(address, FileAddress) else MANIFEST_FILE
        with suppress(OSError):  # then whoever opens it says why
            status = (address.folder / name).stat()
            return status.st_dev, status.st_ino
        return ""
    return auditor.identity()


def _expect_forgotten(path: Path, error: UnknownLedgerError) -> None:
    """Where there is no journal, there never was one.

    Raises:
        JournalReplacedError: One was found whole before.
    """
    if (remembered := recall(path)) is not None:
        raise JournalReplacedError(
            f"{error.message}; {path} remembers one of {remembered.tree_size} blocks with root "
            f"{remembered.root_hash}",
            hint="bring it back from a replica or an export",
        ) from error


def _expect_remembered(path: Path, auditor: Auditor, report: Report) -> None:
    """The journal continues what was found whole before."""
    remembered = recall(path)
    if remembered is None:
        return
    if remembered.origin != report.origin:
        raise IntegrityError(
            f"{path} remembers ledger {remembered.origin}, but the journal is of {report.origin}",
            hint="the journal was replaced; if it was on purpose, remove that file",
        )
    if remembered.tree_size > report.blocks:
        raise IntegrityError(
            f"the journal had {remembered.tree_size} blocks and has {report.blocks} now: its tail was "
            f"cut from block {report.blocks} on ({path} remembers root {remembered.root_hash})",
            hint="restore it from a replica or an export",
        )
    root = auditor.root_at(remembered.tree_size).hex()
    if root != remembered.root_hash:
        raise IntegrityError(
            f"the journal's first {remembered.tree_size} blocks had root {remembered.root_hash} and "
            f"have {root} now ({path} remembers): the journal was written anew",
            hint="compare it with an export or a replica to see from which block on",
        )


def recall(path: Path) -> Remembered | None:
    """What a watch left in its file; None if there is none.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            facts = json.loads(file.read(_SIZE_MAX))
        remembered = Remembered(**facts)
        if (
            type(remembered.tree_size) is not int
            or remembered.tree_size < 0
            or len(bytes.fromhex(remembered.root_hash)) != 32
            or type(remembered.origin) is not str
        ):
            raise ValueError("it is not what was written")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    return remembered


def _remember(path: Path, report: Report) -> None:
    remembered = Remembered(
        origin=report.origin,
        tree_size=report.blocks,
        root_hash=report.root_hash.hex(),
        tip_hash=report.tip_hash.hex(),
    )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, json.dumps(asdict(remembered)).encode() + b"\n")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def _evidence(what: Watch, error: IntegrityError) -> dict[str, Any]:
    """What an operator needs to look further: what failed, what was whole before, what was signed."""
    remembered = None
    anchors: list[Anchor] = []
    with suppress(LedgerError):  # then the evidence goes out without it
        remembered = recall(what.memory)
    with suppress(LedgerError):
        anchors = anchors_for(
            what.address, key=what.key, checkpoints=what.checkpoints, kafka=what.kafka
        )
    return {
        "event": "audit_failed",
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "lastWhole": None if remembered is None else asdict(remembered),
        "checkpoints": [{"source": each.source, "note": each.note} for each in anchors],
    }
