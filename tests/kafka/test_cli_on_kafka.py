"""The command line on a real broker."""

import signal
import stat
from pathlib import Path

import pytest

from infra.kafka import KafkaCluster
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.kafka


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The command line, in an empty folder."""
    return CommandLine(tmp_path)


def test_ledger_on_kafka_from_creation_to_rebuild(cli: CommandLine, broker: KafkaCluster) -> None:
    server = f"kafka://{broker.bootstrap_servers}"
    url = f"{server}/cli-a?data=node"
    refused = cli.run("ledger", "create", url, "--json")
    created = cli.ok("ledger", "create", url, "--allow-single-broker", "--json").document
    again = cli.run("ledger", "create", url, "--allow-single-broker", "--json")
    cli.ok("execute", url, "CREATE TABLE t")
    cli.ok("execute", url, "INSERT INTO t ?", "-p", '{"n":1}')
    status = cli.ok("status", url, "--json").document
    rebuilt = cli.ok("rebuild", url, "--json").document
    rows = cli.ok("query", url, "SELECT VALUE x.n FROM t AS x", "--json").documents

    assert (refused.exit_code, refused.error["code"]) == (4, "journal_settings")
    assert (again.exit_code, again.error["code"]) == (2, "ledger_exists")
    assert all("kafka-acls.sh" in command for command in created["accessCommands"])
    assert stat.S_IMODE((cli.folder / "node" / "key.pem").stat().st_mode) == 0o600
    assert rebuilt["tipHash"] == status["tipHash"]
    assert rows == [1]
    assert {"url": f"{server}/cli-a"} in cli.ok("ledger", "list", server, "--json").document


def test_ledger_that_was_not_made_is_unknown(cli: CommandLine, broker: KafkaCluster) -> None:
    url = f"kafka://{broker.bootstrap_servers}/cli-none?data=node"
    done = cli.run("execute", url, "CREATE TABLE t", "--json")

    assert (done.exit_code, done.error["code"]) == (2, "unknown_ledger")


def test_replica_of_a_ledger_on_kafka_follows(cli: CommandLine, broker: KafkaCluster) -> None:
    url = f"kafka://{broker.bootstrap_servers}/cli-b"
    cli.ok("ledger", "create", f"{url}?data=node", "--allow-single-broker")
    with cli.start("materialize", url, "--data", "replica", "--json") as replica:
        assert replica.stdout is not None
        first = replica.stdout.readline()
        cli.ok("execute", f"{url}?data=node", "CREATE TABLE t")
        second = replica.stdout.readline()
        replica.send_signal(signal.SIGTERM)
        exit_code = replica.wait(timeout=30)

    assert '"tip":0' in first
    assert '"tip":1' in second
    assert exit_code == 0
