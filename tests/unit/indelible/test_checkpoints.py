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
from indelible.engine.checkpoints import (
    COSIGNATURES_MAX,
    LAST_COSIGNED_FILE,
    LAST_SIGNED_FILE,
    LOCK_FILE,
)
from indelible.engine.node import Node, ReadOnlyNode
from indelible.engine.opening import open_node
from journal.ambient import system_clock
from journal.hashing import EMPTY_ROOT
from journal.ids import parse_id
from verifier.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from verifier.keys import (
    COSIGNATURE,
    cosignature_signer,
    ed25519_signer,
    new_private_key,
    parse_verifier_key,
    verifier_key_of,
)
from verifier.note import Note, SignatureLine, Signer, add_signature, format_note, parse_note
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


@pytest.mark.slow
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


def test_cosignatures_outlive_the_checkpoints_that_follow(node: Node, folder: Path) -> None:
    plain = node.checkpoint().note
    cosigned, _ = a_cosigned(plain)
    kept = node.cosign(cosigned).note
    grow(node, 3)
    newer = node.checkpoint().note
    path = folder / LAST_COSIGNED_FILE

    assert kept == cosigned == path.read_text() == node.checkpoint(witnessed=True).note
    assert path.stat().st_mode & 0o777 == 0o600
    assert (folder / LAST_SIGNED_FILE).read_text() == newer
    assert len(parse_note(newer).signatures) == 1


def test_cosignatures_of_one_checkpoint_add_up(node: Node) -> None:
    plain = node.checkpoint().note
    first, _ = a_cosigned(plain)
    second, _ = a_cosigned(plain, "witness.example.com/w2")
    node.cosign(first)
    grow(node)
    node.checkpoint()
    both = node.cosign(second).note

    names = [line.name for line in parse_note(both).signatures]
    assert names[1:] == ["witness.example.com/w1", "witness.example.com/w2"]
    assert node.cosign(first).note == node.checkpoint(witnessed=True).note
    assert set(parse_note(both).signatures) == set(parse_note(node.cosign(second).note).signatures)


def test_the_largest_cosigned_tree_wins(node: Node) -> None:
    old = node.checkpoint().note
    grow(node)
    newer, _ = a_cosigned(node.checkpoint().note)
    assert node.cosign(a_cosigned(old)[0]).note.splitlines()[1] == "5"
    assert node.cosign(newer).note == newer
    with pytest.raises(indelible.ConflictError, match="of 6 blocks is cosigned already"):
        node.cosign(a_cosigned(old)[0])

    assert node.checkpoint(witnessed=True).note == newer


def test_what_another_node_with_the_key_signed_is_accepted(node: Node, folder: Path) -> None:
    """Signed for a tree that this folder never signed; but it is the ledger's, and so is the tree."""
    status = node.status()
    note = sign_checkpoint(
        Checkpoint(status.checkpoint_key.split("+")[0], status.tree_size, status.root_hash),
        own_signer(node, folder),
    )
    assert not (folder / LAST_SIGNED_FILE).exists()

    assert node.cosign(a_cosigned(note)[0]).note.startswith(note)


def test_what_is_no_cosigned_checkpoint(node: Node, folder: Path, tmp_path: Path) -> None:
    plain = node.checkpoint().note
    other = open_(tmp_path / "other")
    foreign, _ = a_cosigned(other.checkpoint().note)
    other.close()
    unsigned = format_note(
        Note(parse_note(plain).text, parse_note(a_cosigned(plain)[0]).signatures[1:])
    )
    origin = plain.splitlines()[0]
    extended = Checkpoint(origin, 5, node.status().root_hash, ("more",))
    for note in (
        "", "nonsense", plain, "\ud800", foreign, unsigned,
        a_cosigned(sign_checkpoint(extended, own_signer(node, folder)))[0],
        a_cosigned(sign_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT), own_signer(node, folder)))[0],
    ):  # fmt: skip
        with pytest.raises(indelible.InputError):
            node.cosign(note)

    assert not (folder / LAST_COSIGNED_FILE).exists()


def test_a_tree_that_is_not_ours_is_an_alarm(node: Node, folder: Path) -> None:
    origin = node.status().checkpoint_key.split("+")[0]
    for size, root in ((5, bytes(32)), (99, bytes(32))):
        note = sign_checkpoint(Checkpoint(origin, size, root), own_signer(node, folder))
        with pytest.raises(indelible.IntegrityError, match="as the note shows"):
            node.cosign(a_cosigned(note)[0])

    assert not (folder / LAST_COSIGNED_FILE).exists()


