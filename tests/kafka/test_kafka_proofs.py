"""Checkpoints, receipts and keys of a ledger on a real broker, with two nodes."""

import shutil
from pathlib import Path

import pytest

import indelible
from infra.kafka import KafkaCluster
from tests.support.command_line import CommandLine
from verifier.checkpoint import open_checkpoint

pytestmark = pytest.mark.kafka


def test_two_nodes_prove_one_ledger(tmp_path: Path, broker: KafkaCluster) -> None:
    """One has the key, one a copy of it, and a third none."""
    cli, server = CommandLine(tmp_path), f"kafka://{broker.bootstrap_servers}"
    cli.ok("ledger", "create", f"{server}/proofs?data=one", "--allow-single-broker")
    (tmp_path / "two").mkdir()
    shutil.copy(tmp_path / "one" / "key.pem", tmp_path / "two")

    def connect(node: str) -> indelible.Ledger:
        url = f"{server}/proofs?data={tmp_path / node}"
        return indelible.connect(url, state_dir=tmp_path / "state")

    with connect("one") as one, connect("two") as two, connect("three") as three:
        one.execute("CREATE TABLE t")
        made = [node.execute("INSERT INTO t ?", {"n": 1}) for node in (one, two, three)]
        checkpoints = [node.checkpoint() for node in (one, two, one)]
        assert checkpoints[0].note == checkpoints[1].note == checkpoints[2].note
        assert checkpoints[0].tree_size == 5
        for result in made:
            for node in (one, two):
                node.receipt(result.transaction_id).verify()
                node.receipt(result.rows[0]["documentId"], version=0).verify()
        with pytest.raises(indelible.UnsupportedError):
            three.receipt(made[0].transaction_id)

        old = checkpoints[0].key
        following = one.rotate_key()
        assert following == three.status().checkpoint_key != old
        one.checkpoint()
        one.receipt(made[0].transaction_id).verify(old)
        with pytest.raises(indelible.ConfigurationError, match="not that of"):
            two.checkpoint()  # its copy is of the old key
        shutil.copy(tmp_path / "one" / "key.pem", tmp_path / "two")
        note = two.checkpoint().note
        assert open_checkpoint(note, following) == open_checkpoint(one.checkpoint().note, following)
        with pytest.raises(indelible.ProofRejectedError):
            open_checkpoint(note, old)
