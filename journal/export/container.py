"""Avro Object Container Files of blocks, one block of the journal in each block of the file.

```
file    = header, data...                     header = "Obj" 01, {avro.schema, avro.codec: null}, sync
data    = 02 (one record), size, record, sync
record  = a block's bytes without the ten bytes of marker and fingerprint that the schema stands for
```

Everything but the records follows from the strand and the first sequence number (`sync`, 16 bytes), so a
file has one form, and a byte that differs is found without a hash. fastavro, Java's Avro and others read
these files; written and read by hand here because a record must come back byte for byte.

Source: Avro 1.12 specification, "Object Container Files".
"""

from array import array
from hashlib import sha256
from mmap import mmap
from pathlib import Path
from typing import Final

from journal.codec import MARKER, DecodeError, encode_varint, read_varint

SCHEMA: Final = (Path(__file__).parents[1] / "schemas" / "Block.avsc").read_bytes()
SYNC_SIZE: Final = 16
_ONE_RECORD: Final = b"\x02"


def sync_of(strand_id: bytes, start: int) -> bytes:
    """The sync marker of the file that begins with block `start`."""
    return sha256(b"indelible-export" + strand_id + start.to_bytes(8, "big")).digest()[:SYNC_SIZE]


def header_of(sync: bytes) -> bytes:
    """The bytes that the file begins with."""
    metadata = {b"avro.codec": b"null", b"avro.schema": SCHEMA}
    pairs = b"".join(_bytes(key) + _bytes(value) for key, value in metadata.items())
    return b"Obj\x01" + encode_varint(len(metadata)) + pairs + b"\x00" + sync


def frame(value: bytes, sync: bytes) -> bytes:
    """A block's bytes as the file holds them."""
    size = len(value) - len(MARKER)
    return b"".join((_ONE_RECORD, encode_varint(size), value[len(MARKER) :], sync))


def find_records(data: bytes | mmap, sync: bytes) -> "array[int]":
    """Where each record of a file begins and ends: start, end, start, end, ...

    Raises:
        DecodeError: A byte that is not as it must be, the records' own apart.
    """
    header = header_of(sync)
    if data[: len(header)] != header:
        raise DecodeError("its header is another one")
    places, at, total = array("q"), len(header), len(data)
    while at < total:
        if data[at : at + 1] != _ONE_RECORD:
            raise DecodeError(f"no block at byte {at}")
        # A slice, because the file may be mapped, and a varint ends within ten bytes.
        size, used = read_varint(bytes(data[at + 1 : at + 12]), 0)
        start = at + 1 + used
        end = start + size
        if size < 0 or data[end : end + SYNC_SIZE] != sync:
            raise DecodeError(f"the block at byte {at} does not end with the sync marker")
        places.append(start)
        places.append(end)
        at = end + SYNC_SIZE
    return places


def _bytes(data: bytes) -> bytes:
    return encode_varint(len(data)) + data
