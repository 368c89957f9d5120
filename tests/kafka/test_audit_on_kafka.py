"""Audit, export and restore of a journal in a topic, among strangers' records."""

from pathlib import Path

import pytest

from infra.kafka import KafkaCluster
from journal.kafka import Cluster, KafkaLog
from journal.log import Position
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.kafka


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The command line, in an empty folder."""
    return CommandLine(tmp_path)


def test_a_ledger_goes_from_topic_to_folder_to_topic(
    cli: CommandLine, broker: KafkaCluster
) -> None:
    server = f"kafka://{broker.bootstrap_servers}"
    url = f"{server}/audited?data=node"
    cli.ok("ledger", "create", url, "--allow-single-broker")
    cli.ok("execute", url, "CREATE TABLE t")
    (cli.folder / "rows.jsonl").write_text("".join(f'{{"n":{n}}}\n' for n in range(3000)))
    cli.ok("import", url, "t", "rows.jsonl")
    log = KafkaLog(Cluster(bootstrap_servers=broker.bootstrap_servers), "indelible.audited.journal")
    log.append(b"a stranger's record")
    reader = log.reader(Position(offset=1))
    (copied,) = reader.read(timeout=10, limit=1)
    log.append(copied.value)
    reader.close()
    log.close()
    cli.ok("execute", url, "UPDATE t AS x SET x.n = -1 WHERE x.n = 7")
    cli.ok("checkpoint", url)
    key = cli.ok("key", "show", url, "--json").document["publicKey"]

    audited = cli.ok("audit", url, "--key", key, "--json", "--workers", "2").document
    state = cli.ok("audit", url, "--key", key, "--state", "node/state.db", "--json").document
    cli.ok("export", "journal", url, "copy")
    exported = cli.ok("audit", "export:copy", "--key", key, "--json").document
    back = f"{server}/audited?data=back&prefix=copy"
    refused = cli.run("restore", "copy", back)
    restored = cli.ok("restore", "copy", back, "--allow-single-broker", "--json").document
    again = cli.ok("audit", back, "--key", key, "--json").document

    assert [each["reason"] for each in audited["ignored"]] == ["foreign", "late"]
    assert audited["proven"]
    assert audited["revisions"] == 3003
    assert state["state"]["blocks"] == audited["blocks"]
    assert refused.exit_code == 4
    assert exported["rootHash"] == again["rootHash"] == audited["rootHash"]
    assert again["proven"]
    assert restored["tipHash"] == audited["tipHash"]
    assert cli.run("execute", back, "UPDATE t AS x SET x.n = 0 WHERE x.n = 8").exit_code == 4
    cli.ok("restore", "--take-over", back)
    cli.ok("execute", back, "UPDATE t AS x SET x.n = 0 WHERE x.n = 8")
    assert cli.run("restore", "copy", back, "--allow-single-broker").exit_code == 2
