"""A node that lies to one client is caught, though it holds the ledger's real key."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import indelible
from indelible.client.memory import Seen, parse_seen
from indelible.client.proofs import Receipt
from indelible.client.state import StateFolder, StateInMemory
from indelible.client.transport import SignedCheckpoint
from tests.support.malicious import HONEST, URL, MaliciousTransport, a_client, two_tails
from tests.support.signing import a_witness, a_witness_key
from verifier.checkpoint import Checkpoint, WitnessPolicy, sign_checkpoint
from verifier.command import main as verify_file
from verifier.evidence import verify_evidence
from verifier.keys import ed25519_signer
from verifier.witness import cosign

NUMBER = "SELECT * FROM _ql_committed_t AS c WHERE c.data.number = ?"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Any]:
    """Tails of three and five blocks, after a common beginning of six: neither size a power of two."""
    first, second = two_tails(tmp_path, before=4, tails=(3, 5))
    yield first, second
    first.close()
    second.close()


@pytest.fixture
def liar(nodes: Any) -> MaliciousTransport:
    return MaliciousTransport(nodes[0])


@pytest.fixture
def client(liar: MaliciousTransport, tmp_path: Path) -> indelible.Ledger:
    return a_client(liar, tmp_path / "state")


def evidence_in(error: indelible.InconsistentCheckpointError) -> Path:
    found = re.search(r"evidence is in (\S+\.json)", str(error))
    assert found is not None
    path = Path(found[1])
    assert path.stat().st_mode & 0o777 == 0o600
    return path


def judge(path: Path, key: str) -> int:
    return verify_file(["--key", key, str(path)])


def remembered(client: indelible.Ledger, *, witnessed: bool = False) -> Seen:
    text = client._trust.state.last(client.status().checkpoint_key, witnessed=witnessed)
    assert text is not None
    return parse_seen(text)


def caught(call: Callable[[], Any]) -> indelible.InconsistentCheckpointError:
    with pytest.raises(indelible.InconsistentCheckpointError) as caught_:
        call()
    return caught_.value


def document_id(node: Any, number: int) -> str:
    ((row,),) = [list(node.query(NUMBER, (number,)))[:1]]
    return str(row["metadata"]["id"])


def test_honest_growth_is_followed(client: indelible.Ledger, liar: MaliciousTransport) -> None:
    sizes = []
    for number in range(5):
        sizes.append(client.checkpoint().tree_size)
        client.execute("INSERT INTO t ?", {"number": 100 + number})

    assert sizes == [9, 10, 11, 12, 13]


def test_two_tails_of_one_size(
    client: indelible.Ledger, liar: MaliciousTransport, nodes: Any
) -> None:
    for number in range(2):
        client.execute("INSERT INTO t ?", {"number": 100 + number})
    first = client.checkpoint()
    liar.node = nodes[1]
    error = caught(client.checkpoint)

    assert (error.older, error.newer) == (first.note, nodes[1].checkpoint().note)
    assert judge(evidence_in(error), client.status().checkpoint_key) == 0
    assert "two roots for 11 blocks" in str(error)


def test_two_tails_of_different_sizes_give_themselves_away(
    client: indelible.Ledger, liar: MaliciousTransport, nodes: Any
) -> None:
    client.execute("INSERT INTO t ?", {"number": 100})
    client.checkpoint()
    liar.node = nodes[1]
    error = caught(client.checkpoint)

    verdict = verify_evidence(evidence_in(error).read_bytes(), client.status().checkpoint_key)
    assert verdict.proven


@pytest.mark.parametrize(
    "proof",
    [indelible.InputError("no"), indelible.UnsupportedError("no"), [], [bytes(32)] * 3, [b"x"],
     [5], 5, None, "abc", b"abc", {}, [bytes(32)] * 1000],
)  # fmt: skip
def test_a_tail_without_a_proof(
    client: indelible.Ledger, liar: MaliciousTransport, nodes: Any, proof: Any
) -> None:
    before = client.checkpoint()
    liar.node, liar.proof_shown = nodes[1], proof
    error = caught(client.checkpoint)

    assert judge(evidence_in(error), client.status().checkpoint_key) == 3
    assert remembered(client).note == before.note


def test_a_proof_that_cannot_be_had_now_is_no_fork(
    client: indelible.Ledger, liar: MaliciousTransport
) -> None:
    client.checkpoint()
    client.execute("INSERT INTO t ?", {"number": 100})
    liar.proof_shown = indelible.OverloadedError("later")
    with pytest.raises(indelible.OverloadedError):
        client.checkpoint()
    liar.proof_shown = HONEST

    assert client.checkpoint().tree_size == 10


def test_evidence_that_cannot_be_saved_does_not_hide_the_alarm(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    first = client.checkpoint()
    (tmp_path / "state" / "evidence").write_text("a file where a folder belongs")
    liar.checkpoint_shown = liar.sign(9, bytes(32))
    error = caught(client.checkpoint)

    assert (error.older, error.newer) == (first.note, liar.checkpoint_shown.note)
    assert "could not be saved" in str(error)


def test_ledgers_in_memory_share_no_memory_of_keys(tmp_path: Path) -> None:
    for _ in range(2):
        with indelible.connect("memory:", state_dir=tmp_path) as ledger:
            assert ledger.checkpoint().tree_size == 1
    assert list(tmp_path.iterdir()) == []


def test_an_old_checkpoint(client: indelible.Ledger, liar: MaliciousTransport) -> None:
    old = liar.node.checkpoint()
    client.checkpoint()
    client.execute("INSERT INTO t ?", {"number": 100})
    new = client.checkpoint()
    liar.checkpoint_shown = old
    error = caught(client.checkpoint)

    assert "a smaller tree was shown after a larger one" in str(error)
    assert (error.older, error.newer) == (new.note, old.note)
    assert judge(evidence_in(error), client.status().checkpoint_key) == 3


def test_a_shorter_tree_signed_anew(client: indelible.Ledger, liar: MaliciousTransport) -> None:
    """The smaller tree is not how the larger begins, and the node's own proof says so."""
    client.checkpoint()
    liar.checkpoint_shown = liar.sign(7, bytes(32))
    error = caught(client.checkpoint)

    assert judge(evidence_in(error), client.status().checkpoint_key) == 0


