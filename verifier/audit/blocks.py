r"""One block as an audit needs it: `journal.chain.check` in a leaner form.

```
record -> scan -> header fields, block hash, keys of its revisions and transactions, system documents
             \-> None: not valid in itself; `journal.chain.check` says why
```

`scan` accepts exactly the records that `check` accepts and refuses all others; a property test holds the
two equal. It builds no entries: an audit of a million revisions makes a million keys and nothing else.
The keys are fixed in size and sort as bytes, so that versions can be checked by sorted runs on disk:

```
revision key     table id 16 | document id 16 | version 8 | operation 1 | offset 8 | entry index 4
transaction key  transaction id 16                                      | offset 8 | entry index 4
```
"""

from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Final, NamedTuple

from journal.block import TIMESTAMP_MAX
from journal.codec import (
    FORMAT_VERSION,
    SALT_SIZE,
    BlockHeader,
    DecodeError,
    Operation,
    RevisionEntry,
    TransactionEntry,
    decode_body,
    decode_header,
    read_bytes,
    read_count,
    read_varint,
    split_envelope,
)
from journal.hashing import tree_hash

REVISION_KEY_SIZE: Final = 53
TRANSACTION_KEY_SIZE: Final = 28
DOCUMENT_SIZE: Final = 32
"""Bytes of a revision key that name the document: table id and document id."""
VERSION_END: Final = 40
OPERATION_AT: Final = 40
PLACE_AT: Final = 41
"""Where a revision key's place begins: offset and entry index, in the order of the journal."""


class SystemRevision(NamedTuple):
    """A revision of a system table, whole: what the catalog and the key chain are folded from."""

    offset: int
    sequence_number: int
    entry_index: int
    table_id: bytes
    document_id: bytes
    operation: int
    payload: bytes


class Scanned(NamedTuple):
    """A block that is valid in itself.

    Attributes:
        header: Read.
        block_hash: 32 bytes.
        transactions: How many.
        system: Revisions of the system tables.
    """

    header: BlockHeader
    block_hash: bytes
    transactions: int
    system: tuple[SystemRevision, ...]


def scan(
    value: bytes, offset: int, revision_keys: list[bytes], transaction_keys: list[bytes]
) -> Scanned | None:
    """The block in a record, its keys added to the two lists; None if it is not valid in itself.

    Two SHA-256 per revision and one per node of the entries' tree. Where the answer is None, the lists
    may have got keys: the caller cuts them back.
    """
    try:
        header_bytes, at = split_envelope(value)
        header = decode_header(header_bytes)
        if header.format_version != FORMAT_VERSION or not 0 <= header.timestamp <= TIMESTAMP_MAX:
            return None
        return _scan_entries(
            value, at, header, header_bytes, offset, revision_keys, transaction_keys
        )
    except (DecodeError, IndexError):
        return None


def document_key(table_id: bytes, document_id: bytes) -> bytes:
    """The first `DOCUMENT_SIZE` bytes of the keys of a document's revisions."""
    return table_id + document_id


def place_of(offset: int, entry_index: int) -> bytes:
    """12 bytes that sort as entries stand in the journal."""
    return _PLACE.pack(offset, entry_index)


def read_place(place: bytes) -> tuple[int, int]:
    """Offset and entry index. Inverse of `place_of`."""
    offset, entry_index = _PLACE.unpack(place)
    return offset, entry_index


_PLACE: Final = Struct(">QI")
_SYSTEM_END: Final = (4).to_bytes(16, "big")
"""Keys of system tables' revisions are below it."""
_PAYLOAD_SIZE_MIN: Final = SALT_SIZE + 1
_HASHED_REVISION: Final = Struct("3s16s32s2sB32sB")
"""A revision with a payload and a version of one byte: from its size to its payload's encoding."""
_NO_FIELDS: Final = (b"", b"", b"", b"", 0, b"", 0)
_HASHED_REVISION_SIZE: Final = _HASHED_REVISION.size
_HASHED_REVISION_HEAD: Final = b"\xa8\x01\x02"  # 84 bytes of body, union branch 1
_BODY_END: Final = 2 + 84
_ID_END: Final = 17
_NO_ID: Final = bytes(_ID_END)
"""A transaction entry's union branch, and an id."""
_INDEXES: Final = [index.to_bytes(4, "big") for index in range(4096)]
_VERSION_AND_OPERATION: Final = {
    bytes((version << 1, operation << 1)): version.to_bytes(8, "big") + bytes((operation,))
    for version in range(64)
    for operation in (Operation.INSERT, Operation.UPDATE)
}
"""Avro's bytes of a small version and an operation -> their bytes in a key."""


