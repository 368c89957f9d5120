"""`indelible stream` as a user has it."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.receiver import Receiver

pytestmark = pytest.mark.slow


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    found = CommandLine(tmp_path)
    found.ok("execute", "file:l", "CREATE TABLE cars")
    found.ok(
        "execute", "file:l", "INSERT INTO cars ?", "-p", '{"vin":"a","price":{"$decimal":"10.50"}}'
    )
    return found


def test_standard_output_has_one_json_line_for_each_revision(line: CommandLine) -> None:
    (found,) = line.ok("stream", "file:l", "--to", "stdout", "--once").documents

    assert json.loads(found["data"]) == {"vin": "a", "price": "10.50"}
    assert (found["_table"], found["_sequence_number"]) == ("cars", 2)


def test_an_inferred_declaration_can_be_used(line: CommandLine) -> None:
    declared = line.ok("stream", "file:l", "--infer", "cars").output
    (line.folder / "s.toml").write_text(declared)
    (found,) = line.ok(
        "stream", "file:l", "--to", "stdout", "--once", "--schemas", "s.toml"
    ).documents

    assert declared == '[tables.cars]\nprice = "decimal(2)"\nvin = "string"\n'
    assert (found["vin"], found["price"]) == ("a", "BBo=")


def test_an_export_is_streamed_like_its_ledger(line: CommandLine) -> None:
    line.ok("export", "journal", "file:l", "copy")
    arguments = ("--to", "stdout", "--once")

    assert (
        line.ok("stream", "export:copy", *arguments).output
        == line.ok("stream", "file:l", *arguments).output
    )


def test_a_webhook_is_followed_until_a_signal(line: CommandLine) -> None:
    (line.folder / "secret").write_text("0123456789abcdef\n")
    with Receiver() as receiver:
        process = line.start(
            "stream", "file:l", "--to", "webhook", "--target", receiver.url,
            "--secret-file", "secret", "--json",
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while len(receiver.accepted) < 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        line.ok("execute", "file:l", "UPDATE cars SET owner = 'ann'")
        while len(receiver.accepted) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
        line.ok("stream", "file:l", "--to", "webhook", "--target", receiver.url, "--once")

        assert process.returncode == 0, errors
        assert [each["_version"] for each in receiver.accepted] == [0, 1]
        assert json.loads(output.splitlines()[-1])["sequenceNumber"] == 4


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "which Kafka?"),
        (["--to", "pigeon"], "cannot be 'pigeon'"),
        (["--format", "xml"], "cannot be 'xml'"),
        (["--to", "file"], "needs --target"),
        (["--to", "stdout", "--target", "x"], "takes no --target"),
        (["--to", "webhook", "--target", "ftp://x"], "not a webhook's URL"),
        (["--to", "stdout", "--format", "avro"], "only Kafka"),
        (["--to", "stdout", "--name", "A B"], "A B"),
        (["--infer", "nothing"], "no table named 'nothing'"),
        (["--schemas", "none.toml"], "none.toml"),
        (["--to", "webhook", "--target", "http://x", "--secret-file", "none"], "cannot read none"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(
    arguments: list[str], problem: str, line: CommandLine
) -> None:
    done = line.run("stream", "file:l", *arguments)

    assert done.exit_code in {2, 4}
    assert problem in done.errors


def test_a_ledger_that_is_not_there_is_not_made(line: CommandLine) -> None:
    done = line.run("stream", "file:none", "--to", "stdout", "--once")

    assert done.exit_code == 2
    assert not (line.folder / "none").exists()
