"""The codec's bytes, written out, and what it refuses: one mutation each."""

import pytest

from journal.codec import (
    MARKER,
    BlockHeader,
    DecodeError,
    Entry,
    FrozenHeader,
    Operation,
    RevisionEntry,
    TransactionEntry,
    decode_body,
    decode_entries,
    decode_frozen_header,
    decode_header,
    encode_block,
    encode_header,
    encode_revision_entry,
    encode_transaction_entry,
    split_envelope,
)

ID_1, ID_2, ID_3 = b"\x01" * 16, b"\x02" * 16, b"\x03" * 16
HASH = b"\xaa" * 32

HEADER = BlockHeader(1, ID_1, 300, HASH, b"\xbb" * 32, 2, 1_790_000_000_000_000, "né")
HEADER_BYTES = bytes.fromhex(
    "02" + "01" * 16 + "d804" + "aa" * 32 + "bb" * 32 + "04" + "8080afa2dbffad06" + "06" + "6ec3a9"
)

TRANSACTION = TransactionEntry(ID_1, "ann", ("A", "Bé"), 1, {"b": "2", "a": "1"})
TRANSACTION_BYTES = bytes.fromhex(
    "00" + "01" * 16 + "06616e6e"  # branch, transaction_id, principal
    "04" "0241" "0642c3a9" "00"  # statements: count 2, items, end
    "02"  # revision_count 1
    "04" "0261" "0231" "0262" "0232" "00"  # labels, sorted
)  # fmt: skip
EMPTY_TRANSACTION = TransactionEntry(ID_1, "", (), 0, {})
EMPTY_TRANSACTION_BYTES = bytes.fromhex("00" + "01" * 16 + "00" "00" "00" "00")  # fmt: skip

REVISION = RevisionEntry(ID_1, ID_2, ID_3, 64, Operation.UPDATE, HASH)
REVISION_BYTES = bytes.fromhex(
    "02" + "01" * 16 + "02" * 16 + "03" * 16 + "8001" "02" "02" + "aa" * 32
)  # fmt: skip
DELETION = RevisionEntry(ID_1, ID_2, ID_3, 1, Operation.DELETE, None)
DELETION_BYTES = bytes.fromhex("02" + "01" * 16 + "02" * 16 + "03" * 16 + "02" "04" "00")  # fmt: skip

ENTRIES = [Entry(b"body", b""), Entry(b"x", b"payload")]
BLOCK_BYTES = bytes.fromhex(
    "c301" "77a7f895801798a2"  # marker, fingerprint
    "06" "686472"  # header
    "04"  # two entries
    "08" "626f6479" "00" "00"
    "02" "78" "02" "0e" "7061796c6f6164"
    "00"
)  # fmt: skip


def test_a_header_is_its_fields_one_after_another():
    assert encode_header(HEADER) == HEADER_BYTES
    assert decode_header(HEADER_BYTES) == HEADER


def test_a_transaction_entry_is_branch_zero_with_sorted_labels():
    assert encode_transaction_entry(TRANSACTION) == TRANSACTION_BYTES
    assert decode_body(TRANSACTION_BYTES) == TRANSACTION


def test_an_empty_array_or_map_is_one_zero_byte():
    assert encode_transaction_entry(EMPTY_TRANSACTION) == EMPTY_TRANSACTION_BYTES
    assert decode_body(EMPTY_TRANSACTION_BYTES) == EMPTY_TRANSACTION


def test_labels_are_sorted_by_their_utf_8_bytes():
    entry = EMPTY_TRANSACTION._replace(labels={"\U00010000": "", "\uffff": "", "é": "", "z": ""})

    decoded = decode_body(encode_transaction_entry(entry))

    assert isinstance(decoded, TransactionEntry)
    assert list(decoded.labels) == ["z", "é", "\uffff", "\U00010000"]


def test_a_revision_entry_is_branch_one():
    assert encode_revision_entry(REVISION) == REVISION_BYTES
    assert decode_body(REVISION_BYTES) == REVISION


def test_a_deletion_has_no_payload_hash():
    assert encode_revision_entry(DELETION) == DELETION_BYTES
    assert decode_body(DELETION_BYTES) == DELETION


