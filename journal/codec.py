"""The block format's bytes: strict, canonical Avro.

Avro allows several encodings of one value (long varints, arrays in many pieces, map keys in any order);
here exactly one is right, so that a block has one byte string and a copy that differs is no copy:

* varints are minimal; an array or map is one piece with a positive count, or empty;
* map keys are unique and sorted by their UTF-8 bytes; strings are valid UTF-8;
* nothing follows the last field.

Written by hand because each commit and each replayed revision passes through here; a property test
holds it equal to fastavro on the schemas in `journal/schemas/`.

Source: Avro 1.12 specification, "Binary encoding" and "Single-object encoding".
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

FORMAT_VERSION: Final = 1
BLOCK_FINGERPRINT: Final = bytes.fromhex("77a7f895801798a2")
MARKER: Final = b"\xc3\x01" + BLOCK_FINGERPRINT
"""The first ten bytes of every block: single-object marker, CRC-64-AVRO of schemas/Block.avsc."""

PAYLOAD_NONE: Final = 0
PAYLOAD_PLAIN: Final = 1
SALT_SIZE: Final = 16
WRITER_SIZE_MAX: Final = 255


class DecodeError(ValueError):
    """Bytes that are not the canonical encoding of anything; carries the reason."""


class Operation(IntEnum):
    """What a revision did to its document; the numbers are Avro's enum indexes."""

    INSERT = 0
    UPDATE = 1
    DELETE = 2


class BlockHeader(NamedTuple):
    """What a block's hash covers: `block_hash = leaf_hash(header bytes)`."""

    format_version: int
    strand_id: bytes
    sequence_number: int
    previous_block_hash: bytes
    entries_root: bytes
    entry_count: int
    timestamp: int
    writer: str


class FrozenHeader(NamedTuple):
    """The header fields that every format version, also a future one, begins with."""

    format_version: int
    strand_id: bytes
    sequence_number: int
    previous_block_hash: bytes


class TransactionEntry(NamedTuple):
    """Who did what, and how many revisions follow."""

    transaction_id: bytes
    principal: str
    statements: tuple[str, ...]
    revision_count: int
    labels: Mapping[str, str]


class RevisionEntry(NamedTuple):
    """One version of one document. `payload_hash` is None for a DELETE."""

    transaction_id: bytes
    table_id: bytes
    document_id: bytes
    version: int
    operation: Operation
    payload_hash: bytes | None


EntryBody = TransactionEntry | RevisionEntry


class Entry(NamedTuple):
    """An entry as stored: `body` is hashed into the block, `payload` by the body's payload_hash."""

    body: bytes
    payload: bytes


def encode_header(header: BlockHeader) -> bytes:
    """Bytes of a BlockHeader."""
    writer = header.writer.encode()
    return b"".join((
        encode_varint(header.format_version),
        header.strand_id,
        encode_varint(header.sequence_number),
        header.previous_block_hash,
        header.entries_root,
        encode_varint(header.entry_count),
        encode_varint(header.timestamp),
        encode_varint(len(writer)),
        writer,
    ))  # fmt: skip


def decode_frozen_header(data: bytes) -> FrozenHeader:
    """The fields that every version has; whatever follows is not looked at.

    Raises:
        DecodeError: Too short, or a varint that is not minimal.
    """
    version, at = _read_format_version(data)
    strand_id, at = _read_fixed(data, at, 16)
    sequence_number, at = read_varint(data, at)
    previous, at = _read_fixed(data, at, 32)
    return FrozenHeader(version, strand_id, sequence_number, previous)


def decode_header(data: bytes) -> BlockHeader:
    """A BlockHeader of this format version.

    Raises:
        DecodeError: Not the canonical bytes of one.
    """
    version, start = _read_format_version(data)
    sequence_number, at = read_varint(data, start + 16)
    hashes_end = at + 64  # what follows would end too early if a slice before it did
    count, end = read_varint(data, hashes_end)
    timestamp, end = read_varint(data, end)
    writer, end = read_bytes(data, end)
    _expect_end(data, end)
    strand_id = data[start : start + 16]
    previous, root = data[at : at + 32], data[at + 32 : hashes_end]
    if len(writer) > WRITER_SIZE_MAX:
        raise DecodeError(f"writer of {len(writer)} bytes")
    return BlockHeader(
        version, strand_id, sequence_number, previous, root, count, timestamp, _text(writer)
    )


