"""A log in one SQLite file: the embedded journal.

```
log      offset (0, 1, 2, ...) -> value      append-only
journal  database_id                         one row: the identity, drawn when the file was made
```

The file is in WAL mode with `synchronous=full`: an append is one INSERT whose commit is an fsync, so it
is durable when `append` returns. Readers have connections of their own; they neither block the writer nor
wait for it. Readers in the writer's process are woken by each append, those of other processes look every
20 ms. Rows are only ever added: there is no UPDATE and no DELETE in this file.

One process writes at a time; whoever opens for writing holds a `journal.lock.WriterLock` first. (Rivals
would not harm the file, SQLite orders them, but an embedded journal has no business with strangers.)

What a failed append means follows from where SQLite failed. Up to the commit record in the WAL nothing
can come back: not written. An error of the last write or of the fsync leaves that open, because recovery
after a crash may still find the whole commit record: it may have been written.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Condition, Lock
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

import apsw

from journal.errors import (
    IntegrityError,
    JournalReplacedError,
    LedgerError,
    LedgerExistsError,
    LogUnavailableError,
    UnknownLedgerError,
    UnsupportedError,
)
from journal.folders import sync_folder
from journal.log import AppendUnknownError, Position, Record

APPLICATION_ID: Final = int.from_bytes(b"Indl", "big")
"""SQLite's `application_id`: says to `file` and to us that this is a journal."""

FORMAT_VERSION: Final = 1
"""SQLite's `user_version`; a file of a higher one is refused."""

_POLL_SECONDS: Final = 0.02
_BUSY_TIMEOUT_MS: Final = 5_000
_READ_SIZE_MAX: Final = 32 * 2**20
_SETTINGS: Final = (
    "pragma page_size=8192",
    "pragma journal_mode=wal",
    "pragma synchronous=full",
    "pragma wal_autocheckpoint=1000",
)
"""A checkpoint is paid by the append it falls on, one in about a thousand. A larger WAL would have fewer,
but as long as the file still grows every fsync has to write its new size too, and takes twice as long."""

_TABLES: Final = (
    "create table log (offset integer primary key, value blob not null) strict",
    "create table journal (database_id text not null) strict",
)
_STATEMENTS: Final = (
    *_TABLES,
    f"pragma application_id={APPLICATION_ID}",
    f"pragma user_version={FORMAT_VERSION}",
)
_APPEND: Final = "insert into log (offset, value) select coalesce(max(offset), -1) + 1, ? from log"
_END: Final = "select coalesce(max(offset), -1) + 1 from log"
_START: Final = "select coalesce(min(offset), 0) from log"
_SCHEMA: Final = "select cast(lower(sql) as blob) from sqlite_schema order by rowid"
_IDENTITY: Final = "select cast(database_id as blob) from journal"
_READ: Final = "select offset, value from log where offset >= ? order by offset limit ?"
_DAMAGE: Final = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SQLError)
"""The last one: our statements are right, so it is the file that has other tables."""


