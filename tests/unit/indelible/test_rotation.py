"""A ledger gets another key, and whoever knew the old one goes on."""

import multiprocessing
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import indelible
from indelible.client.addresses import parse_address
from indelible.client.trust import Trust
from indelible.engine.keys import KEY_FILE, NEXT_KEY_FILE, KeyFolder
from indelible.engine.node import Node
from indelible.engine.opening import open_node
from indelible.engine.rotation import RotateKey
from materializer.partiql import normalise
from verifier.checkpoint import open_checkpoint
from verifier.keys import new_private_key, verifier_key_of
from verifier.rotation import current_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "ledger"
    with indelible.connect(f"file:{place}", state_dir=tmp_path / "state") as ledger:
        ledger.execute("CREATE TABLE t")
        ledger.execute("INSERT INTO t ?", {"n": 1})
    return place


@pytest.fixture
def ledger(folder: Path, tmp_path: Path) -> Iterator[indelible.Ledger]:
    with indelible.connect(f"file:{folder}", state_dir=tmp_path / "state") as ledger:
        yield ledger


def key_in(folder: Path, origin: str) -> str:
    return verifier_key_of((folder / KEY_FILE).read_bytes(), origin)


def document_id(ledger: indelible.Ledger) -> str:
    return str(ledger.query("SELECT VALUE c.metadata.id FROM _ql_committed_t AS c").rows[0])


def test_old_keys_still_verify(ledger: indelible.Ledger, folder: Path) -> None:
    keys, receipts = [ledger.status().checkpoint_key], [ledger.receipt(document_id(ledger))]
    before = ledger.checkpoint()
    for _ in range(3):
        keys.append(ledger.rotate_key())
        ledger.execute("UPDATE t SET n = n + 1")
        receipts.append(ledger.receipt(document_id(ledger)))

    assert len(set(keys)) == 4
    assert ledger.status().checkpoint_key == keys[-1] == key_in(folder, before.origin)
    assert not (folder / NEXT_KEY_FILE).exists()
    checkpoint = ledger.checkpoint()
    assert (checkpoint.key, len(checkpoint.key_chain)) == (keys[-1], 3)
    assert open_checkpoint(checkpoint.note, keys[-1]).tree_size == checkpoint.tree_size
    for key in keys:
        receipts[-1].verify(key)
        assert current_key(key, checkpoint.key_chain) == keys[-1]
    receipts[0].verify(keys[0])
    with pytest.raises(indelible.ProofRejectedError):
        receipts[0].verify(keys[1])  # signed before that key was there


def test_who_saw_the_ledger_before_goes_on(folder: Path, tmp_path: Path) -> None:
    url, state = f"file:{folder}", tmp_path / "state"
    with indelible.connect(url, state_dir=state) as ledger:
        pinned = ledger.checkpoint().key
        ledger.rotate_key()
        ledger.checkpoint()
        ledger.receipt(document_id(ledger)).verify()
    for key in (None, pinned):
        with indelible.connect(url, state_dir=state, key=key) as ledger:
            ledger.rotate_key()
            assert ledger.checkpoint().tree_size == ledger.status().tree_size
            assert ledger.query("SELECT * FROM history(t) AS h", verify=True).rows


def test_it_is_a_transaction_like_any_other(ledger: indelible.Ledger) -> None:
    key = ledger.rotate_key()
    node: Any = ledger._transport
    with node.node._reading.view() as view:
        (position,) = view._connection.execute(
            "select position from entries where previous is not null order by position desc limit 1"
        ).fetchone()
        material = view.proofs.material(position - 1)
    receipt = ledger.receipt(ledger_document_id(ledger))
    receipt.verify()

    assert receipt.version == 1
    assert receipt.document["checkpointKey"] == key  # type: ignore[index]
    assert "indelible-key-rotation/1" in receipt.document["keyRotation"]  # type: ignore[index]
    transaction = ledger.receipt(receipt.transaction_id)
    assert transaction.statements == ("ROTATE KEY",)
    assert material.entry.body == transaction.data.entry_body


def ledger_document_id(ledger: indelible.Ledger) -> str:
    from materializer.store.ledger_keys import LEDGER_TABLE

    node: Any = ledger._transport
    with node.node._reading.view() as view:
        return str(next(iter(view.scan(LEDGER_TABLE))).id)


def test_a_rebuilt_state_knows_the_keys(folder: Path, tmp_path: Path) -> None:
    with indelible.connect(f"file:{folder}") as ledger:
        key = ledger.rotate_key()
    for path in folder.glob("state.db*"):
        path.unlink()
    with indelible.connect(f"file:{folder}") as ledger:
        assert ledger.status().checkpoint_key == key
        assert len(ledger.checkpoint().key_chain) == 1


@pytest.mark.parametrize(
    "statement",
    ["ROTATE KEY", "UPDATE ledger SET checkpointKey = 'x'", "INSERT INTO ledger ?",
     "UPDATE _ql_committed_ledger SET data = 1", "DELETE FROM ledger", "DROP TABLE ledger",
     'UPDATE "0000000000000000000001" SET checkpointKey = 1'],
)  # fmt: skip
def test_no_statement_can_do_it(ledger: indelible.Ledger, statement: str) -> None:
    key = ledger.status().checkpoint_key
    parameters = ({"checkpointKey": "x"},) if "?" in statement else ()
    with pytest.raises(indelible.InputError):
        ledger.execute(statement, *parameters)

    assert ledger.status().checkpoint_key == key