def _scan_entries(  # noqa: C901, PLR0915 - one loop over every entry of the journal; calls cost here
    value: bytes,
    at: int,
    header: BlockHeader,
    header_bytes: bytes,
    offset: int,
    revision_keys: list[bytes],
    transaction_keys: list[bytes],
) -> Scanned | None:
    count, at = read_count(value, at)
    if not count or count != header.entry_count:
        return None
    sequence_number, offset_bytes = header.sequence_number, offset.to_bytes(8, "big")
    leaf_hashes: list[bytes] = []
    system: list[SystemRevision] = []
    transaction_id, transactions, revisions_left = b"", 0, 0
    unpack, tails, size_of_value = _HASHED_REVISION.unpack_from, _VERSION_AND_OPERATION, len(value)
    add_leaf, add_key = leaf_hashes.append, revision_keys.append
    for index in range(count):
        tail, fields = None, _NO_FIELDS
        if value.startswith(_HASHED_REVISION_HEAD, at) and at + 90 < size_of_value:
            fields = unpack(value, at)
            if fields[4] == 2 and fields[6] == 2:
                tail = tails.get(fields[3])
        if tail is not None:  # nearly every revision
            _, owner, document, _, _, payload_hash, _ = fields
            add_leaf(sha256(b"\x00" + value[at + 2 : at + _BODY_END]).digest())
            at += _HASHED_REVISION_SIZE
            first, second = value[at], value[at + 1]
            if first & 1:
                return None  # a negative size
            if first < 0x80:
                size, at = first >> 1, at + 1
            elif 0 < second < 0x80:
                size, at = (first & 0x7F | second << 7) >> 1, at + 2
            else:
                size, at = read_varint(value, at)
            payload = value[at : at + size]
            at += size
            if (
                size < _PAYLOAD_SIZE_MIN
                or len(payload) != size
                or sha256(payload).digest() != payload_hash
            ):
                return None
        else:
            body, at = read_bytes(value, at)
            encoding, at = read_varint(value, at)
            payload, at = read_bytes(value, at)
            if encoding != (1 if payload else 0):
                return None
            add_leaf(sha256(b"\x00" + body).digest())
            if body[:1] == b"\x00":
                rest = body[_ID_END:]
                revision_count = (_known_count if len(rest) <= 512 else _revision_count)(rest)
                if revisions_left or payload or revision_count < 0:
                    return None
                transaction_id, revisions_left = body[1:_ID_END], revision_count
                transactions += 1
                transaction_keys.append(transaction_id + offset_bytes + index.to_bytes(4, "big"))
                continue
            content = decode_body(body)
            if not isinstance(content, RevisionEntry):
                return None
            owner = content.transaction_id
            _, table_id, document_id, version, operation, hash_or_none = content
            if (hash_or_none is None) != (operation is Operation.DELETE):
                return None
            if hash_or_none is None:
                if payload:
                    return None
            elif len(payload) < _PAYLOAD_SIZE_MIN or sha256(payload).digest() != hash_or_none:
                return None
            document = table_id + document_id
            tail = _signed(version) + bytes((operation,))
        if not revisions_left or owner != transaction_id:
            return None
        revisions_left -= 1
        add_key(
            document
            + tail
            + offset_bytes
            + (_INDEXES[index] if index < 4096 else index.to_bytes(4, "big"))
        )
        if document < _SYSTEM_END:
            system.append(
                SystemRevision(
                    offset, sequence_number, index, document[:16], document[16:], tail[8], payload
                )
            )
    if value[at:] != b"\x00" or revisions_left or tree_hash(leaf_hashes) != header.entries_root:
        return None
    block_hash = sha256(b"\x00" + header_bytes).digest()
    return Scanned(header, block_hash, transactions, tuple(system))


def _revision_count(rest: bytes) -> int:
    """What a transaction entry's body says after its id.

    Raises:
        DecodeError: Not canonical, whatever the id.
    """
    content = decode_body(_NO_ID + rest)
    if not isinstance(content, TransactionEntry):
        raise DecodeError("no transaction entry")
    return content.revision_count


_known_count: Final = lru_cache(maxsize=1024)(_revision_count)
"""The same short texts come again and again."""


def _signed(version: int) -> bytes:
    """8 bytes of a version. A negative one, which no correct writer writes, sorts after all others."""
    return (version & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "big")