class SqliteLog:
    """A `journal.log.Log` in a file. Any method may be called from any thread."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the journal at `path`, which `create` has made.

        Raises:
            UnknownLedgerError: There is no such file, or its creation was not finished.
            IntegrityError: The file is damaged, or is no journal.
            UnsupportedError: A newer release made it.
            LogUnavailableError: It cannot be opened.
        """
        self.path = path
        self._changed = Condition()
        self._appends = 0
        self._writing, self._asking = Lock(), Lock()
        self._closed = False
        self._asker = _open_reader(path)
        try:
            self._database_id = _database_id(self._asker, path)
            self._inode = _inode(path)
            self._writer = None if read_only else _open_writer(path)
        except BaseException:
            self._asker.close()
            raise

    @classmethod
    def create(cls, path: Path, *, database_id: str) -> "SqliteLog":
        """Make an empty journal file and open it for writing.

        All or nothing: a file whose creation was cut short counts as absent, and is completed here.

        Args:
            path: Where; the folder is there already.
            database_id: Becomes the log's identity; drawn at random by the caller.

        Raises:
            LedgerExistsError: There is a journal already.
            IntegrityError: The file there is none of SQLite's.
            LogUnavailableError: It cannot be written.
        """
        connection = _open_writer(path, create=True)
        try:
            _create_tables(connection, path, database_id)
        finally:
            connection.close()
        sync_folder(path.parent)
        return cls(path)

    def identity(self) -> str:
        """The database id of the file that is at `path` now."""
        self._require_open()
        if _inode(self.path) == self._inode:
            return self._database_id
        connection = _open_reader(self.path)
        try:
            return _database_id(connection, self.path)
        finally:
            connection.close()

    def start_offset(self) -> int:
        """0, unless somebody has deleted rows by hand."""
        return self._ask(_START)

    def end_offset(self) -> int:
        """The offset that the next record gets."""
        return self._ask(_END)

    def reader(self, start: Position) -> "SqliteReader":
        """A cursor that starts at `start.offset`, with a connection of its own."""
        return SqliteReader(self, start.offset)

    def append(self, value: bytes) -> int:
        """Write one record: one fsync.

        Raises:
            LogUnavailableError: It was not written (disk full, locked by another process, read-only).
            AppendUnknownError: It may have been written (input/output error).
            IntegrityError: The file is damaged.
        """
        with self._writing:
            self._require_open()
            if self._writer is None:
                raise LogUnavailableError(f"{self.path} was opened read-only")
            try:
                self._writer.execute(_APPEND, (value,)).fetchall()
            except apsw.Error as error:
                raise _append_error(self.path, error) from error
            offset = self._writer.last_insert_rowid()
        with self._changed:
            self._appends += 1
            self._changed.notify_all()
        return offset

    def append_all(self, values: Iterable[bytes]) -> None:
        """Write many records, all or none, with one fsync: for filling a new file.

        Raises:
            LogUnavailableError, AppendUnknownError, IntegrityError: See `append`.
        """
        with self._writing:
            self._require_open()
            if self._writer is None:
                raise LogUnavailableError(f"{self.path} was opened read-only")
            try:
                with self._writer:
                    self._writer.executemany(_APPEND, ((value,) for value in values))
            except apsw.Error as error:
                raise _append_error(self.path, error) from error
        with self._changed:
            self._appends += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Close the file; cursors stay usable until they are closed themselves."""
        with self._writing, self._asking:
            if self._closed:
                return
            self._closed = True
            self._asker.close()
            if self._writer is not None:
                self._writer.close()

    def appends(self) -> int:
        """How often this object has appended: what a waiting cursor compares."""
        return self._appends

    def wait_for_append(self, seen: int, *, timeout: float) -> None:
        """Wait until `appends()` is no longer `seen`, or `timeout` seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._appends != seen, timeout)

    def _ask(self, question: str) -> int:
        with self._asking:
            self._require_open()
            try:
                return _number(self._asker, question)
            except apsw.Error as error:
                raise _read_error(self.path, error) from error

    def _require_open(self) -> None:
        if self._closed:
            raise LogUnavailableError("the log is closed")


class SqliteReader:
    """A cursor over a `SqliteLog`."""

    def __init__(self, log: SqliteLog, offset: int) -> None:
        self._log = log
        self._offset = offset
        self._connection = _open_reader(log.path)

    def read(self, *, timeout: float, limit: int = 1000) -> Sequence[Record]:
        """Next records, of 32 MiB in all at most; waits up to `timeout` seconds for the first."""
        deadline = monotonic() + timeout
        while True:
            seen = self._log.appends()
            records = self._fetch(limit)
            remaining = deadline - monotonic()
            if records or remaining <= 0:
                return records
            self._log.wait_for_append(seen, timeout=min(remaining, _POLL_SECONDS))

    def position(self) -> int:
        """The offset after the last record read."""
        return self._offset

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._connection.close()

    def _fetch(self, limit: int) -> list[Record]:
        try:
            records = _bounded(
                self._log.path, self._connection.execute(_READ, (self._offset, limit))
            )
            if not records:
                self._require_own_past()
        except apsw.ConnectionClosedError as error:
            raise LogUnavailableError("the cursor is closed") from error
        except apsw.Error as error:
            raise _read_error(self._log.path, error) from error
        if records:
            self._offset = records[-1].offset + 1
        return records

    def _require_own_past(self) -> None:
        end = _number(self._connection, _END)
        if end < self._offset:
            raise JournalReplacedError(
                f"{self._log.path} ends at offset {end}, but was read up to {self._offset} before",
                hint="the file was replaced or cut off; bring back the one that was there",
            )


def _number(connection: apsw.Connection, question: str) -> int:
    value: Any = connection.execute(question).fetchall()[0][0]
    return int(value)


