"""What `audit` prints: ignored records as they are met, a report at the end, what a watch finds."""

import datetime
from collections.abc import Mapping
from typing import Any, Final

from indelible.cli.output import print_json_lines, print_note, print_pairs
from indelible.engine.audit_watch import checked_webhook, post_evidence
from journal.chain import Ignored
from journal.errors import LedgerError
from verifier.audit import Report

IGNORED_SHOWN: Final = 20


class IgnoredPrinter:
    """Names ignored records as they are met, the first ones."""

    def __init__(self, *, silent: bool) -> None:
        self._silent, self._count = silent, 0

    def __call__(self, ignored: Ignored) -> None:
        """Print it, if it is one of the first `IGNORED_SHOWN`."""
        self._count += 1
        if not self._silent and self._count <= IGNORED_SHOWN:
            print_note(f"ignored: offset {ignored.offset}: {ignored.reason}: {ignored.detail}")
        if not self._silent and self._count == IGNORED_SHOWN + 1:
            print_note("... and more; --json lists them")


class WatchPrinter:
    """Prints what a watch finds, and calls the webhook."""

    def __init__(self, *, as_json: bool, webhook: str | None) -> None:
        self._as_json = as_json
        self._webhook = None if webhook is None else checked_webhook(webhook)

    def report(self, report: Report) -> bool:
        """What was proven up to now; never ends the watch."""
        if self._as_json:
            print_json_lines([{"event": "audited", **report.to_json()}])
        else:
            proven = "proven" if report.proven else f"whole ({'; '.join(report.missing)})"
            print_note(f"{report.blocks:,} blocks, root {report.root_hash.hex()}: {proven}")
        return False

    def evidence(self, evidence: Mapping[str, Any]) -> None:
        """What failed, for whoever must know."""
        print_json_lines([dict(evidence)])
        if self._webhook is not None and (problem := post_evidence(self._webhook, evidence)):
            print_note(f"the webhook was not reached: {problem}")

    def trouble(self, error: LedgerError) -> None:
        """Why nothing can be said for the moment."""
        print_note(f"the journal cannot be read now: {error.message}")


def print_report(report: Report, compared: dict[str, Any], seconds: float) -> None:
    """A report for people; `compared` is what more was looked at, such as a state store."""
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