def test_the_statement_is_not_mistaken_for_its_text(ledger: indelible.Ledger) -> None:
    ledger.rotate_key()
    with pytest.raises(indelible.QuerySyntaxError):
        ledger.execute("ROTATE KEY")
    assert ledger.rotate_key()
    assert normalise(RotateKey("a", "b", "c")) == "ROTATE KEY"


def test_a_key_that_is_not_the_ledgers_rotates_nothing(folder: Path) -> None:
    (folder / KEY_FILE).write_bytes(new_private_key())
    with indelible.connect(f"file:{folder}") as ledger:
        size = ledger.status().tree_size
        with pytest.raises(indelible.ConfigurationError, match="not that of"):
            ledger.rotate_key()
        assert ledger.status().tree_size == size


def rotate_until(folder: Path, last: int) -> int:
    """In a process of its own: rotate, and die at a line; gives how many lines were run until the end.

    Counted are the lines of those functions between whose lines something on the disk changes.
    """
    process = _context.Process(target=_rotate_until, args=(folder, last))
    process.start()
    process.join(60)
    assert process.exitcode is not None
    count = folder.with_name("lines")
    if process.exitcode == 0:
        return int(count.read_text())
    assert process.exitcode == DIED
    return last


DIED = 77
STEPS = {
    ("node.py", "rotate_key"), ("keys.py", "prepare_rotation"), ("keys.py", "finish_rotation"),
    ("files.py", "replace_file"), ("files.py", "sync_folder"), ("checkpoints.py", "sign"),
    ("sqlite.py", "append"), ("store.py", "commit"),
}  # fmt: skip
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["indelible.cli.main"])


def _rotate_until(folder: Path, last: int) -> None:
    node = open_node(parse_address(f"file:{folder}"), principal="ann")
    assert isinstance(node, Node)
    assert node._signing is not None
    node._signing.close()
    lines = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal lines
        code = frame.f_code
        if (Path(code.co_filename).name, code.co_name) not in STEPS:
            return None
        if event == "line":
            lines += 1
            if lines == last:
                os._exit(DIED)
        return trace

    sys.settrace(trace)
    node.rotate_key(principal="ann")
    sys.settrace(None)
    folder.with_name("lines").write_text(str(lines))
    node.close()


@pytest.mark.slow
@pytest.mark.parametrize("step", [9, 1])
def test_at_every_instant_the_folder_has_the_current_key(
    folder: Path, tmp_path: Path, step: int
) -> None:
    """The process dies between two lines, each of them once, and another goes on."""
    template = tmp_path / "template"
    shutil.copytree(folder, template)
    total = rotate_until(folder, sys.maxsize)
    for last in range(step, total + 1, step):
        shutil.rmtree(folder)
        shutil.copytree(template, folder)
        assert rotate_until(folder, last) == last
        with indelible.connect(f"file:{folder}", state_dir=tmp_path / str(last)) as ledger:
            checkpoint = ledger.checkpoint()
            assert key_in(folder, checkpoint.origin) == checkpoint.key
            assert ledger.status().checkpoint_key == checkpoint.key
            following = ledger.rotate_key()
            assert ledger.checkpoint().key == following == key_in(folder, checkpoint.origin)
            assert not (folder / NEXT_KEY_FILE).exists()
    assert total > 50


def test_a_rotation_that_was_cut_short_leads_to_the_same_key(folder: Path) -> None:
    """A block that names it may still be on its way."""
    with indelible.connect(f"file:{folder}") as ledger:
        origin = ledger.checkpoint().origin
        prepared = KeyFolder(folder).prepare_rotation(origin)
        assert KeyFolder(folder).prepare_rotation(origin) == prepared
    with indelible.connect(f"file:{folder}") as ledger:
        assert (folder / NEXT_KEY_FILE).exists()
        assert ledger.rotate_key() == prepared


def test_two_that_rotate_at_the_same_time(folder: Path) -> None:
    """The second finds another key than it prepared for, and does nothing."""
    node = open_node(parse_address(f"file:{folder}"), principal="ann")
    assert isinstance(node, Node)
    late = node._checkpoints.rotation()
    stolen = RotateKey("another key", late.following, late.note)
    node.rotate_key(principal="ann")
    size = node.status().tree_size
    node.execute([(late, ())], principal="ann", labels={}, transaction_id=None)  # it is done
    other = RotateKey(late.current, stolen.following + "x", late.note)
    for statement in (RotateKey("x", "y", "z"), other):
        with pytest.raises(indelible.ConflictError):
            node.execute([(statement, ())], principal="ann", labels={}, transaction_id=None)

    assert node.status().tree_size == size
    node.close()


def test_nothing_is_trusted_that_the_old_key_did_not_sign(folder: Path, tmp_path: Path) -> None:
    """A node that changes its key without the old one's word is refused by whoever knew that."""
    with indelible.connect(f"file:{folder}") as ledger:
        pinned = ledger.checkpoint().key
        node: Any = ledger._transport
        statement = node.node._checkpoints.rotation()
        forged = RotateKey(statement.current, statement.following, "")
        node.node.execute([(forged, ())], principal="ann", labels={}, transaction_id=None)
        for trust in (Trust(url="x", state=Trust.nothing().state, key=pinned),):
            with pytest.raises(indelible.ProofRejectedError):
                trust.checkpoint(node)
