"""Receipts of everything that a ledger has, and of nothing else."""

from pathlib import Path
from typing import Any

import pytest

import indelible
from indelible.client.addresses import parse_address
from indelible.engine.opening import open_node
from journal.ids import parse_id
from verifier.receipt import read_receipt, verify_receipt


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    with indelible.connect(f"file:{tmp_path / 'ledger'}", principal="ann") as ledger:
        ledger.execute("CREATE TABLE t")
        yield ledger


def ids_of(result: indelible.Result) -> list[str]:
    return [row["documentId"] for row in result.rows]


def test_every_revision_and_transaction_has_a_receipt(ledger: indelible.Ledger) -> None:
    documents = ids_of(ledger.execute("INSERT INTO t ?", [{"n": n} for n in range(7)]))
    for _ in range(3):
        ledger.execute("UPDATE t SET n = n + 10")
    ledger.execute("DELETE FROM t WHERE n = 33")
    key = ledger.status().checkpoint_key
    rows = ledger.history("t").rows
    for row in rows:
        metadata = row["metadata"]
        receipt = ledger.receipt(metadata["id"], version=metadata["version"])
        verify_receipt(receipt.to_json(), key)
        receipt.verify()
        assert receipt.row() == row
        transaction = ledger.receipt(metadata["txId"])
        transaction.verify()
        assert (transaction.kind, transaction.principal) == ("transaction", "ann")
        assert transaction.block_address == receipt.block_address

    assert {row["metadata"]["id"] for row in rows} == set(documents)
    assert len(rows) == 7 * 4 + 1


def test_what_a_receipt_says(ledger: indelible.Ledger) -> None:
    made = ledger.execute("INSERT INTO t ?", {"n": 1}, labels={"request": "7"})
    (document,) = ids_of(made)
    receipt, transaction = ledger.receipt(document), ledger.receipt(made.transaction_id)

    assert (receipt.kind, receipt.operation, receipt.version) == ("revision", "INSERT", 0)
    assert (receipt.document_id, receipt.document) == (document, {"n": 1})
    assert receipt.transaction_id == transaction.transaction_id == made.transaction_id
    assert receipt.block_address == transaction.block_address == made.block_address
    assert (receipt.principal, receipt.statements, receipt.labels) == (None, (), {})
    assert (transaction.document_id, transaction.version, transaction.document) == (None,) * 3
    assert (transaction.table_id, transaction.operation) == (None, None)
    assert transaction.statements == ("INSERT INTO t ?",)
    assert transaction.labels == {"request": "7"}
    assert receipt.timestamp.utcoffset() is not None
    assert receipt.tree_size == ledger.status().tree_size
    assert receipt.checkpoint == ledger.checkpoint().note
    assert document in repr(receipt)
    assert made.transaction_id in repr(transaction)


def test_a_delete_has_a_receipt_without_a_document(ledger: indelible.Ledger) -> None:
    (document,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 1}))
    ledger.execute("DELETE FROM t")
    receipt = ledger.receipt(document)
    receipt.verify()

    assert (receipt.operation, receipt.version, receipt.document) == ("DELETE", 1, None)
    assert ledger.receipt(document, version=0).document == {"n": 1}


def test_system_documents_have_receipts(ledger: indelible.Ledger) -> None:
    ledger.execute("INSERT INTO t ?", {"n": 1})
    ledger.execute("DROP TABLE t")
    (table,) = ledger.query("SELECT VALUE t.tableId FROM information_schema.user_tables AS t").rows
    receipt = ledger.receipt(table)
    receipt.verify()

    assert receipt.document == {"name": "t", "status": "DROPPED"}


def test_documents_of_dropped_tables_keep_their_receipts(ledger: indelible.Ledger) -> None:
    (document,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 1}))
    ledger.execute("DROP TABLE t")
    receipt = ledger.receipt(document)
    receipt.verify()

    assert receipt.document == {"n": 1}


def test_a_checkpoint_that_covers_the_block_is_used_again(ledger: indelible.Ledger) -> None:
    (first,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 1}))
    size = ledger.receipt(first).tree_size
    (second,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 2}))
    node: Any = ledger._transport
    node.node._signing.close()  # so that only what is asked for is signed
    used = ledger.receipt(first).tree_size

    assert used in (size, size + 1)  # the second passed between
    assert ledger.receipt(second).tree_size == size + 1
    assert ledger.receipt(first).tree_size == size + 1