@pytest.mark.parametrize("version", [0, 1, 63, 64, 8191, 8192, 2**63 - 1, -1, -(2**63)])
@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("payload_hash", [None, HASH])
def test_every_version_operation_and_payload_hash_comes_back(version, operation, payload_hash):
    entry = RevisionEntry(ID_1, ID_2, ID_3, version, operation, payload_hash)

    decoded = decode_body(encode_revision_entry(entry))

    assert entry == decoded
    assert type(decoded.operation) is Operation


def test_a_block_is_marker_header_and_entries():
    assert encode_block(b"hdr", ENTRIES) == BLOCK_BYTES

    header, at = split_envelope(BLOCK_BYTES)

    assert header == b"hdr"
    assert decode_entries(BLOCK_BYTES, at) == ENTRIES


def test_a_block_without_entries_is_written_and_read():
    data = encode_block(b"hdr", [])

    assert data == MARKER + b"\x06hdr\x00"
    assert decode_entries(data, split_envelope(data)[1]) == []


def test_the_frozen_fields_of_any_future_version_can_be_read():
    data = b"\xc8\x01" + HEADER_BYTES[1:51] + b"whatever comes then"

    assert FrozenHeader(100, ID_1, 300, HASH) == decode_frozen_header(data)


@pytest.mark.parametrize("size", range(len(HEADER_BYTES)))
def test_a_header_cut_anywhere_is_refused(size):
    with pytest.raises(DecodeError):
        decode_header(HEADER_BYTES[:size])


@pytest.mark.parametrize("size", range(51))
def test_frozen_fields_cut_anywhere_are_refused(size):
    with pytest.raises(DecodeError, match="ends too early"):
        decode_frozen_header(HEADER_BYTES[:size])


@pytest.mark.parametrize(
    "body", [TRANSACTION_BYTES, EMPTY_TRANSACTION_BYTES, REVISION_BYTES, DELETION_BYTES]
)
def test_a_body_cut_anywhere_is_refused(body):
    for size in range(len(body)):
        with pytest.raises(DecodeError):
            decode_body(body[:size])


def test_a_block_cut_anywhere_is_refused():
    for size in range(len(BLOCK_BYTES)):
        with pytest.raises(DecodeError):
            decode_entries(BLOCK_BYTES[:size], split_envelope(BLOCK_BYTES[:size])[1])


def replaced(data: bytes, old: str, new: str) -> bytes:
    """`data` with one occurrence of a hex string replaced."""
    was, becomes = bytes.fromhex(old), bytes.fromhex(new)
    assert data.count(was) == 1
    return data.replace(was, becomes)