@pytest.mark.parametrize("pinned", [True, False])
def test_a_fork_behind_a_new_key(
    liar: MaliciousTransport, tmp_path: Path, nodes: Any, pinned: bool
) -> None:
    """The old key's word leads to the new one, so the evidence convinces who knows the old one."""
    key = liar.status().checkpoint_key
    client = a_client(liar, tmp_path / "state", key=key if pinned else None)
    client.checkpoint()
    nodes[1].rotate_key()
    liar.node = nodes[1]
    error = caught(client.checkpoint)

    assert judge(evidence_in(error), key) == 0


@pytest.mark.parametrize("pinned", [True, False])
def test_a_smaller_tree_of_the_key_before(
    liar: MaliciousTransport, tmp_path: Path, pinned: bool
) -> None:
    """Remembered is a tree of the new key; the chain to it is in the evidence, though none was shown."""
    key = liar.status().checkpoint_key
    client = a_client(liar, tmp_path / "state", key=key if pinned else None)
    client.checkpoint()
    old_key_signs = liar.sign(7, bytes(32))
    client.rotate_key()
    client.checkpoint()
    liar.checkpoint_shown = old_key_signs
    path = evidence_in(caught(client.checkpoint))

    assert len(json.loads(path.read_bytes())["key_chain"]) == 1
    assert judge(path, key) == 0


def test_a_retired_key_signs_no_more(liar: MaliciousTransport, tmp_path: Path) -> None:
    """Who has the old key continues the ledger for a client that knows of the new one."""
    client = a_client(liar, tmp_path / "state", key=liar.status().checkpoint_key)
    before = client.checkpoint()
    pem = (liar.node.node.folder / "key.pem").read_bytes()
    client.rotate_key()
    rotated = client.checkpoint()
    client.execute("INSERT INTO t ?", {"number": 100})
    status = client.status()
    thiefs = Checkpoint(before.origin, status.tree_size, status.root_hash)
    note = sign_checkpoint(thiefs, ed25519_signer(pem, before.origin))
    liar.checkpoint_shown = SignedCheckpoint(note)
    with pytest.raises(indelible.IntegrityError, match="does not come before it") as error:
        client.checkpoint()
    assert not isinstance(error.value, indelible.ProofRejectedError)
    liar.checkpoint_shown = None

    last = client._trust.state.last(before.key)
    assert last is not None
    assert parse_seen(last).note == rotated.note
    assert client.checkpoint().tree_size == status.tree_size


