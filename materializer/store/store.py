"""The writing side of the state store: one connection, and what it knows of the tip.

Everything a block changes goes into one SQLite transaction, so applying it is all or nothing and a crash
resumes where it was. `begin ... commit` brackets a block (or a batch of them); `rollback` also takes back
what this object remembers: tip, tree and catalog.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import apsw

from journal.block import Block
from journal.catalog import Catalog
from journal.chain import Tip
from journal.codec import decode_header
from journal.errors import JournalReplacedError, StoreUnavailableError, UnsupportedError
from journal.hashing import leaf_hash
from journal.ids import id_text
from materializer.store.catalogs import ViewCatalog, load_catalog, view_catalog
from materializer.store.documents import StoredDocument
from materializer.store.schema import (
    CATALOG_CHANGED,
    DAMAGE,
    SCHEMA_VERSION,
    create_tables,
    damaged,
    open_writer,
)
from materializer.store.trees import load_tree, stored_nodes
from materializer.store.view import StoreView
from verifier.merkle import CompactRange

SELECT_META: Final = "select key, value from meta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What a store is bound to; another ledger's journal is refused.

    Attributes:
        ledger_name: As in the genesis.
        strand_id: 16 bytes, or None before the genesis was seen.
        log_identity: The log's (`journal.log.Log.identity`).
    """

    ledger_name: str
    strand_id: bytes | None
    log_identity: str

    @classmethod
    def of_meta(cls, rows: Mapping[str, Any]) -> Self | None:
        """What the rows of `SELECT_META` say; None for those of a new store."""
        if "ledger_name" not in rows:
            return None
        return cls(
            ledger_name=str(rows["ledger_name"]),
            strand_id=rows.get("strand_id"),
            log_identity=str(rows["log_identity"]),
        )

    def expect_ledger(self, name: str, path: Path) -> None:
        """Refuse the store at `path` if it is of another ledger.

        Raises:
            JournalReplacedError: It is.
        """
        if self.ledger_name != name:
            raise JournalReplacedError(f"{path} is of ledger {self.ledger_name!r}, not {name!r}")


@dataclass(frozen=True, slots=True)
class _State:
    tip: Tip | None = None
    offset: int = -1
    tree: CompactRange = field(default_factory=CompactRange)
    catalog: Catalog = field(default_factory=Catalog)


