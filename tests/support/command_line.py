"""The command line as a user has it: real processes of `indelible`."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class Completed:
    """What a finished command left."""

    exit_code: int
    output: str
    errors: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.output)

    @property
    def documents(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.output.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """The JSON error on standard error."""
        return dict(json.loads(self.errors))


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands in a folder of its own, without the settings of whoever runs the tests."""

    folder: Path

    def run(self, *arguments: str | Path, **environment: str) -> Completed:
        """Run a command to its end."""
        done = subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Completed(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str | Path, **environment: str) -> Completed:
        """Run a command that must succeed."""
        done = self.run(*arguments, **environment)
        assert done.exit_code == 0, done.errors
        return done

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start a command that goes on beside the test; leave its context to have it ended."""
        return subprocess.Popen(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def _command(arguments: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "indelible.cli", *map(str, arguments)]

    @staticmethod
    def _environment(extra: Mapping[str, str]) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("INDELIBLE_")
        }
        return {**inherited, **extra}
