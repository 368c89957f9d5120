"""kill -9 of a process that signs in a loop while it commits: what it signed never contradicts itself."""

import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import indelible
from indelible.client.addresses import parse_address
from indelible.engine.opening import open_node
from verifier.checkpoint import check_consistent, open_checkpoint

pytestmark = pytest.mark.slow

ROUNDS = 20 if os.environ.get("INDELIBLE_SOAK") else 4


def killed_writer(url: str, seconds: float, state: Path) -> list[str]:
    """The notes that a process printed before it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.signing_writer", url, "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "INDELIBLE_STATE_HOME": str(state)},
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    output, errors = process.communicate(timeout=60)
    assert b"Traceback" not in errors, errors.decode()
    whole = (first + output).split(b"\n")[:-1]  # the last line may have been cut
    return [json.loads(line) for line in whole]


@pytest.mark.slow
def test_notes_of_killed_signers_are_consistent(tmp_path: Path) -> None:
    folder, state = tmp_path / "ledger", tmp_path / "state"
    notes: list[str] = []
    dice = random.Random(7)
    for _ in range(ROUNDS):
        printed = killed_writer(f"file:{folder}", dice.uniform(0.05, 1.5), state)
        last = (folder / "last-signed").read_text()
        if notes:
            assert size(printed[0]) >= size(notes[-1])
        for note in printed:
            assert size(last) > size(note) or last == note
        notes += printed
    node = open_node(parse_address(f"file:{folder}"), principal="ann")
    key = node.status().checkpoint_key
    trees = [open_checkpoint(note, key) for note in notes]
    by_size = {tree.tree_size: tree for tree in trees}
    for tree in trees:
        assert by_size[tree.tree_size] == tree  # one root for each size
    for older, newer in itertools.pairwise(
        sorted(by_size.values(), key=lambda tree: tree.tree_size)
    ):
        check_consistent(older, newer, node.consistency(older.tree_size, newer.tree_size))
    newest = open_checkpoint((folder / "last-signed").read_bytes(), key)
    node.close()

    assert newest.tree_size >= max(by_size)
    assert len(by_size) > ROUNDS
    with indelible.connect(f"file:{folder}", state_dir=state) as ledger:
        assert ledger.checkpoint().tree_size >= newest.tree_size


def size(note: str) -> int:
    return int(note.splitlines()[1])
