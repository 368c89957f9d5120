"""Read views for queries: a pool of read-only connections to the state store."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import apsw

from indelible.client.transport import BlockAddress, LedgerStatus
from indelible.engine.limits import Limits, bound
from journal.codec import decode_header
from journal.errors import InputError, LimitExceededError, StoreUnavailableError
from journal.hashing import leaf_hash
from journal.ids import id_text
from materializer.partiql import Statement, StatementCache
from materializer.partiql.view import Context
from materializer.store.catalogs import CatalogCache
from materializer.store.documents import moment_of
from materializer.store.schema import open_reader
from materializer.store.view import StoreView

EAGER_ROWS: Final = 1000
"""Results up to this size are read at once, so that their connection is free again."""
_IDLE_MAX: Final = 16


class Reading:
    """Answers queries from a state store; any number of threads may use it."""

    def __init__(self, path: Path, statements: StatementCache, limits: Limits) -> None:
        self._path, self._statements, self._limits = path, statements, limits
        self._catalogs = CatalogCache()
        self._idle: list[apsw.Connection] = []
        self._lock = threading.Lock()
        self._strand_id: str | None = None
        self._closed = False

    def query(self, text: str, parameters: Sequence[Any], now: int) -> Iterator[Any]:
        """Rows of a query, all of one moment.

        Args:
            text, parameters: A SELECT or EXPLAIN.
            now: What UTCNOW gives, UTC microseconds.

        Raises:
            InputError: The statement cannot be run, or does not only read.
            StoreUnavailableError: The store cannot be read.
        """
        bound("statement_length_max", len(text), self._limits.statement_length_max)
        bound("parameters_max", len(parameters), self._limits.parameters_max)
        rows = self._rows(text, parameters, now)
        first = list(islice(rows, EAGER_ROWS))
        return iter(first) if len(first) < EAGER_ROWS else chain(first, rows)

    def statement(self, text: str) -> Statement:
        """The compiled statement, as of now."""
        with self.view() as view:
            return self._statements.get(text, view.catalog)

    @contextmanager
    def view(self) -> Iterator[StoreView]:
        """A read view, open until the block ends."""
        connection = self._take()
        try:
            connection.execute("begin")
            catalog = self._catalogs.get(connection)
            yield StoreView(connection, catalog, self._strand(connection))
        except apsw.Error as error:
            raise StoreUnavailableError(f"state store {self._path}: {error}") from error
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close the connections; queries under way end with StoreUnavailableError."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _rows(self, text: str, parameters: Sequence[Any], now: int) -> Iterator[Any]:
        with self.view() as view:
            statement = self._statements.get(text, view.catalog)
            if statement.kind not in ("query", "explain"):
                raise InputError(
                    f"a query only reads; this is {statement.kind.upper()}",
                    hint="send it with execute",
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

    def _strand(self, connection: apsw.Connection) -> str:
        if self._strand_id is None:
            row: Any = connection.execute(
                "select header from blocks where sequence_number = 0"
            ).fetchone()
            if row is None:
                raise StoreUnavailableError(f"state store {self._path} holds no ledger yet")
            self._strand_id = id_text(decode_header(row[0]).strand_id)
        return self._strand_id

    def _take(self) -> apsw.Connection:
        if self._closed:
            raise StoreUnavailableError("the ledger is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return open_reader(self._path)

    def _give_back(self, connection: apsw.Connection) -> None:
        if connection.in_transaction:
            connection.execute("rollback")
        if self._closed or len(self._idle) >= _IDLE_MAX:
            connection.close()
        else:
            self._idle.append(connection)


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
