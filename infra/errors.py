"""What can go wrong with a server that we run.

```
InfrastructureError
  MissingProgramError   something has to be installed; the message says what
  StartError            it did not come up; the message ends with its log
```
"""

from pathlib import Path

_LOG_LINES = 30


class InfrastructureError(Exception):
    """A server cannot be run here."""


class MissingProgramError(InfrastructureError):
    """A program is not installed, or too old."""

    def __init__(self, program: str, *, install: str) -> None:
        self.program, self.install = program, install
        super().__init__(f"{program} is missing: install it ({install})")


class StartError(InfrastructureError):
    """A server did not start in time, or ended at once."""

    def __init__(self, server: str, log: Path) -> None:
        self.server, self.log = server, log
        super().__init__(f"{server} did not start; the end of {log}:\n{tail(log)}")


def tail(log: Path, lines: int = _LOG_LINES) -> str:
    """The last lines of a log file, empty where there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
