"""The audit's lean reading of a block and `journal.chain.check` are one rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.chain import Checked, Refused, check
from journal.codec import Operation, RevisionEntry, TransactionEntry
from journal.log import Record
from tests.support import builders as b
from tests.support.audited import a_history
from tests.support.mutations import INVALID
from tests.support.strategies import examples
from verifier.audit.blocks import PLACE_AT, VERSION_END, read_place, scan

MIXED = b.a_block(
    b.a_transaction(
        b.a_revision({"a": 1}, document_id=b.an_id(11)),
        b.a_revision({"a": "x" * 9000}, document_id=b.an_id(12), version=63),
        b.a_revision({"a": 2}, document_id=b.an_id(13), version=64, operation=Operation.UPDATE),
        b.a_revision(document_id=b.an_id(14), version=1, operation=Operation.DELETE),
        b.a_revision({"a": "y" * 50}, document_id=b.an_id(15), version=2**40),
    ),
    b.a_transaction(b.a_revision(transaction_id=b.an_id(2), table_id=b.an_id(3))),
    sequence_number=7,
)
BLOCKS = [*a_history(6), MIXED, b.a_block(b.a_transaction(b.a_revision(version=-1)))]


def verdicts(value: bytes) -> tuple[bool, bool]:
    """What `check` and `scan` say: is it a valid block?"""
    checked = check(Record(0, value))
    by_check = isinstance(checked, Checked) and checked.block is not None
    return by_check, scan(value, 0, [], []) is not None


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block.sequence_number))
def test_scan_finds_what_the_block_holds(block):
    revision_keys: list[bytes] = []
    transaction_keys: list[bytes] = []
    scanned = scan(block.encode(), 77, revision_keys, transaction_keys)

    assert scanned is not None
    assert (scanned.header, scanned.block_hash) == (block.header, block.block_hash)
    expected = [
        (each.table_id + each.document_id, each.version, each.operation, (77, index))
        for index, each in enumerate(block.contents)
        if isinstance(each, RevisionEntry)
    ]
    found = [
        (key[:32], int.from_bytes(key[32:VERSION_END], "big", signed=True), key[40], place)
        for key in revision_keys
        for place in [read_place(key[PLACE_AT:])]
    ]
    assert found == expected
    assert [(key[:16], read_place(key[16:])) for key in transaction_keys] == [
        (each.transaction_id, (77, index))
        for index, each in enumerate(block.contents)
        if isinstance(each, TransactionEntry)
    ]


@pytest.mark.parametrize("name", INVALID)
def test_scan_refuses_what_check_refuses(name):
    assert verdicts(INVALID[name].value) == (False, False)


@pytest.mark.parametrize("block", [BLOCKS[0], BLOCKS[4], MIXED], ids=["genesis", "update", "mixed"])
def test_no_flipped_bit_changes_one_verdict_alone(block):
    value = block.encode()
    step = max(1, len(value) // 1500)
    for at in range(0, len(value), step):
        flipped = bytearray(value)
        flipped[at] ^= 1 << (at % 8)
        by_check, by_scan = verdicts(bytes(flipped))

        assert by_check == by_scan, at


@given(data=st.data())
@examples(300)
def test_scan_and_check_agree_about_any_damage(data):
    value = bytearray(data.draw(st.sampled_from(BLOCKS)).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(value) - 1))
        match data.draw(st.sampled_from(["set", "drop", "insert", "cut"])):
            case "set":
                value[at] = data.draw(st.integers(0, 255))
            case "drop":
                del value[at : at + data.draw(st.integers(1, 40))]
            case "insert":
                value[at:at] = data.draw(st.binary(min_size=1, max_size=5))
            case "cut":
                del value[at:]
        if not value:
            break
    by_check, by_scan = verdicts(bytes(value))

    assert by_check == by_scan


def test_bytes_of_nobody_are_refused_by_both():
    for value in (b"", b"\xc3\x01", b"hello", BLOCKS[0].encode()[:40]):
        assert isinstance(check(Record(0, value)), Refused | Checked)
        assert verdicts(value) == (False, False)
