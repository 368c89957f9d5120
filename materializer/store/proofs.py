"""What receipts are made of, in few look-ups by key."""

from typing import Any, Final, NamedTuple

import apsw

from journal.catalog import SYSTEM_TABLE_IDS, TABLES_TABLE_ID
from journal.codec import Entry
from journal.hashing import HASH_SIZE
from materializer.store.documents import address_of
from materializer.store.trees import StoredTree

_SYSTEM: Final = ", ".join(f"(x'{table_id.hex()}')" for table_id in sorted(SYSTEM_TABLE_IDS))
_HEAD: Final = (
    "with tables(table_id) as (select document_id from documents where table_id = ?1"
    f" union all values {_SYSTEM})"
    " select d.position, d.version from tables t"
    " cross join documents d on d.table_id = t.table_id and d.document_id = ?2"
    " order by d.position desc limit 1"
)
_REVISION: Final = (
    "with recursive chain(position, version) as (select ?, ? union all"
    " select e.previous, c.version - 1 from chain c"
    " join entries e on e.position = c.position where c.version > ?)"
    " select position from chain order by version limit 1"
)
_MATERIAL: Final = (
    "select e.body, e.payload, b.header, b.leaf_hashes from entries e"
    " cross join blocks b on b.sequence_number = ? where e.position = ?"
)


class ProofMaterial(NamedTuple):
    """An entry and its block.

    Attributes:
        sequence_number, entry_index: Where it stands.
        entry: Body and payload as stored.
        header: The block's header bytes.
        leaf_hashes: 32 bytes for each of the block's entries.
    """

    sequence_number: int
    entry_index: int
    entry: Entry
    header: bytes
    leaf_hashes: tuple[bytes, ...]


class ProofRows:
    """Reads through one connection; of one moment if that is in a transaction.

    Attributes:
        tree: The ledger's tree.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.tree = StoredTree(connection)

    def transaction(self, transaction_id: bytes) -> int | None:
        """The position of a transaction's entry."""
        row: Any = self._connection.execute(
            "select position from transactions where transaction_id = ?", (transaction_id,)
        ).fetchone()
        return None if row is None else row[0]

    def newest_revision(self, document_id: bytes) -> tuple[int, int] | None:
        """Position and version of a document's newest revision; one look-up for each table."""
        row: Any = self._connection.execute(_HEAD, (TABLES_TABLE_ID, document_id)).fetchone()
        return None if row is None else (row[0], row[1])

    def revision(self, newest: tuple[int, int], version: int) -> int:
        """The position of an earlier revision of a document; one look-up for each version between.

        Args:
            newest: See `newest_revision`.
            version: From 0 to that of the newest.
        """
        row: Any = self._connection.execute(_REVISION, (*newest, version)).fetchone()
        return row[0]  # type: ignore[no-any-return]

    def address(self, position: int) -> tuple[int, int]:
        """Sequence number and entry index of a position."""
        return address_of(position)

    def material(self, position: int) -> ProofMaterial:
        """The entry at a position that is there, and its block."""
        sequence_number, entry_index = address_of(position)
        row: Any = self._connection.execute(_MATERIAL, (sequence_number, position)).fetchone()
        body, payload, header, hashes = row
        leaf_hashes = tuple(hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE))
        return ProofMaterial(
            sequence_number, entry_index, Entry(body, payload), header, leaf_hashes
        )
