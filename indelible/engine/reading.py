"""Read views for queries: a pool of read-only connections to the state store."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import apsw

from indelible.client.transport import BlockAddress, LedgerStatus
from indelible.engine.limits import Limits
from indelible.engine.requests import check_statement
from journal.codec import decode_header
from journal.errors import InputError, LimitExceededError, StoreUnavailableError
from journal.hashing import leaf_hash
from journal.ids import id_text
from materializer.partiql import StatementCache
from materializer.partiql.view import Context
from materializer.store.catalogs import CatalogCache
from materializer.store.documents import moment_of
from materializer.store.schema import open_reader
from materializer.store.store import SELECT_META, Pin
from materializer.store.view import StoreView

EAGER_ROWS: Final = 1000
"""Results up to this size are read at once, so that their connection is free again."""
_IDLE_MAX: Final = 16


@dataclass(slots=True, eq=False)
class _Pool:
    """Idle connections to one state file, and what holds for all of them.

    Attributes:
        file: Device and inode; None if the file was not there.
        catalogs: Of this file's read views.
        strand_id: The ledger's; None until it was read.
        idle: A connection in it is nobody's; whoever pops one is its owner.
    """

    file: tuple[int, int] | None
    catalogs: CatalogCache = field(default_factory=CatalogCache)
    strand_id: str | None = None
    idle: list[apsw.Connection] = field(default_factory=list)

    def close(self) -> None:
        """Close what is idle; one that is popped meanwhile is left to its owner."""
        while True:
            try:
                connection = self.idle.pop()
            except IndexError:
                return
            connection.close()


class Reading:
    """Answers queries from a state store; any number of threads may use it."""

    def __init__(self, path: Path, statements: StatementCache, limits: Limits) -> None:
        self._path, self._statements, self._limits = path, statements, limits
        self._lock = threading.Lock()
        self._pool = _Pool(_file_of(path))
        self._closed = False

    def query(
        self, text: str, parameters: Sequence[Any], now: int, *, whole_revisions: bool = False
    ) -> Iterator[Any]:
        """Rows of a query, all of one moment.

        Args:
            text, parameters: A SELECT or EXPLAIN.
            now: What UTCNOW gives, UTC microseconds.
            whole_revisions: Refuse a statement whose rows are anything else (`Statement`).

        Raises:
            InputError: The statement cannot be run, or does not only read.
            StoreUnavailableError: The store cannot be read.
        """
        check_statement(text, parameters, self._limits)
        rows = self._rows(text, parameters, now, whole_revisions=whole_revisions)
        first = list(islice(rows, EAGER_ROWS))
        return iter(first) if len(first) < EAGER_ROWS else chain(first, rows)

    @contextmanager
    def view(self) -> Iterator[StoreView]:
        """A read view, open until the block ends."""
        pool = self._current_pool()
        connection = self._take(pool)
        try:
            connection.execute("begin")
            catalog = pool.catalogs.get(connection)
            yield StoreView(connection, catalog, self._strand(pool, connection))
        except apsw.Error as error:
            raise StoreUnavailableError(f"state store {self._path}: {error}") from error
        finally:
            self._give_back(pool, connection)

    def close(self) -> None:
        """Take no more queries, and close what is idle.

        A query that is under way goes on, also one whose rows are still being iterated; its
        connection is closed at its end.
        """
        with self._lock:
            self._closed = True
        self._pool.close()

    def _rows(
        self, text: str, parameters: Sequence[Any], now: int, *, whole_revisions: bool
    ) -> Iterator[Any]:
        with self.view() as view:
            statement = self._statements.get(text, view.catalog)
            if statement.kind not in ("query", "explain"):
                raise InputError(
                    f"a query only reads; this is {statement.kind.upper()}",
                    hint="send it with execute",
                )
            if whole_revisions and not statement.whole_revisions:
                raise InputError(
                    "the rows of this statement are no whole revisions, so nothing proves them",
                    hint="SELECT * FROM _ql_committed_TABLE AS c, or FROM history(TABLE) AS h;"
                    " with any WHERE, ORDER BY and LIMIT",
                )
            yield from statement.rows(self._context(view, now), parameters)

    def _context(self, view: StoreView, now: int) -> Context:
        deadline = time.monotonic() + self._limits.query_timeout

        def check() -> None:
            if time.monotonic() > deadline:
                limit = int(self._limits.query_timeout)
                raise LimitExceededError("query_timeout", maximum=limit, actual=limit + 1)

        return Context(
            view=view,
            transaction_id="",
            now=moment_of(now),
            new_id=_no_id,
            check=check,
            rows_max=self._limits.rows_max,
        )

    def _strand(self, pool: _Pool, connection: apsw.Connection) -> str:
        if pool.strand_id is None:
            row: Any = connection.execute(
                "select header from blocks where sequence_number = 0"
            ).fetchone()
            if row is None:
                raise StoreUnavailableError(f"state store {self._path} holds no ledger yet")
            pool.strand_id = id_text(decode_header(row[0]).strand_id)
        return pool.strand_id

    def _current_pool(self) -> _Pool:
        """The pool of the file that is there now: a rebuild puts another in its place."""
        pool, file = self._pool, _file_of(self._path)
        if pool.file == file:
            return pool
        with self._lock:
            if self._pool.file != file:
                pool, self._pool = self._pool, _Pool(file)
                pool.close()
            return self._pool

    def _take(self, pool: _Pool) -> apsw.Connection:
        if self._closed:
            raise StoreUnavailableError("the ledger is closed")
        try:
            return pool.idle.pop()
        except IndexError:
            return open_reader(self._path)

    def _give_back(self, pool: _Pool, connection: apsw.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("rollback")
        except apsw.Error:  # it is of no more use
            connection.close(True)
            return
        with self._lock:
            keep = not self._closed and pool is self._pool and len(pool.idle) < _IDLE_MAX
            if keep:
                pool.idle.append(connection)
        if not keep:
            connection.close()


def _file_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def pin_in(path: Path) -> Pin | None:
    """What a state store is bound to, or None for a new one.

    Raises:
        StoreUnavailableError: It cannot be read.
    """
    connection = open_reader(path)
    try:
        return Pin.of_meta(dict(connection.execute(SELECT_META)))
    except apsw.Error as error:
        raise StoreUnavailableError(f"state store {path}: {error}") from error
    finally:
        connection.close()


def status_of(view: StoreView, log_offset: int, ignored: Mapping[str, int]) -> LedgerStatus:
    """The state of a ledger as of a read view."""
    number, header = view.newest_block()
    ledger = view.catalog.source.ledger
    assert ledger is not None
    return LedgerStatus(
        name=ledger.name,
        checkpoint_key=ledger.checkpoint_key,
        tip=BlockAddress(view.strand_id, number),
        tip_timestamp=decode_header(header).timestamp,
        tip_hash=leaf_hash(header),
        tree_size=number + 1,
        root_hash=view.tree(number + 1).root(),
        log_offset=log_offset,
        ignored=dict(ignored),
    )


def _no_id() -> str:
    raise AssertionError("a query makes no ids")