def test_a_tree_of_the_same_size_signed_anew(
    client: indelible.Ledger, liar: MaliciousTransport
) -> None:
    client.checkpoint()
    liar.checkpoint_shown = liar.sign(9, bytes(32))

    assert judge(evidence_in(caught(client.checkpoint)), client.status().checkpoint_key) == 0


def test_a_receipt_from_a_fork(
    client: indelible.Ledger, liar: MaliciousTransport, nodes: Any
) -> None:
    client.execute("INSERT INTO t ?", {"number": 100})
    client.checkpoint()
    liar.node = nodes[1]
    receipt = client.receipt(document_id(nodes[1], 4))
    receipt.verify(client.status().checkpoint_key)  # by itself it is in order
    error = caught(receipt.verify)

    assert judge(evidence_in(error), client.status().checkpoint_key) == 0


def test_rows_from_a_fork(client: indelible.Ledger, liar: MaliciousTransport, nodes: Any) -> None:
    assert len(client.query(NUMBER, 2, verify=True).rows) == 2
    client.checkpoint()
    liar.node = nodes[1]

    caught(lambda: client.query(NUMBER, 4, verify=True).rows)


def test_a_receipt_of_an_older_tree_raises_no_alarm(
    client: indelible.Ledger, liar: MaliciousTransport
) -> None:
    """Another node of the same ledger may have signed last before the tree that was seen."""
    mine = document_id(liar.node, 1)
    old = client.receipt(mine).to_json()
    client.execute("INSERT INTO t ?", {"number": 100})
    newest = client.checkpoint()
    liar.receipt_shown = old
    client.receipt(mine).verify()

    assert remembered(client).note == newest.note


@pytest.mark.parametrize(
    "shown",
    [SignedCheckpoint("", ()), SignedCheckpoint(5), SignedCheckpoint("x\n\n", None),
     SignedCheckpoint("x\n\n", 5), SignedCheckpoint("x\n\n", (5,)), SignedCheckpoint("x\n\n", "abc"),
     SignedCheckpoint("x\n\n", ("\ud800",))],
)  # fmt: skip
def test_what_is_no_checkpoint(
    client: indelible.Ledger, liar: MaliciousTransport, shown: Any
) -> None:
    liar.checkpoint_shown = shown
    with pytest.raises(indelible.ProofRejectedError):
        client.checkpoint()


def test_another_documents_receipt(client: indelible.Ledger, liar: MaliciousTransport) -> None:
    mine, other = document_id(liar.node, 1), document_id(liar.node, 3)
    liar.receipt_shown = client.receipt(other).to_json()
    with pytest.raises(indelible.ProofRejectedError, match="another receipt was asked for"):
        client.receipt(mine)


def test_another_versions_receipt(client: indelible.Ledger, liar: MaliciousTransport) -> None:
    client.execute("UPDATE t SET number = 77 WHERE number = 3")
    mine = document_id(liar.node, 77)
    liar.receipt_shown = client.receipt(mine, version=0).to_json()
    with pytest.raises(indelible.ProofRejectedError, match="another receipt was asked for"):
        client.receipt(mine, version=1)


def test_swapped_documents_in_rows(client: indelible.Ledger, liar: MaliciousTransport) -> None:
    rows = client.query(NUMBER, 3).rows
    others = client.query(NUMBER, 1).rows
    lies = [
        {**rows[0], "data": others[0]["data"]},
        {**rows[0], "data": {"number": 3.0}},
        {**rows[0], "hash": others[0]["hash"]},
        {**rows[0], "blockAddress": others[0]["blockAddress"]},
        {**rows[0], "metadata": {**rows[0]["metadata"], "txTime": others[0]["metadata"]["txTime"]}},
        {**rows[0], "metadata": {**rows[0]["metadata"], "txId": others[0]["metadata"]["txId"]}},
        {**rows[0], "more": 1},
        {name: value for name, value in rows[0].items() if name != "data"},
        {**rows[0], "data": {"number": object()}},
    ]
    for lie in lies:
        liar.rows_shown = [lie]
        with pytest.raises(indelible.ProofRejectedError, match="not the revision that its receipt"):
            client.query(NUMBER, 3, verify=True).rows  # noqa: B018 - reads them
    liar.rows_shown = rows

    assert client.query(NUMBER, 3, verify=True).rows == rows


