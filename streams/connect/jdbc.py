"""Debezium's JDBC sink: a table of a ledger as a table of a relational database.

```
topic   ....current.vehicles                    table   vehicles
key     {_document_id: "d1"}              -->   primary key (_document_id)
value   {vin: "1N4", _version: 2, ...}          one row a document, replaced by each newer state
value   nothing (deleted)                       the row is deleted

topic   ....history.vehicles                    table   vehicles_history
key     {_document_id: "d1", _version: 2} -->   primary key (_document_id, _version)
value   {vin: "1N4", ...}                       one row a revision, deletions too; nothing is deleted
```

Both are upserts, so that records which come twice change nothing. The sink makes the table and adds
columns; it never drops one.
"""

import re
from typing import Final

from journal.errors import InputError
from streams.connect.configuration import Connector, connector_of
from streams.connect.source import Source
from streams.topics import schema_part

NAME_SIZE_MAX: Final = 63
"""Bytes of a name in PostgreSQL; it cuts longer ones."""

_NAME: Final = re.compile(r"[^\"'$\x00-\x1f\x7f]+")
"""The sink puts names into SQL as they are, and takes `${...}` for its own."""
_JSON: Final = "org.apache.kafka.connect.json.JsonConverter"


def jdbc_sink(
    source: Source,
    *,
    url: str,
    user: str | None = None,
    password: str | None = None,
    into: str | None = None,
    name: str | None = None,
) -> Connector:
    """A sink that keeps a table equal to a source; for topics in the format `json-schema`.

    Args:
        source: What it reads.
        url: JDBC's, such as `jdbc:postgresql://127.0.0.1:5432/registry`.
        user: Of the database.
        password: Better a placeholder such as `${env:PASSWORD}`, which the worker fills in.
        into: The table; else it is called as in the ledger, with `_history` behind it for the history.
        name: The connector's; else it is called after the topic.

    Raises:
        InputError: The URL is none of JDBC, or the table's name does not fit.
    """
    if not re.match(r"jdbc:\w+:", url):
        raise InputError(f"not a JDBC URL: {url!r}", hint="jdbc:postgresql://HOST:PORT/DATABASE")
    login = {"connection.username": user, "connection.password": password}
    settings = {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "connection.url": url,
        **{key: value for key, value in login.items() if value is not None},
        "collection.name.format": _checked(into or default_table(source)),
        "delete.enabled": "false" if source.history else "true",
        **_JDBC,
    }
    return connector_of(source, "jdbc", settings, name=name)


def default_table(source: Source) -> str:
    """Where a source goes if nothing else is said.

    >>> default_table(Source(prefix="indelible", ledger="registry", table="my cars", history=True))
    'my_20cars_history'
    """
    return schema_part(source.table) + ("_history" if source.history else "")


def _checked(table: str) -> str:
    if not _NAME.fullmatch(table) or max(map(_size, table.split("."))) > NAME_SIZE_MAX:
        raise InputError(
            f"{table!r} cannot be the table of a sink",
            hint=f"give another one with --into: no quotes, no $, {NAME_SIZE_MAX} bytes at most",
        )
    return table


def _size(name: str) -> int:
    return len(name.encode())


_JDBC: Final = {
    "insert.mode": "upsert",
    "primary.key.mode": "record_key",
    "schema.evolution": "basic",
    "quote.identifiers": "true",  # Else columns such as `order` or `flightCount` are other ones.
    "use.time.zone": "UTC",
    "connection.pool.min_size": "1",
    "connection.pool.max_size": "2",
    # A database that is down is waited for, an hour at least; what it refuses fails at once.
    "connection.restart.on.errors": "true",
    "flush.max.retries": "3600",
    "flush.retry.delay.ms": "1000",
    "key.converter": _JSON,
    "key.converter.schemas.enable": "true",
    "value.converter": _JSON,
    "value.converter.schemas.enable": "true",
}