def test_a_transaction_comes_before_a_document_of_the_same_id(ledger: indelible.Ledger) -> None:
    (document,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 1}))
    ledger.execute("UPDATE t SET n = 2", transaction_id=document)

    assert ledger.receipt(document).kind == "transaction"
    assert ledger.receipt(document, version=0).kind == "revision"


def test_receipts_of_a_large_block(ledger: indelible.Ledger) -> None:
    made = ledger.execute("INSERT INTO t ?", [{"n": n} for n in range(3_000)])
    for number in (0, 1, 1_023, 1_024, 2_999):
        receipt = ledger.receipt(ids_of(made)[number])
        receipt.verify()
        assert receipt.document == {"n": number}


def test_a_transaction_that_changed_nothing_has_none(ledger: indelible.Ledger) -> None:
    made = ledger.execute("DELETE FROM t")
    with pytest.raises(indelible.InputError, match="no transaction or document"):
        ledger.receipt(made.transaction_id)


def test_ids_and_versions_that_are_none(ledger: indelible.Ledger) -> None:
    (document,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 1}))
    for identifier in ("0" * 22, "x", "", b"", 5, None):
        with pytest.raises(indelible.InputError):
            ledger.receipt(identifier)  # type: ignore[arg-type]
    for version in (1, -1, 10**30, "0", 0.0, True):
        with pytest.raises(indelible.InputError, match="no version"):
            ledger.receipt(document, version=version)  # type: ignore[arg-type]
    made = ledger.execute("UPDATE t SET n = 2")
    with pytest.raises(indelible.InputError, match="no document has the id"):
        ledger.receipt(made.transaction_id, version=0)


def test_arguments_of_receipts_that_are_none(ledger: indelible.Ledger) -> None:
    receipt = ledger.receipt(ledger.execute("INSERT INTO t ?", {"n": 1}).transaction_id)
    calls: list[Any] = [
        lambda: receipt.verify(5),  # type: ignore[arg-type]
        lambda: receipt.verify("x"),
        lambda: receipt.save(5),  # type: ignore[arg-type]
        lambda: receipt.save("\0"),
        lambda: indelible.Receipt.load(None),  # type: ignore[arg-type]
        lambda: ledger.cosign(5),  # type: ignore[arg-type]
        lambda: ledger.cosign(""),
    ]
    for call in calls:
        with pytest.raises(indelible.InputError):
            call()


def test_consistency(ledger: indelible.Ledger) -> None:
    size = ledger.status().tree_size
    assert ledger.consistency(size, size) == []
    assert len(ledger.consistency(1, size)) == 1
    for sizes in (
        (0, 1),
        (2, 1),
        (1, size + 1),
        (-1, 1),
        (1, 10**30),
        ("1", 2),
        (True, 2),
        (1.0, 2),
    ):
        with pytest.raises(indelible.InputError):
            ledger.consistency(*sizes)  # type: ignore[arg-type]


def test_a_reader_hands_out_receipts_too(ledger: indelible.Ledger, tmp_path: Path) -> None:
    (document,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 1}))
    key = ledger.status().checkpoint_key
    with indelible.connect(f"file:{tmp_path / 'ledger'}", read_only=True, key=key) as reader:
        reader.receipt(document).verify()
        assert reader.query("SELECT * FROM _ql_committed_t AS c", verify=True).rows
        with pytest.raises(indelible.NotLeaderError):
            reader.rotate_key()


def test_without_a_key_old_receipts_are_still_given(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    with indelible.connect(f"file:{folder}") as ledger:
        ledger.execute("CREATE TABLE t")
        (old,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 1}))
        ledger.checkpoint()
    (folder / "key.pem").unlink()
    with indelible.connect(f"file:{folder}") as ledger:
        (new,) = ids_of(ledger.execute("INSERT INTO t ?", {"n": 2}))
        ledger.receipt(old).verify()
        with pytest.raises(indelible.UnsupportedError, match="no private key"):
            ledger.receipt(new)


def test_a_node_gives_what_reads_back(tmp_path: Path) -> None:
    node = open_node(parse_address(f"file:{tmp_path}"), principal="ann")
    answer = node.execute([("CREATE TABLE t", ())], principal="ann", labels={}, transaction_id=None)
    receipt = node.receipt(parse_id(answer.transaction_id))

    assert read_receipt(receipt.to_bytes()) == receipt
    with pytest.raises(indelible.InputError):
        node.receipt(b"short")
    node.close()
