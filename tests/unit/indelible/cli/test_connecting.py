"""`indelible connect-config`: what it prints is what Connect takes."""

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

LEDGER = "kafka://127.0.0.1:1/registry?prefix=acme"
DATABASE = ("--url", "jdbc:postgresql://db:5432/registry")


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_sink_of_a_database(cli: CommandLine) -> None:
    printed = cli.ok("connect-config", LEDGER, "--table", "vehicles", *DATABASE).document

    assert printed["name"] == "acme.registry.current.vehicles.jdbc"
    assert printed["config"]["topics"] == "acme.registry.current.vehicles"
    assert printed["config"]["connection.url"] == DATABASE[1]


def test_history_with_everything_chosen(cli: CommandLine) -> None:
    printed = cli.ok(
        "connect-config", LEDGER, "--table", "vehicles", "--history", *DATABASE,
        "--user", "ann", "--password", "${env:PASSWORD}", "--into", "archive.cars", "--name", "cars",
    ).document  # fmt: skip

    assert printed["name"] == "cars"
    assert printed["config"]["topics"] == "acme.registry.history.vehicles"
    assert printed["config"]["connection.username"] == "ann"
    assert printed["config"]["connection.password"] == "${env:PASSWORD}"
    assert printed["config"]["collection.name.format"] == "archive.cars"


def test_sink_of_a_file_from_the_settings(cli: CommandLine) -> None:
    words = ("--sink", "file", "--table", "vehicles", "--history", "--file", "/tmp/vehicles")
    printed = cli.ok("connect-config", *words, INDELIBLE_URL="file:./registry").document

    assert printed["config"]["topics"] == "indelible.ledger.history.vehicles"
    assert printed["config"]["file"] == "/tmp/vehicles"


@pytest.mark.parametrize(
    "words",
    [
        [LEDGER, "--table", "t"],
        [LEDGER, "--table", "t", *DATABASE, "--file", "x"],
        [LEDGER, "--table", "t", "--sink", "file"],
        [LEDGER, "--table", "t", "--sink", "file", "--file", "x", *DATABASE],
        [LEDGER, "--table", "t", "--url", "postgresql://db/registry"],
        ["kafka://127.0.0.1:1", "--table", "t", *DATABASE],
    ],
)
def test_what_does_not_fit_together_is_refused(cli: CommandLine, words: list[str]) -> None:
    refused = cli.run("connect-config", *words)

    assert refused.exit_code == 2
    assert refused.output == ""
    assert refused.errors.startswith("error: ")
