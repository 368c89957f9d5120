"""A Kafka Connect worker and a PostgreSQL, shared by the tests of this folder.

```
database   session   a PostgreSQL; whoever stops it starts it again
worker     session   a Connect worker on `broker`; whoever ends it starts it again
```

Without Java, Maven or PostgreSQL these skip, unless INDELIBLE_REQUIRE_KAFKA or INDELIBLE_REQUIRE_POSTGRES
is set (`make test` sets them).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.connect import ConnectWorker
from infra.errors import MissingProgramError
from infra.kafka import KafkaCluster
from infra.postgres import PostgresServer


@pytest.fixture(scope="session")
def database() -> Iterator[PostgresServer]:
    """A running PostgreSQL.

    Not in pytest's folder: each session that starts beside this one closes that to all but its owner, and
    a server that root runs is of another account.
    """
    with TemporaryDirectory(prefix="indelible-postgres-") as folder:
        server = PostgresServer(Path(folder))
        _start(server, "INDELIBLE_REQUIRE_POSTGRES")
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def worker(
    broker: KafkaCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConnectWorker]:
    """A running Connect worker."""
    worker = ConnectWorker(
        tmp_path_factory.mktemp("connect"), bootstrap_servers=broker.bootstrap_servers
    )
    _start(worker, "INDELIBLE_REQUIRE_KAFKA")
    yield worker
    worker.kill()


def _start(server: PostgresServer | ConnectWorker, required: str) -> None:
    try:
        server.start()
    except MissingProgramError as error:
        if os.environ.get(required):
            raise
        pytest.skip(str(error))