NOT_SHORTEST = "a number that is not in its shortest form"
HEADERS = {
    "trailing-byte": (HEADER_BYTES + b"\x00", "1 bytes too many"),
    "version-long-varint": (b"\x82\x00" + HEADER_BYTES[1:], NOT_SHORTEST),
    "version-two-to-the-31": (b"\x80\x80\x80\x80\x10" + HEADER_BYTES[1:], "more than 32 bits"),
    "sequence-long-varint": (replaced(HEADER_BYTES, "d804", "d88400"), NOT_SHORTEST),
    "sequence-of-65-bits": (replaced(HEADER_BYTES, "d804", "80808080808080808002"), "more than 64 bits"),
    "sequence-of-11-bytes": (replaced(HEADER_BYTES, "d804", "8080808080808080808001"),
    "more than 64 bits"),
    "timestamp-long-varint": (replaced(HEADER_BYTES, "ffad06", "ffad8600"), NOT_SHORTEST),
    "writer-not-utf-8": (HEADER_BYTES[:-2] + b"\xc3\x28", "not UTF-8"),
    "writer-a-surrogate": (encode_header(HEADER._replace(writer=""))[:-1] + b"\x06\xed\xa0\x80",
    "not UTF-8"),
    "writer-size-negative": (HEADER_BYTES[:-4] + b"\x01", "ends too early"),
    "writer-of-256-bytes": (encode_header(HEADER._replace(writer="w" * 256)), "writer of 256 bytes"),
    "writer-of-256-bytes-in-128-letters": (encode_header(HEADER._replace(writer="é" * 128)),
    "writer of 256 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("mutation", HEADERS)
def test_a_header_is_refused_for(mutation):
    data, reason = HEADERS[mutation]

    with pytest.raises(DecodeError, match=reason):
        decode_header(data)


def test_a_writer_of_255_bytes_is_accepted():
    header = HEADER._replace(writer="w" * 255)

    assert header == decode_header(encode_header(header))


STATEMENTS = "04" "0241" "0642c3a9" "00"  # fmt: skip
LABELS = "04" "0261" "0231" "0262" "0232" "00"  # fmt: skip
BODIES = {
    "empty": (b"", "ends too early"),
    "branch-two": (b"\x04" + REVISION_BYTES[1:], "unknown entry branch 2"),
    "branch-minus-one": (b"\x01" + REVISION_BYTES[1:], "unknown entry branch -1"),
    "branch-long-varint": (b"\x82\x00" + REVISION_BYTES[1:], NOT_SHORTEST),
    "transaction-trailing-byte": (TRANSACTION_BYTES + b"\x00", "1 bytes too many"),
    "principal-not-utf-8": (replaced(TRANSACTION_BYTES, "06616e6e", "0661ff6e"), "not UTF-8"),
    "principal-size-negative": (replaced(TRANSACTION_BYTES, "06616e6e", "05616e6e"), "ends too early"),
    "statement-not-utf-8": (replaced(TRANSACTION_BYTES, "42c3a9", "42c3ff"), "not UTF-8"),
    "statements-in-two-blocks": (
        replaced(TRANSACTION_BYTES, STATEMENTS, "02" "0241" "02" "0642c3a9" "00"), "more than one piece"),
    "statements-negative-count-with-size": (
        replaced(TRANSACTION_BYTES, STATEMENTS, "03" "0c" "0241" "0642c3a9" "00"), "negative count"),
    "statements-long-count": (
        replaced(TRANSACTION_BYTES, STATEMENTS, "8400" "0241" "0642c3a9" "00"), NOT_SHORTEST),
    "statements-long-end": (
        replaced(TRANSACTION_BYTES, STATEMENTS, "04" "0241" "0642c3a9" "8000"), "more than one piece"),
    "labels-unsorted": (
        replaced(TRANSACTION_BYTES, LABELS, "04" "0262" "0232" "0261" "0231" "00"),
        "not unique and sorted"),
    "labels-duplicate": (
        replaced(TRANSACTION_BYTES, LABELS, "04" "0261" "0231" "0261" "0232" "00"),
        "not unique and sorted"),
    "labels-in-two-blocks": (
        replaced(TRANSACTION_BYTES, LABELS, "02" "0261" "0231" "02" "0262" "0232" "00"),
        "more than one piece"),
    "labels-negative-count-with-size": (
        replaced(TRANSACTION_BYTES, LABELS, "03" "10" "0261" "0231" "0262" "0232" "00"),
        "negative count"),
    "label-key-not-utf-8": (
        replaced(TRANSACTION_BYTES, LABELS, "04" "0261" "0231" "02ff" "0232" "00"), "not UTF-8"),
    "label-value-not-utf-8": (
        replaced(TRANSACTION_BYTES, LABELS, "04" "0261" "02ff" "0262" "0232" "00"), "not UTF-8"),
    "revision-count-long-varint": (
        replaced(TRANSACTION_BYTES, "0002" + LABELS, "008200" + LABELS), NOT_SHORTEST),
    "huge-statement-count": (
        EMPTY_TRANSACTION_BYTES[:-3] + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "ends too early"),
    "revision-trailing-byte": (REVISION_BYTES + b"\x00", "1 bytes too many"),
    "deletion-trailing-byte": (DELETION_BYTES + b"\x00", "1 bytes too many"),
    "version-long-varint": (replaced(REVISION_BYTES, "800102", "80810002"), NOT_SHORTEST),
    "small-version-long-varint": (DELETION_BYTES[:49] + b"\x82\x00" + DELETION_BYTES[50:], NOT_SHORTEST),
    "operation-three": (DELETION_BYTES[:50] + b"\x06\x00", "unknown operation 3"),
    "operation-minus-one": (DELETION_BYTES[:50] + b"\x01\x00", "unknown operation -1"),
    "operation-three-at-the-usual-size": (
        encode_revision_entry(REVISION._replace(version=1))[:50] + b"\x06\x02" + HASH,
        "unknown operation 3"),
    "payload-hash-branch-two": (DELETION_BYTES[:51] + b"\x04" + HASH, "unknown payload_hash branch 2"),
    "payload-hash-branch-minus-one": (DELETION_BYTES[:51] + b"\x01", "unknown payload_hash branch -1"),
    "payload-hash-short": (REVISION_BYTES[:-1], "ends too early"),
}  # fmt: skip


@pytest.mark.parametrize("mutation", BODIES)
def test_a_body_is_refused_for(mutation):
    data, reason = BODIES[mutation]

    with pytest.raises(DecodeError, match=reason):
        decode_body(data)


FIRST, SECOND = "08" "626f6479" "0000", "0278" "02" "0e" "7061796c6f6164"  # fmt: skip
BLOCKS = {
    "empty": (b"", "no block"),
    "plain-text": (b"hello", "no block"),
    "marker-version-two": (b"\xc3\x02" + BLOCK_BYTES[2:], "no block"),
    "other-schema": (BLOCK_BYTES[:2] + bytes(8) + BLOCK_BYTES[10:], "no block"),
    "marker-alone": (MARKER, "ends too early"),
    "header-longer-than-the-record": (MARKER + b"\xfe\x01abc", "ends too early"),
    "header-size-negative": (MARKER + b"\x05" + BLOCK_BYTES[11:], "ends too early"),
    "header-size-long-varint": (MARKER + b"\x86\x00" + BLOCK_BYTES[11:], NOT_SHORTEST),
    "trailing-byte": (BLOCK_BYTES + b"\x00", "1 bytes too many"),
    "trailing-byte-after-no-entries": (encode_block(b"hdr", []) + b"\x00", "1 bytes too many"),
    "entries-in-two-blocks": (
        replaced(BLOCK_BYTES, "04" + FIRST + SECOND, "02" + FIRST + "02" + SECOND),
        "more than one piece"),
    "entries-negative-count-with-size": (
        replaced(BLOCK_BYTES, "04" + FIRST + SECOND, "03" "24" + FIRST + SECOND), "negative count"),
    "entries-long-count": (replaced(BLOCK_BYTES, "04" + FIRST, "8400" + FIRST), NOT_SHORTEST),
    "entries-count-too-large": (replaced(BLOCK_BYTES, "04" + FIRST, "06" + FIRST), "ends too early"),
    "entries-count-too-small": (replaced(BLOCK_BYTES, "04" + FIRST, "02" + FIRST), "more than one piece"),
    "entries-count-huge": (
        replaced(BLOCK_BYTES, "04" + FIRST, "feffffffffffffffff01" + FIRST), "ends too early"),
    "payload-with-encoding-none": (replaced(BLOCK_BYTES, SECOND, "0278" "00" "0e" "7061796c6f6164"),
                                   "payload of 7 bytes with encoding 0"),
    "no-payload-with-encoding-plain": (replaced(BLOCK_BYTES, FIRST, "08" "626f6479" "02" "00"),
                                       "payload of 0 bytes with encoding 1"),
    "payload-encoding-two": (replaced(BLOCK_BYTES, SECOND, "0278" "04" "0e" "7061796c6f6164"),
                             "with encoding 2"),
    "payload-encoding-negative": (replaced(BLOCK_BYTES, SECOND, "0278" "01" "0e" "7061796c6f6164"),
                                  "with encoding -1"),
    "body-size-negative": (replaced(BLOCK_BYTES, "08626f6479", "09626f6479"), "ends too early"),
    "payload-size-long-varint": (replaced(BLOCK_BYTES, SECOND,
    "0278" "02" "8e00" "7061796c6f6164"), NOT_SHORTEST),
}  # fmt: skip


@pytest.mark.parametrize("mutation", BLOCKS)
def test_a_block_is_refused_for(mutation):
    data, reason = BLOCKS[mutation]

    with pytest.raises(DecodeError, match=reason):
        decode_entries(data, split_envelope(data)[1])