def encode_transaction_entry(entry: TransactionEntry) -> bytes:
    """Bytes of an entry body that is a TransactionEntry (union branch 0)."""
    parts = [
        b"\x00",
        entry.transaction_id,
        _principal_and_statements(entry.principal, entry.statements),
        encode_varint(entry.revision_count),
    ]
    if entry.labels:
        parts.append(encode_varint(len(entry.labels)))
        for key, value in sorted((key.encode(), value) for key, value in entry.labels.items()):
            parts += (encode_varint(len(key)), key, _string(value))
    parts.append(b"\x00")
    return b"".join(parts)


@lru_cache(maxsize=1024)
def _principal_and_statements(principal: str, statements: tuple[str, ...]) -> bytes:
    """The part of a transaction entry that comes again and again."""
    count = encode_varint(len(statements)) if statements else b""
    return b"".join((_string(principal), count, *map(_string, statements), b"\x00"))


def encode_revision_entry(entry: RevisionEntry) -> bytes:
    """Bytes of an entry body that is a RevisionEntry (union branch 1)."""
    version = entry.version
    return b"".join((
        b"\x02",
        entry.transaction_id,
        entry.table_id,
        entry.document_id,
        _SMALL[version] if 0 <= version < 8192 else encode_varint(version),
        _OPERATION_BYTES[entry.operation],
        b"\x00" if entry.payload_hash is None else b"\x02" + entry.payload_hash,
    ))  # fmt: skip


def decode_body(data: bytes) -> EntryBody:
    """The entry that a body holds.

    Raises:
        DecodeError: Not the canonical bytes of one.
    """
    if len(data) == 84 and data[0] == 2 and data[49] < 128 and not data[49] & 1 and data[51] == 2:
        operation = _OPERATIONS.get(data[50])
        if operation is not None:
            transaction_id, table_id, document_id = _unpack_ids(data, 1)
            return RevisionEntry(
                transaction_id, table_id, document_id, data[49] >> 1, operation, data[52:]
            )
    branch, at = read_varint(data, 0)
    if branch == 0:
        return _decode_transaction_entry(data, at)
    if branch == 1:
        return _decode_revision_entry(data, at)
    raise DecodeError(f"unknown entry branch {branch}")


def encode_block(header: bytes, entries: Sequence[Entry]) -> bytes:
    """The bytes of a block, as they stand in the log."""
    parts = [MARKER, encode_varint(len(header)), header]
    if entries:
        parts.append(encode_varint(len(entries)))
        for body, payload in entries:
            size = len(body)
            parts += (_SMALL[size] if size < 8192 else encode_varint(size), body)
            size = len(payload)
            if size:
                parts += (b"\x02", _SMALL[size] if size < 8192 else encode_varint(size), payload)
            else:
                parts.append(b"\x00\x00")
    parts.append(b"\x00")
    return b"".join(parts)


def split_envelope(data: bytes) -> tuple[bytes, int]:
    """The header bytes of a block and where its entries begin.

    Raises:
        DecodeError: No block: another marker or schema, or a header that does not end.
    """
    if not data.startswith(MARKER):
        raise DecodeError("no block: it does not begin with the marker and schema of one")
    return read_bytes(data, len(MARKER))


def decode_entries(data: bytes, at: int) -> list[Entry]:
    """The entries of a block whose entries begin at `at`.

    Raises:
        DecodeError: Not canonical, or a payload encoding that this version does not know.
    """
    count, at = read_count(data, at)
    entries = []
    for _ in range(count):
        body, at = read_bytes(data, at)
        if data[at : at + 2] == b"\x00\x00":
            entries.append(Entry(body, b""))
            at += 2
            continue
        encoding, at = read_varint(data, at)
        payload, at = read_bytes(data, at)
        if encoding != (PAYLOAD_PLAIN if payload else PAYLOAD_NONE):
            raise DecodeError(f"payload of {len(payload)} bytes with encoding {encoding}")
        entries.append(Entry(body, payload))
    if count:
        at = _read_zero(data, at)
    _expect_end(data, at)
    return entries


_unpack_ids = Struct("16s16s16s").unpack_from
_SMALL: Final = [
    bytes((value << 1,)) if value < 64 else bytes((value << 1 & 0x7F | 0x80, value >> 6))
    for value in range(8192)
]
"""The varints of one and two bytes."""
_OPERATION_BYTES: Final = {operation: _SMALL[operation] for operation in Operation}
_OPERATIONS: Final = {operation << 1: operation for operation in Operation}


