"""Documents as rows of the state store, decoded only when somebody looks."""

import datetime
from base64 import b64encode
from collections.abc import Callable
from typing import Final

import apsw

from journal import document
from journal.block import document_of
from journal.codec import decode_header
from journal.hashing import leaf_hash
from journal.ids import id_text
from journal.values import Value
from materializer.store.schema import ENTRY_BITS

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def address_of(position: int) -> tuple[int, int]:
    """Sequence number and entry index of a position."""
    return position >> ENTRY_BITS, position & ((1 << ENTRY_BITS) - 1)


def position_of(sequence_number: int, entry_index: int) -> int:
    """Inverse of `address_of`."""
    return sequence_number << ENTRY_BITS | entry_index


def transaction_id_of(body: bytes) -> bytes:
    """The transaction's id in the body of a revision entry (journal.codec)."""
    return body[1:17]


def document_id_of(body: bytes) -> bytes:
    """The document's id in the body of a revision entry."""
    return body[33:49]


def moment_of(timestamp: int) -> datetime.datetime:
    """The datetime of UTC microseconds."""
    return _EPOCH + datetime.timedelta(microseconds=timestamp)


class BlockTimes:
    """Timestamps of blocks, read through one connection; remembers the last one asked for."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._last: tuple[int, int] = (-1, 0)

    def __call__(self, sequence_number: int) -> int | None:
        """UTC microseconds of a block, or None for one that is not in the store (yet)."""
        if self._last[0] == sequence_number:
            return self._last[1]
        row = self._connection.execute(
            "select header from blocks where sequence_number = ?", (sequence_number,)
        ).fetchone()
        if row is None:
            return None
        timestamp = decode_header(row[0]).timestamp
        self._last = (sequence_number, timestamp)
        return timestamp


class StoredDocument:
    """One revision, as `materializer.partiql.view.Document` wants it.

    Attributes:
        position: Where its entry stands; `version`, `body`, `payload` as in the journal.
    """

    __slots__ = ("_committed", "_data", "_id", "_read", "body", "payload", "position", "version")

    def __init__(
        self,
        position: int,
        version: int,
        body: bytes,
        payload: bytes,
        read: "CommittedReader | None",
    ) -> None:
        self.position = position
        self.version = version
        self.body = body
        self.payload = payload
        self._read = read
        self._id: str | None = None
        self._data: dict[str, Value] | None = None

    @property
    def document_id(self) -> bytes:
        """16 bytes."""
        return document_id_of(self.body)

    @property
    def id(self) -> str:
        """22 letters."""
        if self._id is None:
            self._id = id_text(document_id_of(self.body))
        return self._id

    @property
    def data(self) -> dict[str, Value] | None:
        """The fields, or None for the revision of a DELETE."""
        if self._data is None and self.payload:
            self._data = document.decode(document_of(self.payload))
        return self._data

    @property
    def committed(self) -> dict[str, Value]:
        """The row of the committed view."""
        assert self._read is not None
        return self._read(self)


CommittedReader = Callable[[StoredDocument], dict[str, Value]]


def committed_row(
    revision: StoredDocument, strand_id: str, timestamp: int, *, in_block: bool
) -> dict[str, Value]:
    """The committed view's row of a revision; without address and hash while it is in no block."""
    row: dict[str, Value] = {}
    if in_block:
        row["blockAddress"] = {
            "strandId": strand_id,
            "sequenceNo": revision.position >> ENTRY_BITS,
        }
        row["hash"] = b64encode(leaf_hash(revision.body)).decode()
    if revision.payload:
        row["data"] = revision.data
    row["metadata"] = {
        "id": revision.id,
        "version": revision.version,
        "txTime": moment_of(timestamp),
        "txId": id_text(transaction_id_of(revision.body)),
    }
    return row
