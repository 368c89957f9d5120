"""From a ledger to PostgreSQL, all of it in real processes, and how the two ends are compared.

```
SDK in the test -> journal on Kafka -> `indelible stream` -> topics -> Connect -> PostgreSQL
```
"""

import datetime
import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

import indelible
from infra.connect import ConnectWorker
from infra.kafka import KafkaCluster
from infra.postgres import PostgresServer
from journal import document
from tests.support.command_line import CommandLine
from tests.support.waiting import eventually

METADATA = (
    "_document_id, _version, _sequence_number, _operation, _transaction_id, _committed_at, _hash"
)
Rows = dict[tuple[str, int], tuple[Any, ...]]
"""(document id, version) -> sequence number, transaction id, moment, hash, document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A ledger, and what stands behind it.

    Attributes:
        name: The ledger's; behind the name of each table in the database, which tests share.
        url: The ledger's.
        options: Of the exporter.
    """

    name: str
    url: str
    cli: CommandLine
    worker: ConnectWorker
    database: PostgresServer
    options: tuple[str, ...] = ()

    def sink(self, table: str, *, history: bool = False, name: str | None = None) -> str:
        """Make the sink of a table and wait until it runs; its name."""
        printed = self.cli.ok(
            "connect-config", self.url, "--table", table, *(["--history"] if history else []),
            "--url", self.database.jdbc_url, "--user", "indelible",
            "--into", self.table(table, history=history), *(["--name", name] if name else []),
        ).document  # fmt: skip
        self.worker.create(printed["name"], printed["config"])
        return str(printed["name"])

    def sinks(self, *tables: str) -> list[str]:
        """The sinks of tables and of their histories."""
        return [self.sink(table, history=history) for table in tables for history in (False, True)]

    def table(self, table: str, *, history: bool = False) -> str:
        """What the sink's table is called."""
        return f"{table}_history_{self.name}" if history else f"{table}_{self.name}"

    def start_exporter(self) -> "subprocess.Popen[str]":
        """Start an exporter beside the test."""
        return self.cli.start("stream", self.url, *self.options)

    @contextmanager
    def exporting(self) -> Iterator["subprocess.Popen[str]"]:
        """An exporter that is asked to end afterwards, and does."""
        process = self.start_exporter()
        try:
            yield process
        except BaseException:
            process.kill()
            print(process.communicate(timeout=30))
            raise
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, output + errors
        assert "Traceback" not in errors, errors

    def export_once(self) -> None:
        """Export all there is."""
        self.cli.ok("stream", self.url, *self.options, "--once")

    def select(self, query: str, **names: str) -> list[Any]:
        """Rows of the database, none before the table is there; `{name}` stands for a quoted name."""
        quoted = {key: f'"{value}"' for key, value in names.items()}
        with psycopg.connect(self.database.dsn) as connection:
            try:
                return connection.execute(query.format(**quoted).encode()).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

    def rows(self, table: str, *, history: bool = False) -> Rows:
        """What the sink's table holds, of a ledger's table without declared columns."""
        found = self.select(
            f"select {METADATA}, data::text from {{table}}",
            table=self.table(table, history=history),
        )
        return {
            (key, version): (
                sequence, operation, transaction, moment.replace(tzinfo=datetime.UTC), leaf,
                None if data is None else json.loads(data),
            )
            for key, version, sequence, operation, transaction, moment, leaf, data in found
        }  # fmt: skip

    def expect_equal(self, ledger: indelible.Ledger, *tables: str, seconds: float = 120) -> int:
        """Wait for the sinks of tables, then compare every row with the ledger; how many revisions.

        Raises:
            AssertionError: They are not equal, or not in that time.
        """
        count = 0
        for table in tables:
            for history in (False, True):
                expected = ledger_rows(ledger, table, history=history)
                size = partial(self._size, table, history=history)
                eventually(size, _size_of(expected), seconds=seconds)
                assert self.rows(table, history=history) == expected
                count += len(expected) if history else 0
        return count

    def _size(self, table: str, *, history: bool) -> tuple[int, int]:
        """How many rows there are, and all their versions and blocks together."""
        query = (
            "select count(*), coalesce(sum(_version + _sequence_number), 0)::bigint from {table}"
        )
        found = self.select(query, table=self.table(table, history=history))
        return (0, 0) if not found else (int(found[0][0]), int(found[0][1]))


def ledger_rows(ledger: indelible.Ledger, table: str, *, history: bool) -> Rows:
    """What the ledger answers to a query for its committed view, or its history."""
    if history:
        found = ledger.history(table)
    else:
        found = ledger.query(f'SELECT * FROM "_ql_committed_{table}" AS c')
    rows: Rows = {}
    for row in found:
        metadata = row["metadata"]
        moment = metadata["txTime"]
        data = row.get("data")
        version = metadata["version"]
        operation = "INSERT" if version == 0 else "DELETE" if data is None else "UPDATE"
        rows[metadata["id"], version] = (
            row["blockAddress"]["sequenceNo"],
            operation,
            metadata["txId"],
            moment.replace(microsecond=moment.microsecond // 1000 * 1000),
            row["hash"],
            None if data is None else plain(data),
        )
    return rows


def plain(value: Any) -> Any:
    """A ledger's value as its stream has it: what JSON has no word for is its text."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, Decimal):
        return str(value)
    (text,) = json.loads(document.encode(value)).values()  # {"$timestamp": text}
    return text


def a_ledger_on(cluster: KafkaCluster, cli: CommandLine, name: str) -> str:
    """Make a ledger on Kafka; its URL."""
    url = f"kafka://{cluster.bootstrap_servers}/{name}?data={cli.folder / 'node'}"
    cli.ok("ledger", "create", url, "--allow-single-broker")
    return url


def pipeline_in(
    folder: Path, name: str, broker: KafkaCluster, worker: ConnectWorker, database: PostgresServer
) -> Pipeline:
    """A new ledger with nothing in it, and its pipeline."""
    cli = CommandLine(folder)
    url = a_ledger_on(broker, cli, name)
    return Pipeline(name=name, url=url, cli=cli, worker=worker, database=database)


def _size_of(rows: Rows) -> tuple[int, int]:
    return len(rows), sum(version + found[0] for (_, version), found in rows.items())
