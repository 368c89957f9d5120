import hashlib

import pytest

from journal.block import (
    BLOCK_SIZE_MAX,
    BLOCK_SIZE_TARGET,
    DOCUMENT_SIZE_MAX,
    GENESIS_PREVIOUS,
    TIMESTAMP_MAX,
    document_of,
    payload_of,
    revision_entry,
    transaction_entry,
)
from journal.codec import SALT_SIZE, Operation, TransactionEntry, decode_body, encode_header
from tests.support import reference_merkle
from tests.support.builders import (
    TABLE_ID,
    a_block,
    a_revision,
    a_transaction,
    an_id,
    check_bytes,
)


def test_a_block_hash_is_the_leaf_hash_of_its_header():
    block = a_block()

    assert hashlib.sha256(b"\x00" + encode_header(block.header)).digest() == block.block_hash


def test_the_entries_root_is_the_tree_hash_of_the_bodies():
    block = a_block(a_transaction(a_revision(), a_revision(document_id=an_id(2))))

    assert (
        reference_merkle.tree_hash([entry.body for entry in block.entries])
        == block.header.entries_root
    )


def test_a_block_that_was_encoded_and_checked_is_the_same_block():
    block = a_block(
        a_transaction(a_revision(), labels={"request": "42"}),
        a_transaction(a_revision(operation=Operation.DELETE, version=1)),
    )

    checked = check_bytes(block.encode()).block

    assert checked is not None
    assert (block.header, block.block_hash) == (checked.header, checked.block_hash)
    assert list(block.contents) == list(checked.contents)
    assert list(block.entries) == list(checked.entries)
    assert list(block.leaf_hashes) == list(checked.leaf_hashes)
    assert block.encode() == checked.encode()


def test_a_block_with_a_changed_entry_has_another_hash():
    one = a_block(a_transaction(a_revision({"a": 1})), sequence_number=1)
    other = a_block(a_transaction(a_revision({"a": 2})), sequence_number=1)

    assert one.block_hash != other.block_hash


def test_a_block_commits_to_the_block_before_it():
    first = a_block(sequence_number=1)
    second = a_block(after=first)

    assert first.block_hash == second.header.previous_block_hash
    assert second.block_hash != a_block(sequence_number=2, previous_block_hash=bytes(32)).block_hash


def test_a_payload_is_salt_and_document():
    payload = payload_of(b"{}", lambda count: b"s" * count)

    assert payload == b"s" * SALT_SIZE + b"{}"
    assert document_of(payload) == b"{}"


def test_a_revision_carries_the_hash_of_salt_and_document():
    entry, content = revision_entry(
        an_id(1), TABLE_ID, an_id(2), 0, Operation.INSERT, b"s" * 16 + b"{}"
    )

    assert hashlib.sha256(b"s" * 16 + b"{}").digest() == content.payload_hash
    assert decode_body(entry.body) == content


def test_equal_documents_with_other_salts_have_other_hashes():
    entropy = iter([b"a" * 16, b"b" * 16])
    payloads = [payload_of(b"{}", lambda _: next(entropy)) for _ in range(2)]
    hashes = {
        revision_entry(an_id(1), TABLE_ID, an_id(2), 0, Operation.INSERT, payload)[1].payload_hash
        for payload in payloads
    }

    assert len(hashes) == 2


def test_a_deletion_has_neither_payload_nor_hash():
    entry, content = revision_entry(an_id(1), TABLE_ID, an_id(2), 1, Operation.DELETE, b"")

    assert entry.payload == b""
    assert content.payload_hash is None


def test_a_transaction_entry_has_no_payload():
    content = TransactionEntry(an_id(1), "ann", ("DELETE FROM t",), 1, {})

    entry = transaction_entry(content)

    assert entry.payload == b""
    assert decode_body(entry.body) == content


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        (BLOCK_SIZE_MAX, 8_388_608),
        (BLOCK_SIZE_TARGET, 900_000),
        (DOCUMENT_SIZE_MAX, 1_048_576),
        (GENESIS_PREVIOUS, bytes(32)),
        (TIMESTAMP_MAX, 253_402_300_800_000_000 - 1),
    ],
)
def test_the_limits_are_what_the_format_says(constant, value):
    assert value == constant
