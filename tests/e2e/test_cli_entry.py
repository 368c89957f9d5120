"""The installed program itself."""

import sys
from importlib.metadata import version
from pathlib import Path

from tests.support.command_line import CommandLine


def test_installed_program_runs(cli: CommandLine) -> None:
    program = str(Path(sys.executable).with_name("indelible"))
    shown = cli.run_cold(program, "--version")
    failed = cli.run_cold(program, "status", "file:absent")

    assert (shown.exit_code, shown.output) == (0, f"indelible {version('indelible')}\n")
    assert (failed.exit_code, failed.output) == (2, "")
    assert failed.errors.startswith("error: no ledger in absent\n")
