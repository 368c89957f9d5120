"""The command line as a user has it: real processes of `indelible`.

Python takes a second to load everything, so `run` forks its processes from one that has (a fork server of
its own, without threads, files or locks of the tests); `start` and `run_cold` begin from nothing.
"""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS_MAX = 120

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["indelible.cli.main"])


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
        streams = self.folder / ".output", self.folder / ".errors"
        process = _context.Process(
            target=_command,
            args=(list(map(str, arguments)), self.folder, self._environment(environment), streams),
        )
        process.start()
        process.join(SECONDS_MAX)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"{arguments} did not end in {SECONDS_MAX} s")
        output, errors = (path.read_text() for path in streams)
        assert "Traceback" not in errors, errors
        return Completed(process.exitcode, output, errors)

    def ok(self, *arguments: str | Path, **environment: str) -> Completed:
        """Run a command that must succeed."""
        done = self.run(*arguments, **environment)
        assert done.exit_code == 0, done.errors
        return done

    def run_cold(self, *command: str, **environment: str) -> Completed:
        """Run any program to its end."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start a command that goes on beside the test."""
        return subprocess.Popen(
            [sys.executable, "-m", "indelible.cli", *map(str, arguments)],
            cwd=self.folder,
            env=self._environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("INDELIBLE_")
        }
        return {**inherited, "INDELIBLE_STATE_HOME": str(self.folder / ".state"), **extra}


def _command(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[Path]
) -> None:
    """In the new process: become `indelible` in `folder`."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115 - as long as the process
    sys.argv = ["indelible", *arguments]
    from indelible.cli.main import main

    main()
