"""The one port of the benchmark."""

from typing import Protocol

from bench.measure import Sample


class Target(Protocol):
    """Something that commits one vehicle per transaction, durably, before it answers.

    Attributes:
        name: As in the report and on the command line.
        client: Who calls it, for the report.
    """

    @property
    def name(self) -> str:
        """As in the report and on the command line."""

    @property
    def client(self) -> str:
        """Who calls it, for the report."""

    def commit(self, *, callers: int, seconds: float) -> Sample:
        """Let so many callers commit for so long; every call uses vins of its own."""
