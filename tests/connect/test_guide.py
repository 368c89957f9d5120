"""docs/guide/connect.md, command by command."""

import re
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from infra.connect import ConnectWorker
from infra.connect.__main__ import main as connect_command
from infra.kafka import KafkaCluster
from infra.postgres import PostgresServer
from tests.support.command_line import CommandLine
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "connect.md").read_text()
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for found, text in FENCE.findall(PAGE) if found == language]


@pytest.fixture
def registry(database: PostgresServer) -> Iterator[str]:
    """The guide's database and user; its JDBC URL."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("create user registry")
        connection.execute("create database registry owner registry")
    yield database.jdbc_url.rpartition("/")[0] + "/registry"
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("drop database registry with (force)")
        connection.execute("drop user registry")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


def test_the_guide_does_what_it_says(
    broker: KafkaCluster,
    worker: ConnectWorker,
    database: PostgresServer,
    registry: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cli, exporter, before = CommandLine(tmp_path), None, worker.rest.names()
    environment: dict[str, str] = {}
    (tmp_path / "schemas.toml").write_text(blocks("toml")[0])
    here = {
        "127.0.0.1:9092": broker.bootstrap_servers,
        "jdbc:postgresql://127.0.0.1:5432/registry": registry,
    }
    try:
        for line in "".join(blocks("sh")).splitlines():
            match [_replaced(word, here) for word in shlex.split(line)]:
                case ["make", *_]:
                    pass
                case ["export", setting]:
                    name, _, value = setting.partition("=")
                    environment[name] = value
                case ["indelible", "stream", *options]:
                    exporter = cli.start("stream", environment["INDELIBLE_URL"], *options)
                case ["indelible", *command, ">", file]:
                    (tmp_path / file).write_text(cli.run(*command, **environment).output)
                case ["indelible", *command]:
                    done = cli.run(*command, **environment)
                    assert done.exit_code == 0, done.errors
                case ["python", "-m", "infra.connect", command, file]:
                    where = ["--data", str(worker.folder), "--port", str(worker.rest.port)]
                    monkeypatch.setattr("sys.argv", ["", command, str(tmp_path / file), *where])
                    assert connect_command() == 0
                case _:
                    raise AssertionError(f"nobody knows how to run {line!r}")
        for query, answer in zip(blocks("sql"), blocks("text"), strict=True):
            expected = [cells(row) for row in answer.splitlines()[2:]]
            eventually(partial(_shown, database, query), expected)
    finally:
        if exporter is not None:
            exporter.terminate()
            print(exporter.communicate(timeout=60))
        for name in set(worker.rest.names()) - set(before):
            worker.delete(name)


def _replaced(word: str, other: dict[str, str]) -> str:
    for text, replacement in other.items():
        word = word.replace(text, replacement)
    return word


def _shown(database: PostgresServer, query: str) -> list[list[str]]:
    """As psql shows it."""
    dsn = database.dsn.rpartition("/")[0] + "/registry"
    text = f"copy ({query.rstrip().rstrip(';')}) to stdout (null '')"
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        try:
            with cursor.copy(text.encode()) as rows:
                lines = b"".join(map(bytes, rows)).decode().splitlines()
        except psycopg.errors.UndefinedTable:
            return []
    return [line.split("\t") for line in lines]