class Store:
    """One state store, opened for writing. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the store at `path`; makes an empty one where there is none.

        Raises:
            StoreUnavailableError: The file cannot be opened or written.
            UnsupportedError: It was made by a newer release.
            OutdatedStoreError: It was made by an older release: delete and rebuild it.
            IntegrityError: It is damaged, or no state store.
        """
        self.path = path
        self.connection = open_writer(path)
        self._view_catalog: ViewCatalog | None = None
        self._strand_id = ""
        self._state = self._saved = _State()
        try:
            self._open()
        except BaseException:
            self.connection.close()
            raise

    @property
    def tip(self) -> Tip | None:
        """The last block that was applied; None before genesis."""
        return self._state.tip

    @property
    def offset(self) -> int:
        """The log offset of the tip; -1 before genesis."""
        return self._state.offset

    @property
    def tree(self) -> CompactRange:
        """The ledger's tree: one leaf for each block."""
        return self._state.tree

    @property
    def catalog(self) -> Catalog:
        """The catalog as of everything applied so far, the open transaction included."""
        return self._state.catalog

    def change_catalog(self, catalog: Catalog, position: int) -> None:
        """Take the catalog that the revision at `position` leads to."""
        self._state = _State(self._state.tip, self._state.offset, self._state.tree, catalog)
        self._set_meta(CATALOG_CHANGED, position)

    def epoch_of(self, offset: int) -> int:
        """Leader epoch of the log record at `offset`, if that was the last one read; else -1."""
        rows = self._execute("select value from meta where key = 'last_read'")
        last, _, epoch = str(rows[0][0]).partition(" ") if rows else ("", "", "")
        return int(epoch) if last == str(offset) else -1

    def set_last_read(self, offset: int, epoch: int) -> None:
        """Remember the last record read from the log; within an open transaction."""
        self._set_meta("last_read", f"{offset} {epoch}")

    def pin(self) -> Pin | None:
        """What the store is bound to, or None for a new one."""
        return Pin.of_meta(dict(self._execute(SELECT_META)))

    def bind(self, pin: Pin) -> None:
        """Bind the store to a ledger and its log."""
        self.begin()
        for key in ("ledger_name", "strand_id", "log_identity"):
            if (value := getattr(pin, key)) is not None:
                self._set_meta(key, value)
        self.commit()

    def begin(self) -> None:
        """Open the transaction that `commit` or `rollback` ends."""
        self._execute("begin immediate")
        self._saved = self._state

    def commit(self) -> None:
        """Make everything since `begin` visible to readers.

        Raises:
            StoreUnavailableError: It was not; call `rollback`.
        """
        self._execute("commit")
        self._saved = self._state

    def rollback(self) -> None:
        """Undo everything since `begin`."""
        self._state = self._saved
        if self.connection.in_transaction:
            self._execute("rollback")

    def savepoint(self) -> _State:
        """Begin a part that can be undone alone; pass the result to `release` or `undo`."""
        self._execute("savepoint part")
        return self._state

    def release(self) -> None:
        """Keep what was done since the last `savepoint`."""
        self._execute("release part")

    def undo(self, state: _State) -> None:
        """Undo what was done since the `savepoint` that gave `state`."""
        self._execute("rollback to part")
        self._execute("release part")
        self._state = state

    def finish_block(self, block: Block, offset: int) -> None:
        """Record a block whose entries were applied."""
        number = block.header.sequence_number
        tree, completed = self.tree.append(block.block_hash)
        self._execute(
            "insert into blocks values (?, ?, ?, ?)",
            (number, offset, block.header_bytes, b"".join(block.leaf_hashes)),
        )
        if rows := stored_nodes(completed):
            self.executemany("insert into tree_nodes values (?, ?, ?)", rows)
        tip = Tip(block.header.strand_id, number, block.block_hash, block.header.timestamp)
        if self.tip is None:
            self._set_meta("strand_id", tip.strand_id)
        self._state = _State(tip, offset, tree, self.catalog)

    def view(self, open_block: tuple[int, int] | None = None) -> StoreView:
        """A view through the writing connection, open transaction included."""
        assert self.tip is not None
        if not self._strand_id:
            self._strand_id = id_text(self.tip.strand_id)
        return StoreView(self.connection, self.view_catalog(), self._strand_id, open_block)

    def view_catalog(self) -> ViewCatalog:
        """The catalog in the query engine's terms; the same object while nothing changes."""
        if self._view_catalog is None or self._view_catalog.source is not self.catalog:
            self._view_catalog = view_catalog(self.catalog)
        return self._view_catalog

    def current(self, table_id: bytes, document_id: bytes) -> StoredDocument | None:
        """The newest revision of a document, also that of a DELETE (its payload is empty)."""
        rows = self._execute(
            "select d.position, d.version, e.body, e.payload from documents d"
            " cross join entries e on e.position = d.position"
            " where d.table_id = ? and d.document_id = ?",
            (table_id, document_id),
        )
        if not rows:
            return None
        position, version, body, payload = rows[0]
        return StoredDocument(position, version, body, payload, None)

    def transaction_position(self, transaction_id: bytes) -> int | None:
        """Where a transaction's entry stands, or None if it is not on the chain."""
        rows = self._execute(
            "select position from transactions where transaction_id = ?", (transaction_id,)
        )
        return rows[0][0] if rows else None

    def entry(self, position: int) -> tuple[bytes, bytes]:
        """Body and payload of an entry that is there."""
        rows = self._execute("select body, payload from entries where position = ?", (position,))
        return rows[0][0], rows[0][1]

    def block_hash(self, sequence_number: int) -> bytes | None:
        """The hash of a block, or None where it is not applied."""
        rows = self._execute(
            "select header from blocks where sequence_number = ?", (sequence_number,)
        )
        return leaf_hash(rows[0][0]) if rows else None

    def execute(self, sql: str, bindings: Sequence[Any] = ()) -> list[Any]:
        """Run one statement to its end and return its rows.

        Raises:
            StoreUnavailableError: The store cannot be written, for instance a full disk.
        """
        return self._execute(sql, bindings)

    def executemany(self, sql: str, rows: Any) -> None:
        """Run one statement for each row; raises as `execute`."""
        try:
            self.connection.executemany(sql, rows)
        except apsw.ConstraintError:
            raise
        except apsw.Error as error:
            raise _unavailable(self.path, error) from error

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self.connection.close()

    def _execute(self, sql: str, bindings: Sequence[Any] = ()) -> list[Any]:
        try:
            return self.connection.execute(sql, bindings).fetchall()
        except apsw.ConstraintError:
            raise
        except apsw.Error as error:
            raise _unavailable(self.path, error) from error

    def _set_meta(self, key: str, value: Any) -> None:
        self._execute("insert or replace into meta values (?, ?)", (key, value))

    def _open(self) -> None:
        try:
            tables = self.connection.execute("select count(*) from sqlite_schema").fetchall()[0][0]
            if not tables:
                self._create()
            else:
                self._load()
        except (*DAMAGE, apsw.SQLError) as error:
            raise damaged(self.path, str(error)) from error

    def _create(self) -> None:
        self.begin()
        create_tables(self.connection)
        self._set_meta("schema_version", SCHEMA_VERSION)
        self.commit()

    def _load(self) -> None:
        ((version,),) = self.connection.execute(
            "select value from meta where key = 'schema_version'"
        ).fetchall()
        if not isinstance(version, int) or version < SCHEMA_VERSION:
            raise OutdatedStoreError(
                f"{self.path} has schema {version}, this release {SCHEMA_VERSION}"
            )
        if version > SCHEMA_VERSION:
            raise UnsupportedError(
                f"{self.path} has schema {version}, this release knows {SCHEMA_VERSION}",
                hint="upgrade Indelible, or delete the file to have it rebuilt",
            )
        row: Any = self.connection.execute(
            "select sequence_number, offset, header from blocks order by sequence_number desc limit 1"
        ).fetchone()
        if row is not None:
            number, offset, header = row
            decoded = decode_header(header)
            tip = Tip(decoded.strand_id, number, leaf_hash(header), decoded.timestamp)
            tree = load_tree(self.connection, number + 1)
            self._state = _State(tip, offset, tree, load_catalog(self.connection))


class OutdatedStoreError(Exception):
    """The store was made by an older release; the journal makes it again."""


def _unavailable(path: Path, error: apsw.Error) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"state store {path} cannot be written: {error}",
        hint="what was acknowledged is in the journal; free space, then the store catches up",
    )
