"""Fixtures of the end-to-end tests."""

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The command line, in an empty folder."""
    return CommandLine(tmp_path)


@pytest.fixture
def registry(cli: CommandLine) -> str:
    """A ledger with a table `vehicles` of one document, updated once."""
    url = "file:registry"
    cli.ok("execute", url, "CREATE TABLE vehicles")
    cli.ok("execute", url, "INSERT INTO vehicles ?", "-p", '{"vin": "1N4", "owner": "Nova"}')
    cli.ok("execute", url, "UPDATE vehicles AS v SET v.owner = ?", "-p", '"Ann"')
    return url
