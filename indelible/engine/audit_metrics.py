"""What a watching audit tells Prometheus: a small text file, for the node exporter's textfile collector.

The file is replaced as a whole at each look, so whoever reads it sees one moment. A watch that died
leaves it as it was: `indelible_audit_last_success_timestamp_seconds` then stands still.
"""

from dataclasses import dataclass
from pathlib import Path

from indelible.files import replace_file
from journal.ambient import Clock, system_clock
from journal.errors import ConfigurationError
from verifier.audit import Report

_READABLE_BY_ALL = 0o644


@dataclass(slots=True)
class AuditMetrics:
    """Counts what a watch did, and keeps the file current; without a path it only counts.

    Attributes:
        path: The file.
        clock: Gives the time.
        blocks, revisions: Checked in the last audit that found everything whole.
        checkpoint_size: Tree size of the newest checkpoint that agreed; 0 if there was none.
        proven: Whether that audit also proved it: anchored, under a pinned key.
        failures: Checks that failed.
        unreadable: How often the journal could not be read.
        succeeded_at: When everything was last found whole, UTC microseconds; 0 for never.
    """

    path: Path | None
    clock: Clock = system_clock
    blocks: int = 0
    revisions: int = 0
    checkpoint_size: int = 0
    proven: bool = False
    failures: int = 0
    unreadable: int = 0
    succeeded_at: int = 0

    def succeeded(self, report: Report) -> None:
        """Everything was whole just now, as `report` says.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        self.blocks, self.revisions = report.blocks, report.revisions
        self.checkpoint_size = max(report.checkpoints, default=0)
        self.proven = report.proven
        self.succeeded_at = self.clock()
        self.write()

    def write(self) -> None:
        """Bring the file up to date.

        Raises:
            ConfigurationError: It cannot be written.
        """
        if self.path is None:
            return
        try:
            replace_file(self.path, self.text().encode(), mode=_READABLE_BY_ALL)
        except OSError as error:
            raise ConfigurationError(f"cannot write {self.path}: {error.strerror}") from error

    def text(self) -> str:
        """The file: Prometheus' text format, version 0.0.4."""
        seconds = "+Inf"
        if self.succeeded_at:
            seconds = f"{max(0, self.clock() - self.succeeded_at) / 1_000_000:.3f}"
        succeeded_at = f"{self.succeeded_at / 1_000_000:.3f}"
        return "".join(
            f"# HELP indelible_audit_{name} {meaning}\n"
            f"# TYPE indelible_audit_{name} {kind}\n"
            f"indelible_audit_{name} {value}\n"
            for name, kind, value, meaning in (
                ("blocks", "gauge", self.blocks, "Blocks found whole."),
                ("revisions_checked", "gauge", self.revisions, "Revisions found whole."),
                ("checkpoint_size", "gauge", self.checkpoint_size, "Blocks under a checkpoint."),
                ("proven", "gauge", int(self.proven), "1 if all is anchored, under a pinned key."),
                ("seconds_since_success", "gauge", seconds, "Since all was last found whole."),
                (
                    "last_success_timestamp_seconds",
                    "gauge",
                    succeeded_at,
                    "When that was; 0: never.",
                ),
                ("failures_total", "counter", self.failures, "Checks that failed."),
                ("unreadable_total", "counter", self.unreadable, "Times it could not be read."),
            )
        )