def _bounded(path: Path, rows: Iterable[tuple[Any, Any]]) -> list[Record]:
    """The first rows, 32 MiB of them.

    Raises:
        IntegrityError: One is not of the types that its table demands: its bytes were changed.
    """
    records, size = [], 0
    for offset, value in rows:
        if type(offset) is not int or type(value) is not bytes:
            raise _damaged(path, f"the record at offset {offset} is not made of bytes")
        records.append(Record(offset, value))
        size += len(value)
        if size >= _READ_SIZE_MAX:
            break
    return records


def _open_writer(path: Path, *, create: bool = False) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    return _open(str(path), path, flags, _SETTINGS)


def _open_reader(path: Path) -> apsw.Connection:
    if not path.exists():
        raise UnknownLedgerError(f"there is no journal at {path}")
    if os.access(path.parent, os.W_OK):
        return _open(str(path), path, apsw.SQLITE_OPEN_READONLY, ())
    return _open_unwritable(path)


def _open_unwritable(path: Path) -> apsw.Connection:
    """A reader without the right to make the shared-memory file beside `path`.

    Where no writer left anything in the WAL the file is complete by itself and cannot change (a medium,
    a backup); else SQLite decides.
    """
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size > 0:
        return _open(str(path), path, apsw.SQLITE_OPEN_READONLY, ())
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return _open(f"file:{quote(str(path.absolute()))}?immutable=1", path, flags, ())


def _open(name: str, path: Path, flags: int, settings: tuple[str, ...]) -> apsw.Connection:
    connection = None
    try:
        connection = apsw.Connection(name, flags=flags)
        connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
        for setting in settings:
            connection.execute(setting).fetchall()
    except apsw.Error as error:
        if connection is not None:
            connection.close()
        raise _read_error(path, error) from error
    return connection


def _create_tables(connection: apsw.Connection, path: Path, database_id: str) -> None:
    try:
        # Immediate: of two creators the second waits here, and then sees the tables of the first.
        connection.execute("begin immediate").fetchall()
        if connection.execute("select 1 from sqlite_schema").fetchall():
            raise LedgerExistsError(f"there is a journal at {path} already")
        for statement in _STATEMENTS:
            connection.execute(statement).fetchall()
        connection.execute("insert into journal values (?)", (database_id,)).fetchall()
        connection.execute("commit").fetchall()
    except apsw.Error as error:
        raise _read_error(path, error) from error


def _database_id(connection: apsw.Connection, path: Path) -> str:
    """The identity in an opened file, after a look at what kind of file it is."""
    try:
        application = _number(connection, "pragma application_id")
        version = _number(connection, "pragma user_version")
        tables = [sql for (sql,) in connection.execute(_SCHEMA)]
        if not tables and application == 0:
            raise UnknownLedgerError(
                f"there is no journal at {path}: its creation was not finished"
            )
        if application != APPLICATION_ID:
            raise IntegrityError(f"{path} is no journal file (application id {application})")
        if version > FORMAT_VERSION:
            raise UnsupportedError(
                f"{path} has format version {version}, this release reads up to {FORMAT_VERSION}",
                hint="use the release that made it, or a newer one",
            )
        if tables != [table.encode() for table in _TABLES]:
            raise _damaged(path, "its tables are not those of a journal")
        rows: Any = connection.execute(_IDENTITY).fetchall()
        if len(rows) != 1 or type(rows[0][0]) is not bytes:
            raise _damaged(path, "it has no identity")
        return str(rows[0][0], "utf-8", "backslashreplace")
    except apsw.Error as error:
        raise _read_error(path, error) from error


def _append_error(path: Path, error: apsw.Error) -> LedgerError:
    if isinstance(error, apsw.FullError):
        return LogUnavailableError(
            f"journal file {path} cannot grow: {error}", hint="free some space and try again"
        )
    if isinstance(error, apsw.IOError):
        return AppendUnknownError(f"journal file {path} cannot be written: {error}")
    return _read_error(path, error)


def _read_error(path: Path, error: apsw.Error) -> LedgerError:
    if isinstance(error, _DAMAGE):
        return _damaged(path, str(error))
    return LogUnavailableError(f"journal file {path} cannot be used: {error}")


def _damaged(path: Path, problem: str) -> IntegrityError:
    return IntegrityError(
        f"journal file {path} is damaged: {problem}",
        hint="restore it from a backup or an export; do not write to it",
    )


def _inode(path: Path) -> tuple[int, int]:
    """Tells a file from one that took its name; an inode cannot be used again while we hold it."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise UnknownLedgerError(f"there is no journal at {path} any more") from error
    except OSError as error:
        raise LogUnavailableError(f"{path} cannot be reached: {error.strerror}") from error
    return status.st_dev, status.st_ino