def test_too_much_is_not_kept(node: Node, folder: Path) -> None:
    many = plain = node.checkpoint().note
    for number in range(COSIGNATURES_MAX):
        many, _ = a_cosigned(many, f"w{number}")
    assert len(parse_note(node.cosign(many).note).signatures) == 16
    for more in (a_cosigned(plain, "w15")[0], a_cosigned(plain, "é" * 40_000)[0]):
        with pytest.raises(indelible.InputError, match="at most"):
            node.cosign(more)

    assert (folder / LAST_COSIGNED_FILE).read_text() == many


def test_a_false_line_of_the_ledgers_own_name_is_left_out(node: Node, folder: Path) -> None:
    cosigned, _ = a_cosigned(node.checkpoint().note)
    before = node.status().checkpoint_key
    node.rotate_key(principal="ann")
    with pytest.raises(indelible.ConflictError, match="rotated"):
        node.cosign(cosigned)
    old = parse_verifier_key(before)
    false = SignatureLine(old.name, old.key_id, bytes(64))
    newer, _ = a_cosigned(node.checkpoint().note)
    kept = node.cosign(add_signature(newer, false)).note

    assert kept == newer


def test_after_a_rotation_a_checkpoint_is_to_be_cosigned_anew(node: Node) -> None:
    node.cosign(a_cosigned(node.checkpoint().note)[0])
    node.rotate_key(principal="ann")
    with pytest.raises(
        indelible.UnsupportedError, match="since the ledger's key was rotated"
    ) as error:
        node.checkpoint(witnessed=True)
    assert "indelible witness" in error.value.hint
    newer, _ = a_cosigned(node.checkpoint().note)

    assert node.cosign(newer) == node.checkpoint(witnessed=True)


def test_nothing_is_cosigned(folder: Path) -> None:
    node = open_(folder)
    answer = node.execute(
        [("INSERT INTO t ?", ({"n": 9},))], principal="ann", labels={}, transaction_id=None
    )
    made = parse_id(answer.transaction_id)
    for ask in (
        lambda: node.checkpoint(witnessed=True),
        lambda: node.receipt(made, witnessed=True),
    ):
        with pytest.raises(indelible.UnsupportedError, match="has cosignatures") as error:
            ask()
        assert "indelible witness" in error.value.hint
    node.cosign(a_cosigned(node.checkpoint().note)[0])
    grow(node)
    assert node.receipt(made, witnessed=True).tree_size == 6
    late = node.execute(
        [("INSERT INTO t ?", ({"n": 9},))], principal="ann", labels={}, transaction_id=None
    )
    with pytest.raises(indelible.UnsupportedError, match="does not cover block 7") as error:
        node.receipt(parse_id(late.transaction_id), witnessed=True)
    assert "newer" in error.value.hint
    node.close()


def test_cosigned_ones_are_handed_out_without_a_private_key(folder: Path) -> None:
    node = open_(folder)
    cosigned = node.cosign(a_cosigned(node.checkpoint().note)[0])
    node.close()
    (folder / "key.pem").unlink()
    for read_only in (False, True):
        node = open_(folder, read_only=read_only)
        assert node.checkpoint(witnessed=True) == cosigned
        node.close()


def test_a_journal_that_is_not_the_cosigned_one(folder: Path) -> None:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    node = open_(folder)
    grow(node)
    node.cosign(a_cosigned(node.checkpoint().note)[0])
    node.close()
    shutil.copy(folder / LAST_COSIGNED_FILE, copy)
    with pytest.raises(indelible.IntegrityError, match=r"signed here \(.*last-cosigned\)"):
        open_(copy)
    (copy / LAST_COSIGNED_FILE).write_text("nonsense")
    with pytest.raises(
        indelible.IntegrityError, match="last-cosigned is not a checkpoint"
    ) as error:
        open_(copy)
    assert "delete it" in error.value.hint


def test_a_cosigned_file_that_cannot_be_written_keeps_the_old_one(
    node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = node.checkpoint().note
    first, _ = a_cosigned(plain)
    node.cosign(first)

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(indelible.StoreUnavailableError, match="No space left"):
            node.cosign(a_cosigned(plain, "w2")[0])

    assert node.checkpoint(witnessed=True).note == first


def own_signer(node: Node, folder: Path) -> Signer:
    origin = node.status().checkpoint_key.split("+")[0]
    return ed25519_signer((folder / "key.pem").read_bytes(), origin)


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
        ledger.execute("INSERT INTO t ?", {"n": 1})
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
