"""PostgreSQL at its defaults (fsync and synchronous_commit on), in three ways of keeping records.

```
plain      one row in one table
deferred   + history by trigger with a hash of each row; blocks of rows are hashed in the background
inline     + history by trigger, each row's hash chained to the one before, in the same transaction
```

Only `deferred` and `inline` notice a change of old rows, as a ledger does; `deferred` with a delay of a
tenth of a second, in which rows can be changed unnoticed.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import randrange
from typing import Final, Literal

import psycopg
from psycopg.types.json import Jsonb

from bench import workload
from bench.callers import drive
from bench.measure import Sample
from bench.targets.pgbench import find_pgbench, run_pgbench
from infra.postgres import PostgresServer

Variant = Literal["plain", "deferred", "inline"]
VARIANTS: Final[tuple[Variant, ...]] = ("plain", "deferred", "inline")

SEAL_SECONDS: Final = 0.1
SEAL_ROWS: Final = 1000
_CONNECTIONS_MAX: Final = 300
_SQL: Final = Path(__file__).parent / "sql"
_INSERT: Final = "insert into vehicles (body) values (%s::jsonb)"
_POINT: Final = "select body ->> 'owner' from vehicles where body ->> 'vin' = %s"


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """A durable server with all three variants in it, each in a schema of its name."""
    server = PostgresServer(folder, durable=True)
    with server:
        with _connect(server) as connection:
            connection.execute(f"alter system set max_connections = {_CONNECTIONS_MAX}")
            for variant in VARIANTS:
                connection.execute((_SQL / f"{variant}.sql").read_bytes())
        server.stop()
        server.start()
        yield server


def server_version(server: PostgresServer) -> str:
    """As it says itself: "15.8 (Debian ...)"."""
    with _connect(server) as connection:
        return connection.info.parameter_status("server_version") or "unknown"


class PostgresTarget:
    """One variant on a running server. Not for several threads."""

    def __init__(self, server: PostgresServer, variant: Variant) -> None:
        self.name = f"postgres-{variant}"
        self._server, self._variant = server, variant
        self._pgbench = find_pgbench()
        self._runs = count(1)

    @property
    def client(self) -> str:
        """The client that is used: pgbench where it is installed, else psycopg."""
        return "threads (psycopg)" if self._pgbench is None else "pgbench -M prepared"

    def commit(self, *, callers: int, seconds: float) -> Sample:
        """See `Target.commit`."""
        run = next(self._runs)
        with self._background():
            if self._pgbench is None:
                return self._commit_by_threads(run, callers, seconds)
            return run_pgbench(
                self._pgbench,
                self._server.dsn,
                _SQL / "insert.pgbench",
                schema=self._variant,
                variables={"run": run, "number": 0},
                callers=callers,
                seconds=seconds,
            )

    def fill(self, documents: int) -> None:
        """Insert the vehicles that `query` asks for."""
        with _connect(self._server, self._variant) as connection:
            connection.execute((_SQL / "fill.sql").read_bytes(), (documents,))
            connection.execute("vacuum analyze vehicles")

    def verify(self) -> Sample:
        """Hash all rows of `deferred`'s history again, and compare them and the chain of blocks.

        Raises:
            RuntimeError: A hash does not match.
        """
        sealer = _Sealer(self._server)
        sealer.start()
        sealer.finish()
        with _connect(self._server, "deferred") as connection:
            connection.execute("vacuum analyze history, blocks")
            started = time.perf_counter()
            row = connection.execute((_SQL / "verify.sql").read_bytes()).fetchone()
            seconds = time.perf_counter() - started
        assert row is not None
        rows, bad_rows, bad_blocks = row
        if bad_rows or bad_blocks:
            raise RuntimeError(f"{bad_rows} rows and {bad_blocks} blocks do not verify")
        return Sample(count=rows, seconds=seconds)

    def query(self, *, documents: int, callers: int, seconds: float) -> Sample:
        """Point queries by the unique index, over what `fill` inserted."""
        if self._pgbench is not None:
            return run_pgbench(
                self._pgbench,
                self._server.dsn,
                _SQL / "point.pgbench",
                schema=self._variant,
                variables={"count": documents},
                callers=callers,
                seconds=seconds,
            )
        with _connections(self._server, self._variant, callers) as connections:

            def call(caller: int, _: int) -> None:
                key = workload.vin(0, 0, randrange(documents))
                connections[caller].execute(_POINT, (key,), prepare=True).fetchall()

            return drive(call, callers=callers, seconds=seconds)

    def sealed_rows(self) -> tuple[int, int]:
        """(rows of history in blocks, rows of history): equal once the last turn has ended."""
        with _connect(self._server, "deferred") as connection:
            row = connection.execute(
                "select (select sum(row_count) from blocks), (select count(*) from history)"
            ).fetchone()
            assert row is not None
            return int(row[0]), int(row[1])

    def _commit_by_threads(self, run: int, callers: int, seconds: float) -> Sample:
        with _connections(self._server, self._variant, callers) as connections:

            def call(caller: int, number: int) -> None:
                document = workload.vehicle(workload.vin(run, caller, number))
                body = Jsonb(document)
                connections[caller].execute(_INSERT, (body,), prepare=True)

            return drive(call, callers=callers, seconds=seconds)

    @contextmanager
    def _background(self) -> Iterator[None]:
        if self._variant != "deferred":
            yield
            return
        sealer = _Sealer(self._server)
        sealer.start()
        try:
            yield
        finally:
            sealer.finish()


class _Sealer(threading.Thread):
    """Asks the server every tenth of a second to hash new rows, at once again while there are many."""

    def __init__(self, server: PostgresServer) -> None:
        super().__init__(name="sealer", daemon=True)
        self._connection = _connect(server, "deferred")
        self._stopped = threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Seal until `finish`."""
        try:
            while not self._stopped.wait(SEAL_SECONDS):
                self._seal_all()
            self._seal_all()
        except BaseException as error:  # noqa: BLE001 - raised again by `finish`
            self._error = error

    def finish(self) -> None:
        """Seal what is left, then end.

        Raises:
            psycopg.Error: Sealing failed.
        """
        self._stopped.set()
        self.join()
        self._connection.close()
        if self._error is not None:
            raise self._error

    def _seal_all(self) -> None:
        while self._seal() == SEAL_ROWS:
            pass

    def _seal(self) -> int:
        row = self._connection.execute("select seal(%s)", (SEAL_ROWS,), prepare=True).fetchone()
        assert row is not None
        return int(row[0])


def _connect(server: PostgresServer, schema: str = "public") -> psycopg.Connection:
    options = f"-c search_path={schema}"
    return psycopg.connect(server.dsn, autocommit=True, options=options)


@contextmanager
def _connections(
    server: PostgresServer, schema: str, number: int
) -> Iterator[list[psycopg.Connection]]:
    opened: list[psycopg.Connection] = []
    try:
        opened.extend(_connect(server, schema) for _ in range(number))
        yield opened
    finally:
        for connection in opened:
            connection.close()
