"""What is signed, and what never is."""

import fcntl
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import indelible
from indelible.client.addresses import parse_address
from indelible.engine.checkpoints import LAST_SIGNED_FILE, LOCK_FILE
from indelible.engine.node import Node, ReadOnlyNode
from indelible.engine.opening import open_node
from journal.ambient import system_clock
from verifier.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from verifier.keys import (
    COSIGNATURE,
    cosignature_signer,
    ed25519_signer,
    new_private_key,
    verifier_key_of,
)
from verifier.note import parse_note
from verifier.witness import cosign


def open_(folder: Path, *, read_only: bool = False) -> Any:
    return open_node(parse_address(f"file:{folder}"), principal="ann", read_only=read_only)


def commit(node: Node, text: str = "INSERT INTO t ?", *parameters: Any) -> None:
    node.execute([(text, parameters)], principal="ann", labels={}, transaction_id=None)


def grow(node: Node, count: int = 1) -> None:
    for number in range(count):
        commit(node, "INSERT INTO t ?", {"n": number})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a ledger with five blocks, closed, nothing signed."""
    place = tmp_path / "ledger"
    node = open_(place)
    commit(node, "CREATE TABLE t")
    grow(node, 3)
    node.close()
    (place / LAST_SIGNED_FILE).unlink(missing_ok=True)
    return place


@pytest.fixture
def node(folder: Path) -> Iterator[Node]:
    found = open_(folder)
    yield found
    found.close()


def test_a_checkpoint_is_of_the_tree(node: Node) -> None:
    note = node.checkpoint().note
    status = node.status()

    checkpoint = open_checkpoint(note, status.checkpoint_key)
    assert checkpoint == Checkpoint(
        status.checkpoint_key.split("+")[0], status.tree_size, status.root_hash
    )
    assert checkpoint.tree_size == 5


def test_nothing_new_is_signed_for_the_same_tree(node: Node) -> None:
    assert node.checkpoint() == node.checkpoint()


def test_what_is_signed_is_in_the_file_before(node: Node, folder: Path) -> None:
    path = folder / LAST_SIGNED_FILE
    note = node.checkpoint().note
    assert path.read_text() == note
    assert path.stat().st_mode & 0o777 == 0o600
    grow(node)
    assert node.checkpoint().note == path.read_text() != note


def test_a_file_that_cannot_be_written_signs_nothing(
    node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = node.checkpoint().note
    grow(node)

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(indelible.StoreUnavailableError, match="No space left"):
            node._checkpoints.sign()
    assert (folder / LAST_SIGNED_FILE).read_text() == before
    assert sorted(path.name for path in folder.glob(".*")) == []
    assert node.checkpoint().note != before


def test_growth_is_signed_by_itself(node: Node, folder: Path) -> None:
    path, deadline = folder / LAST_SIGNED_FILE, time.monotonic() + 20
    grow(node, 2)
    while not (path.exists() and path.read_text().splitlines()[1] == "7"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    signed = path.stat().st_mtime_ns
    time.sleep(1.5)

    assert path.stat().st_mtime_ns == signed  # nothing grew


def test_a_shorter_journal_is_refused_at_start(folder: Path) -> None:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    node = open_(folder)
    grow(node)
    node.checkpoint()
    node.close()
    shutil.copy(folder / LAST_SIGNED_FILE, copy)

    with pytest.raises(indelible.IntegrityError, match=r"6 blocks was signed here .* has 5"):
        open_(copy)
    with pytest.raises(indelible.IntegrityError):  # no lock or thread is left of the first time
        open_(copy)


def test_another_journal_is_refused_at_start(folder: Path) -> None:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    node, other = open_(folder), open_(copy)
    grow(node, 1)
    grow(other, 2)
    node.checkpoint()
    node.close()
    other.close()
    shutil.copy(folder / LAST_SIGNED_FILE, copy)

    with pytest.raises(indelible.IntegrityError, match="another root"):
        open_(copy)


def test_a_larger_tree_must_contain_the_last_one(node: Node, folder: Path) -> None:
    """The store is changed under the running node: it signs nothing on top of it."""
    node.checkpoint()
    grow(node)
    with sqlite3.connect(folder / "state.db") as database:
        database.execute(
            "update blocks set header = cast(header || x'00' as blob) where sequence_number = 2"
        )
    database.close()
    with pytest.raises(indelible.IntegrityError, match="another root"):
        node.checkpoint()

    assert (folder / LAST_SIGNED_FILE).read_text().splitlines()[1] == "5"


@pytest.mark.parametrize("content", ["", "nonsense", "\ud800"])
def test_a_damaged_file_is_said(folder: Path, content: str) -> None:
    (folder / LAST_SIGNED_FILE).write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(indelible.IntegrityError, match="not a checkpoint of this ledger"):
        open_(folder)


def test_somebody_elses_checkpoint_in_the_file_is_said(folder: Path, tmp_path: Path) -> None:
    other = open_(tmp_path / "other")
    (folder / LAST_SIGNED_FILE).write_text(other.checkpoint().note)
    other.close()
    with pytest.raises(indelible.IntegrityError, match="not a checkpoint of this ledger"):
        open_(folder)


def test_a_reader_beside_the_writer_signs_too(node: Node, folder: Path) -> None:
    reader = open_(folder, read_only=True)
    assert reader.checkpoint() == node.checkpoint()
    grow(node)
    assert node.checkpoint() == reader.checkpoint()
    reader.close()


def test_a_reader_behind_what_was_signed_waits(folder: Path) -> None:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    node = open_(folder)
    grow(node)
    node.checkpoint()
    node.close()
    shutil.copy(folder / LAST_SIGNED_FILE, copy)
    reader = open_(copy, read_only=True)
    with pytest.raises(indelible.StaleReadError, match="has 5"):
        reader.checkpoint()
    reader.close()


def test_many_signers_of_one_folder(node: Node, folder: Path) -> None:
    """Threads, and readers as other processes are, beside commits: one note for each size."""
    readers = [ReadOnlyNode(folder, "ledger") for _ in range(3)]
    notes: list[str] = []
    raised: list[BaseException] = []

    def sign(signer: Any) -> None:
        try:
            for _ in range(25):
                notes.append(signer.checkpoint().note)
        except BaseException as error:  # noqa: BLE001 - what the test looks for
            raised.append(error)

    threads = [threading.Thread(target=sign, args=(each,)) for each in [node, node, *readers]]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        grow(node)
    for reader in readers:
        reader.close()

    assert raised == []
    by_size = {note.splitlines()[1]: note for note in notes}
    assert set(notes) == set(by_size.values())
    key = node.status().checkpoint_key
    with node._reading.view() as view:
        for note in by_size.values():
            tree = open_checkpoint(note, key)
            assert view.tree(tree.tree_size).root() == tree.root_hash


def test_a_lock_that_is_held_is_waited_for_and_named(
    node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indelible.files.LOCK_SECONDS_MAX", 0.05)
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(indelible.LedgerLockedError, match=r"last-signed\.lock"):
        node.checkpoint()
    os.close(descriptor)

    assert node.checkpoint()


def test_without_a_private_key_it_commits_and_does_not_sign(folder: Path) -> None:
    (folder / "key.pem").unlink()
    node = open_(folder)
    grow(node)
    with pytest.raises(indelible.UnsupportedError, match="no private key"):
        node.checkpoint()
    with pytest.raises(indelible.UnsupportedError):
        node.rotate_key(principal="ann")
    assert node.status().tree_size == 6
    node.close()


def test_another_private_key_does_not_sign(folder: Path) -> None:
    (folder / "key.pem").write_bytes(new_private_key())
    node = open_(folder)
    with pytest.raises(indelible.ConfigurationError, match="not that of"):
        node.checkpoint()
    node.close()


def test_a_key_file_that_is_none(folder: Path) -> None:
    (folder / "key.pem").write_text("nonsense")
    node = open_(folder)
    grow(node)
    with pytest.raises(indelible.ConfigurationError, match="cannot be used"):
        node.checkpoint()
    node.close()


def test_a_key_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDELIBLE_PRIVATE_KEY", (folder / "key.pem").read_text())
    (folder / "key.pem").unlink()
    node = open_(folder)
    assert node.checkpoint().note
    with pytest.raises(indelible.UnsupportedError, match="INDELIBLE_PRIVATE_KEY"):
        node.rotate_key(principal="ann")
    node.close()
    assert not (folder / "key.pem").exists()


def test_a_ledger_made_with_a_key_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = new_private_key()
    monkeypatch.setenv("INDELIBLE_PRIVATE_KEY", pem.decode())
    for url in (f"file:{tmp_path / 'ledger'}", "memory:"):
        with indelible.connect(url) as ledger:
            checkpoint = ledger.checkpoint()
        assert checkpoint.key == verifier_key_of(pem, checkpoint.origin)
    assert not (tmp_path / "ledger" / "key.pem").exists()


def test_an_encrypted_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ledger"
    monkeypatch.setenv("INDELIBLE_KEY_PASSPHRASE", "a secret")
    node = open_(folder)
    assert node.checkpoint().note
    assert b"ENCRYPTED" in (folder / "key.pem").read_bytes()
    node.rotate_key(principal="ann")
    assert b"ENCRYPTED" in (folder / "key.pem").read_bytes()
    node.close()
    for wrong in ("another", ""):
        monkeypatch.setenv("INDELIBLE_KEY_PASSPHRASE", wrong)
        node = open_(folder)
        commit(node, "CREATE TABLE t" if wrong else "DROP TABLE t")
        with pytest.raises(indelible.ConfigurationError) as error:
            node.checkpoint()
        assert "INDELIBLE_KEY_PASSPHRASE" in error.value.hint
        node.close()


def a_cosigned(note: str, name: str = "witness.example.com/w1") -> tuple[str, str]:
    pem = new_private_key()
    key = verifier_key_of(pem, name, signature_type=COSIGNATURE)
    return cosign(note, cosignature_signer(pem, name, system_clock)), key


def test_cosignatures_stay_with_the_checkpoint(node: Node, folder: Path) -> None:
    cosigned, _ = a_cosigned(node.checkpoint().note)
    kept = node.cosign(cosigned).note
    second, _ = a_cosigned(node.checkpoint().note, "witness.example.com/w2")

    assert kept == cosigned == (folder / LAST_SIGNED_FILE).read_text()
    assert node.checkpoint().note == cosigned
    assert len(parse_note(node.cosign(second).note).signatures) == 3
    grow(node)
    assert len(parse_note(node.checkpoint().note).signatures) == 1


def test_what_is_no_cosignature_of_the_last_checkpoint(node: Node, folder: Path) -> None:
    first = node.checkpoint().note
    cosigned, _ = a_cosigned(first)
    for note in ("", "nonsense", first, "\ud800"):
        with pytest.raises(indelible.InputError):
            node.cosign(note)
    grow(node)
    node.checkpoint()
    with pytest.raises(indelible.ConflictError, match="another checkpoint"):
        node.cosign(cosigned)
    with pytest.raises(indelible.ConflictError):
        node.cosign(a_cosigned(_forged(node, folder))[0])
    many = node.checkpoint().note
    for number in range(16):
        many, _ = a_cosigned(many, f"w{number}")
    with pytest.raises(indelible.InputError, match="15 cosignatures at most"):
        node.cosign(many)
    assert len(parse_note(node.checkpoint().note).signatures) == 1


def test_nothing_to_cosign(folder: Path, tmp_path: Path) -> None:
    other = open_(tmp_path / "other")
    note, _ = a_cosigned(other.checkpoint().note)
    other.close()
    node = open_(folder)
    with pytest.raises(indelible.InputError, match="no checkpoint of this ledger"):
        node.cosign(note)
    node.close()


def _forged(node: Node, folder: Path) -> str:
    origin = node.status().checkpoint_key.split("+")[0]
    signer = ed25519_signer((folder / "key.pem").read_bytes(), origin)
    return sign_checkpoint(Checkpoint(origin, 6, bytes(32)), signer)


def test_witnesses_that_are_demanded(folder: Path, tmp_path: Path) -> None:
    url = f"file:{folder}"
    with indelible.connect(url) as ledger:
        cosigned, w1 = a_cosigned(ledger.checkpoint().note)
        _, w2 = a_cosigned(cosigned, "witness.example.com/w2")
        assert ledger.cosign(cosigned).note == cosigned
    for witnesses, threshold in (([w1], None), ([w1, w2], 1)):
        options: dict[str, Any] = {"witnesses": witnesses, "threshold": threshold}
        with indelible.connect(url, state_dir=tmp_path / "state", **options) as ledger:
            assert ledger.checkpoint().note == cosigned
            made = ledger.query("SELECT VALUE c.metadata.txId FROM _ql_committed_t AS c").rows[0]
            ledger.receipt(made).verify()
    with indelible.connect(url, witnesses=[w1, w2]) as ledger:
        with pytest.raises(indelible.ProofRejectedError, match="cosigned by 1 of 2"):
            ledger.checkpoint()
        with pytest.raises(indelible.ProofRejectedError, match="cosigned by 1 of 2"):
            ledger.receipt(made).verify()


@pytest.mark.parametrize(
    "options",
    [
        {"key": 5}, {"key": "x"}, {"key": "a+b+c"}, {"witnesses": ["x"]}, {"witnesses": "x"},
        {"witnesses": [5]}, {"threshold": 1}, {"witnesses": 5}, {"witnesses": {"a": 1}},
        {"state_dir": 5}, {"state_dir": "\0"}, {"state_dir": b"x"},
    ],
)  # fmt: skip
def test_trust_options_that_are_wrong(options: dict[str, Any]) -> None:
    with pytest.raises(indelible.InputError):
        indelible.connect("memory:", **options)


def test_keys_of_the_wrong_kind() -> None:
    with indelible.connect("memory:") as ledger:
        own = ledger.status().checkpoint_key
        _, witness = a_cosigned(ledger.checkpoint().note)
    for options in ({"key": witness}, {"witnesses": [own]}):
        with pytest.raises(indelible.InputError):
            indelible.connect("memory:", **options)  # type: ignore[arg-type]
    for threshold in (0, 2, True, "1"):
        with pytest.raises(indelible.InputError, match="threshold"):
            indelible.connect("memory:", witnesses=[witness], threshold=threshold)  # type: ignore[arg-type]