def _decode_transaction_entry(data: bytes, at: int) -> TransactionEntry:
    transaction_id, at = _read_fixed(data, at, 16)
    principal, at = read_bytes(data, at)
    count, at = read_count(data, at)
    statements = []
    for _ in range(count):
        statement, at = read_bytes(data, at)
        statements.append(_text(statement))
    if count:
        at = _read_zero(data, at)
    revision_count, at = read_varint(data, at)
    labels, at = _read_labels(data, at)
    _expect_end(data, at)
    return TransactionEntry(
        transaction_id, _text(principal), tuple(statements), revision_count, labels
    )


def _read_labels(data: bytes, at: int) -> tuple[dict[str, str], int]:
    count, at = read_count(data, at)
    labels: dict[str, str] = {}
    last = None
    for _ in range(count):
        key, at = read_bytes(data, at)
        value, at = read_bytes(data, at)
        if last is not None and key <= last:
            raise DecodeError("label keys are not unique and sorted")
        last = key
        labels[_text(key)] = _text(value)
    if count:
        at = _read_zero(data, at)
    return labels, at


def _decode_revision_entry(data: bytes, at: int) -> RevisionEntry:
    transaction_id, at = _read_fixed(data, at, 16)
    table_id, at = _read_fixed(data, at, 16)
    document_id, at = _read_fixed(data, at, 16)
    version, at = read_varint(data, at)
    symbol, at = read_varint(data, at)
    branch, at = read_varint(data, at)
    payload_hash = None
    if branch == 1:
        payload_hash, at = _read_fixed(data, at, 32)
    elif branch:
        raise DecodeError(f"unknown payload_hash branch {branch}")
    _expect_end(data, at)
    if not 0 <= symbol < len(Operation):
        raise DecodeError(f"unknown operation {symbol}")
    return RevisionEntry(
        transaction_id, table_id, document_id, version, Operation(symbol), payload_hash
    )


def _read_format_version(data: bytes) -> tuple[int, int]:
    """An Avro int. The other ints of the format are counts that must fit the block, so fit 32 bits."""
    version, at = read_varint(data, 0)
    if not -(1 << 31) <= version < 1 << 31:
        raise DecodeError("a format_version of more than 32 bits")
    return version, at


def encode_varint(value: int) -> bytes:
    """Bytes of a number of at most 64 bits: zig-zag, then seven bits a byte, low bits first."""
    if 0 <= value < 8192:
        return _SMALL[value]
    number = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _string(text: str) -> bytes:
    data = text.encode()
    return encode_varint(len(data)) + data


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends.

    Raises:
        DecodeError: Not in its shortest form, more than 64 bits, or cut off.
    """
    try:
        byte = data[at]
        at += 1
        if byte < 0x80:
            return (byte >> 1) ^ -(byte & 1), at
        number, shift = byte & 0x7F, 7
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise DecodeError("a number of more than 64 bits")
    except IndexError:
        raise DecodeError("it ends too early") from None
    if not byte:
        raise DecodeError("a number that is not in its shortest form")
    if number >> 64:
        raise DecodeError("a number of more than 64 bits")
    return (number >> 1) ^ -(number & 1), at


def _read_fixed(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    end = at + size
    if end > len(data):
        raise DecodeError("it ends too early")
    return data[at:end], end


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """The bytes (or the text's UTF-8) at `at`, and where they end.

    Raises:
        DecodeError: A size that cannot be, or cut off.
    """
    first, second = data[at : at + 2] if at + 2 <= len(data) else (0x80, 0x80)
    if first < 0x80 and not first & 1:  # the sizes of nearly all entries, without a call
        size, at = first >> 1, at + 1
    elif 0 < second < 0x80 and not first & 1:
        size, at = (first & 0x7F | second << 7) >> 1, at + 2
    else:
        size, at = read_varint(data, at)
    end = at + size
    if size < 0 or end > len(data):
        raise DecodeError("it ends too early")
    return data[at:end], end


def read_count(data: bytes, at: int) -> tuple[int, int]:
    """How many items the array or map at `at` has, and where its first begins.

    Raises:
        DecodeError: A negative count, or not a number.
    """
    count, at = read_varint(data, at)
    if count < 0:
        raise DecodeError("an array or map with a negative count")
    return count, at


def _read_zero(data: bytes, at: int) -> int:
    if data[at : at + 1] != b"\x00":
        raise DecodeError("an array or map in more than one piece")
    return at + 1


def _expect_end(data: bytes, at: int) -> None:
    if at != len(data):
        raise DecodeError(f"{len(data) - at} bytes too many")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise DecodeError("text that is not UTF-8") from None