@pytest.mark.parametrize(
    "row",
    [5, None, [], {}, {"metadata": 5}, {"metadata": {"id": 5, "version": 0}}, {"metadata": {"id": "x"}},
     {"metadata": {"id": "0" * 22, "version": True}}],
)  # fmt: skip
def test_rows_that_are_no_revisions(
    client: indelible.Ledger, liar: MaliciousTransport, row: Any
) -> None:
    liar.rows_shown = [row]
    with pytest.raises(indelible.ProofRejectedError, match="no revision"):
        client.query(NUMBER, 3, verify=True).rows  # noqa: B018 - reads them


@pytest.mark.parametrize(
    "statement",
    ["SELECT t.number FROM t AS t", "SELECT * FROM t", "SELECT c.data FROM _ql_committed_t AS c",
     "SELECT VALUE COUNT(*) FROM t", "SELECT DISTINCT * FROM _ql_committed_t AS c",
     "EXPLAIN SELECT * FROM _ql_committed_t AS c", "DELETE FROM t"],
)  # fmt: skip
def test_what_cannot_be_verified_is_refused_at_once(
    client: indelible.Ledger, statement: str
) -> None:
    with pytest.raises(indelible.InputError):
        client.query(statement, verify=True)


def test_whole_revisions_are_verified(client: indelible.Ledger) -> None:
    client.execute("UPDATE t SET number = number + 1000")
    client.execute("DELETE FROM t WHERE number = 1002")
    live = client.query("SELECT * FROM _ql_committed_t AS c", verify=True).rows
    past = client.query("SELECT * FROM history(t) AS h", verify=True).rows

    assert len(live) == 5
    assert len(past) == 16
    assert sum("data" not in row for row in past) == 2
    assert past == client.query("SELECT * FROM history(t) AS h").rows


