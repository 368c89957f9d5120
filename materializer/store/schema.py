"""The state store's tables and how its file is opened.

```
entries             position -> body, payload, previous position of the same document (append-only)
documents           (table, document) -> position, version, deleted     the newest revision of each
index_entries       (index, key, document) -> from_position             keys that hold now
index_entries_past  (index, key, document, from_position) -> to_position
blocks              sequence_number -> offset in the log, header, leaf hashes of its entries
tree_nodes          (level, position) -> hash of a complete subtree of the ledger's tree (see trees.py)
transactions        transaction id -> position of its entry
meta                key -> value: ledger, strand, log identity, schema version, last catalog change
```

A position is `sequence_number << 20 | entry_index`: it orders all entries of the ledger.
"""

from pathlib import Path
from typing import Final

import apsw

from journal.errors import IntegrityError, StoreUnavailableError

SCHEMA_VERSION: Final = 2
"""A store of an older version is rebuilt; of a newer one refused."""

ENTRY_BITS: Final = 20
CATALOG_CHANGED: Final = "catalog_changed"
"""Key in `meta`: position of the newest revision that changed the catalog."""

TABLES: Final = (
    "create table entries (position integer primary key, body blob not null, payload blob not null,"
    " previous integer)",
    "create table documents (table_id blob, document_id blob, position integer not null,"
    " version integer not null, deleted integer not null, primary key (table_id, document_id))"
    " without rowid",
    "create table index_entries (index_id blob, key blob, document_id blob,"
    " from_position integer not null, primary key (index_id, key, document_id)) without rowid",
    "create table index_entries_past (index_id blob, key blob, document_id blob,"
    " from_position integer, to_position integer not null,"
    " primary key (index_id, key, document_id, from_position)) without rowid",
    "create table blocks (sequence_number integer primary key, offset integer not null,"
    " header blob not null, leaf_hashes blob not null)",
    "create table tree_nodes (level integer, position integer, hash blob not null,"
    " primary key (level, position)) without rowid",
    "create table transactions (transaction_id blob primary key, position integer not null)"
    " without rowid",
    "create table meta (key text primary key, value) without rowid",
)
FOLDED_TABLES: Final = (
    "entries",
    "documents",
    "index_entries",
    "index_entries_past",
    "blocks",
    "tree_nodes",
    "transactions",
)
"""The tables that a rebuild must reproduce row by row."""

_BUSY_TIMEOUT_MS: Final = 10_000
_READ: Final = ("pragma query_only=on", "pragma mmap_size=1073741824", "pragma cache_size=-32768")
_WRITE: Final = (
    "pragma journal_mode=wal",
    "pragma synchronous=normal",
    "pragma wal_autocheckpoint=16000",
    "pragma cache_size=-131072",
    "pragma mmap_size=1073741824",
    "pragma temp_store=memory",
)


DAMAGE: Final = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)


def damaged(path: Path, problem: str) -> IntegrityError:
    """The error for a file that is no (whole) state store."""
    return IntegrityError(
        f"{path} is damaged or no state store: {problem}",
        hint="`indelible rebuild` makes it again from the journal",
    )


def open_writer(path: Path) -> apsw.Connection:
    """The one connection that writes; makes the file where there is none.

    Raises:
        StoreUnavailableError: The file cannot be opened or written.
        IntegrityError: It is no SQLite file.
    """
    try:
        connection = apsw.Connection(str(path), statementcachesize=200)
        _prepare(connection, _WRITE)
    except DAMAGE as error:
        raise damaged(path, str(error)) from error
    except apsw.Error as error:
        raise StoreUnavailableError(f"state store {path} cannot be opened: {error}") from error
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """A read-only connection; it sees what the writer has committed.

    Raises:
        StoreUnavailableError: There is no such file, or it cannot be read.
    """
    try:
        # Read-write at the file level: the reader of a WAL database must reach its shared memory.
        connection = apsw.Connection(
            str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=200
        )
        _prepare(connection, _READ)
    except DAMAGE as error:
        raise damaged(path, str(error)) from error
    except apsw.Error as error:
        raise StoreUnavailableError(f"state store {path} cannot be read: {error}") from error
    return connection


def create_tables(connection: apsw.Connection) -> None:
    """Make all tables; within the caller's transaction."""
    for statement in TABLES:
        connection.execute(statement).fetchall()


def _prepare(connection: apsw.Connection, pragmas: tuple[str, ...]) -> None:
    connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
    for pragma in pragmas:
        connection.execute(pragma).fetchall()
