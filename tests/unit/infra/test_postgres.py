"""The throwaway PostgreSQL."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.errors import MissingProgramError
from infra.postgres import PostgresServer

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "postgres")
    try:
        server.start()
    except MissingProgramError as error:
        if os.environ.get("INDELIBLE_REQUIRE_POSTGRES"):
            raise
        pytest.skip(str(error))
    yield server
    server.stop()


def test_it_takes_connections_and_keeps_its_rows_over_a_restart(server: PostgresServer) -> None:
    with psycopg.connect(server.dsn) as connection:
        connection.execute("create table numbers (number integer)")
        connection.execute("insert into numbers values (42)")
    server.stop()
    server.start()
    with psycopg.connect(server.dsn) as connection:
        rows = connection.execute("select number from numbers").fetchall()

    assert rows == [(42,)]