def test_the_key_seen_first_is_remembered(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    file = tmp_path / "state" / "known_ledgers"
    client.status()
    assert not file.exists()  # nothing was proven yet
    client.checkpoint()

    assert file.read_text() == f"{URL} {client.status().checkpoint_key}\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_ledger_at_the_same_url(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "known_ledgers").write_text("# mine\nfile:/other x+y+z\n")
    client.checkpoint()
    with indelible.connect(f"file:{tmp_path / 'other'}") as other:
        other.execute("CREATE TABLE t")
        made = other.execute("INSERT INTO t ?", {"number": 3})
        liar.node = other._transport  # type: ignore[assignment]
        for call in (
            client.checkpoint,
            lambda: client.receipt(made.transaction_id).verify(),
            lambda: client.query("SELECT * FROM _ql_committed_t AS c", verify=True).rows,
        ):
            with pytest.raises(indelible.IntegrityError, match="known_ledgers, line 3:") as error:
                call()
            assert "remove that line" in error.value.hint
    known = (tmp_path / "state" / "known_ledgers").read_text()
    assert known.startswith("# mine\nfile:/other x+y+z\n")


def test_a_pinned_key(liar: MaliciousTransport, tmp_path: Path, nodes: Any) -> None:
    key = liar.status().checkpoint_key
    pinned = a_client(liar, tmp_path / "pinned", key=key)
    assert pinned.checkpoint().key == key
    assert not (tmp_path / "pinned" / "known_ledgers").exists()
    with indelible.connect("memory:") as other:
        stranger = a_client(liar, tmp_path / "pinned", key=other.status().checkpoint_key)
        with pytest.raises(indelible.ProofRejectedError):
            stranger.checkpoint()
        with pytest.raises(indelible.ProofRejectedError):
            stranger.receipt(document_id(liar.node, 1)).verify()


def test_a_key_that_did_not_prove_anything_is_not_remembered(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    with indelible.connect("memory:") as other:
        liar.checkpoint_shown = other._transport.checkpoint()
    with pytest.raises(indelible.ProofRejectedError):
        client.checkpoint()

    assert not (tmp_path / "state" / "known_ledgers").exists()


def test_two_clients_with_one_memory(liar: MaliciousTransport, tmp_path: Path, nodes: Any) -> None:
    one, two = (a_client(liar, tmp_path / "state") for _ in range(2))
    one.execute("INSERT INTO t ?", {"number": 100})
    one.checkpoint()
    liar.node = nodes[1]

    caught(two.checkpoint)


def test_what_is_remembered_in_memory_holds_too(liar: MaliciousTransport, nodes: Any) -> None:
    client = a_client(liar, StateInMemory())
    client.checkpoint()
    liar.node = nodes[1]
    error = caught(client.checkpoint)

    assert "evidence is in" not in str(error)
    assert error.older
    assert error.newer


def test_a_damaged_memory_is_said(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    client.checkpoint()
    (last,) = (tmp_path / "state" / "last").iterdir()
    good = last.read_text()
    for bad in (
        "nonsense", "[]", "{}", '{"note": 5}', '{"note": "x"}', '{"note": "x", "more": 1}',
        good.replace("}", ', "more": 1}'), good.replace("}", ', "key_chain": [5]}'),
    ):  # fmt: skip
        last.write_text(bad)
        with pytest.raises(indelible.IntegrityError, match="damaged"):
            client.checkpoint()
    last.write_text(f" {good}\n")  # another spelling of the same
    client.execute("INSERT INTO t ?", {"number": 100})
    client.checkpoint()
    known = tmp_path / "state" / "known_ledgers"
    known.write_text(f"{URL} nonsense\n")
    with pytest.raises(indelible.ConfigurationError, match="known_ledgers, line 1"):
        client.checkpoint()


def test_threads_that_see_newer_trees_first_raise_no_alarm(
    liar: MaliciousTransport, tmp_path: Path
) -> None:
    """A receipt or checkpoint that was asked for before another thread saw more is no step back."""
    clients = [a_client(liar, tmp_path / "state") for _ in range(2)]
    raised: list[BaseException] = []

    def use(client: indelible.Ledger, number: int) -> None:
        try:
            for turn in range(15):
                made = client.execute("INSERT INTO t ?", {"number": number, "turn": turn})
                client.receipt(made.transaction_id).verify()
                client.checkpoint()
        except BaseException as error:  # noqa: BLE001 - what the test looks for
            raised.append(error)

    threads = [threading.Thread(target=use, args=(clients[n % 2], n)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert raised == []


def test_a_receipt_survives_its_file(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    receipt = client.receipt(document_id(liar.node, 1))
    receipt.save(tmp_path / "receipt.json")
    loaded = Receipt.load(tmp_path / "receipt.json")
    loaded.verify(client.status().checkpoint_key)

    assert loaded.to_json() == receipt.to_json()
    assert loaded.document == receipt.document
    with pytest.raises(indelible.InputError, match="without a key"):
        loaded.verify()
    with pytest.raises(indelible.InputError, match="cannot read"):
        Receipt.load(tmp_path / "nothing.json")
    with pytest.raises(indelible.ConfigurationError):
        receipt.save(tmp_path / "no" / "receipt.json")
    assert judge(tmp_path / "receipt.json", client.status().checkpoint_key) == 0


def test_the_state_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDELIBLE_STATE_HOME", str(tmp_path / "a"))
    assert StateFolder.default().path == tmp_path / "a"
    monkeypatch.delenv("INDELIBLE_STATE_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "b"))
    assert StateFolder.default().path == tmp_path / "b" / "indelible"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert StateFolder.default().path == tmp_path / "c" / ".local" / "state" / "indelible"


WITNESSED = WitnessPolicy((a_witness_key(),), 1)


def cosigned(note: str) -> str:
    return cosign(note, a_witness())


def test_clients_with_and_without_witnesses_share_a_memory(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    careful = a_client(liar, tmp_path / "state", policy=WITNESSED)
    client.cosign(cosigned(client.checkpoint().note))
    sizes = []
    for number in range(3):
        client.execute("INSERT INTO t ?", {"number": 100 + number})
        sizes += [client.checkpoint().tree_size, careful.checkpoint().tree_size]
        careful.receipt(document_id(liar.node, 1)).verify()
        assert careful.query(NUMBER, 1, verify=True).rows
    client.cosign(cosigned(client.checkpoint().note))

    assert sizes == [10, 9, 11, 9, 12, 9]
    assert careful.checkpoint().tree_size == 12
    assert remembered(client).tree.tree_size == 12
    assert remembered(careful, witnessed=True).tree.tree_size == 12


def test_adding_the_first_of_two_cosignatures(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    """Who asks for two of two witnesses may bring the first; it is kept, and does not suffice."""
    both = WitnessPolicy((a_witness_key(), a_witness_key("w2")), 2)
    careful = a_client(liar, tmp_path / "state", policy=both)
    plain = client.checkpoint().note
    client.execute("INSERT INTO t ?", {"number": 100})
    client.checkpoint()
    assert careful.cosign(cosigned(plain)).tree_size == 9
    with pytest.raises(indelible.ProofRejectedError, match="cosigned by 1 of 2"):
        careful.checkpoint()
    careful.cosign(cosign(plain, a_witness("w2")))

    assert careful.checkpoint().tree_size == 9


def test_an_older_cosigned_checkpoint_is_not_taken_back(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    careful = a_client(liar, tmp_path / "state", policy=WITNESSED)
    old = client.cosign(cosigned(client.checkpoint().note)).note
    receipt = careful.receipt(document_id(liar.node, 1))
    client.execute("INSERT INTO t ?", {"number": 100})
    client.cosign(cosigned(client.checkpoint().note))
    assert careful.checkpoint().tree_size == 10
    receipt.verify()  # asked for before
    liar.checkpoint_shown = SignedCheckpoint(old)
    with pytest.raises(indelible.StaleReadError, match="one of 10 was cosigned before"):
        careful.checkpoint()

    assert remembered(careful, witnessed=True).tree.tree_size == 10


@pytest.mark.parametrize("size", [7, 9, 11])
def test_a_fork_that_witnesses_cosigned_is_caught(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path, size: int
) -> None:
    """Witnesses may be fooled or bribed; who has seen another past is not."""
    careful = a_client(liar, tmp_path / "state", policy=WITNESSED)
    client.execute("INSERT INTO t ?", {"number": 100})
    client.checkpoint()
    liar.checkpoint_shown = SignedCheckpoint(cosigned(liar.sign(size, bytes(32)).note))
    error = caught(careful.checkpoint)

    assert judge(evidence_in(error), client.status().checkpoint_key) in {0, 3}
    assert careful._trust.state.last(client.status().checkpoint_key, witnessed=True) is None


def test_cosignatures_of_a_fork_are_not_believed_either(
    client: indelible.Ledger, liar: MaliciousTransport, nodes: Any
) -> None:
    client.checkpoint()
    liar.node = nodes[1]

    caught(lambda: client.cosign(cosigned(nodes[1].checkpoint().note)))


def test_without_enough_cosignatures_nothing_is_remembered(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    careful = a_client(liar, tmp_path / "state", policy=WITNESSED)
    with pytest.raises(indelible.UnsupportedError, match="has cosignatures"):
        careful.checkpoint()
    liar.checkpoint_shown = (
        liar.node.checkpoint()
    )  # a plain one, though a cosigned one was asked for
    with pytest.raises(indelible.ProofRejectedError, match="cosigned by 0 of 1"):
        careful.checkpoint()

    assert not (tmp_path / "state" / "last").exists()


def test_witnesses_are_never_passed_over(
    client: indelible.Ledger, liar: MaliciousTransport, tmp_path: Path
) -> None:
    key, mine = client.status().checkpoint_key, document_id(liar.node, 1)
    plain = client.receipt(mine)
    with pytest.raises(indelible.InputError, match="no key is given"):
        plain.verify(policy=WITNESSED)
    with pytest.raises(indelible.ProofRejectedError, match="cosigned by 0 of 1"):
        plain.verify(key, policy=WITNESSED)
    liar.receipt_shown = plain.to_json()
    careful = a_client(liar, tmp_path / "state", policy=WITNESSED).receipt(mine)
    for verify in (careful.verify, lambda: careful.verify(key)):
        with pytest.raises(indelible.ProofRejectedError, match="cosigned by 0 of 1"):
            verify()
