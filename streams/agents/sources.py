"""Typed topics of a ledger, for agents to read."""

from collections.abc import Callable
from typing import Any, TypeVar

import faust
from faust.types import AppT, TopicT
from faust.types.tuples import Message

from journal.errors import ConfigurationError, IntegrityError
from streams.agents.codecs import Format, SchemaSource, decoder_of
from streams.agents.records import Block, Revision
from streams.agents.transport import CommittedTransport
from streams.records import SEQUENCE_HEADER, parse_sequence, revision_of_flat
from streams.topics import Kind, topic_name

_Record = TypeVar("_Record", Revision, Block)


def revisions(
    app: faust.App,
    ledger: str,
    table: str,
    *,
    prefix: str = "indelible",
    format: Format | str = Format.JSON_SCHEMA,  # noqa: A002 - the exporter's option of that name
    schemas: SchemaSource | None = None,
) -> TopicT:
    """Every revision of a table, as `Revision`; those of one document come in order.

    A record that is none ends the worker: passing over it would pass over a revision.

    Args:
        app: Made by `agent_app`.
        ledger, table: Names.
        prefix, format: As the exporter was told.
        schemas: Where Avro's schemas are found; for `format="avro"` only.

    Raises:
        ConfigurationError: The app would read uncommitted records too.
        InputError: Names that no topic has, Avro without schemas.
        IntegrityError: In the worker: a record is no revision.
    """
    decode = decoder_of(format, schemas)

    def read(message: Message) -> Revision:
        place = parse_sequence(_header(message, SEQUENCE_HEADER))
        columns = decode(_value(message))
        found = revision_of_flat(columns, table=table, entry_index=place.entry_index)
        return Revision.of(found, partition=message.partition)

    return _topic(app, topic_name(prefix, ledger, Kind.HISTORY, table), Revision, read)


def blocks(app: faust.App, ledger: str, *, prefix: str = "indelible") -> TopicT:
    """The summary of every block, as `Block`, in order.

    Raises:
        ConfigurationError: The app would read uncommitted records too.
        InputError: A name that no topic has.
    """
    decode = decoder_of(Format.JSON)

    def read(message: Message) -> Block:
        return Block.of_summary(decode(_value(message)), partition=message.partition)

    return _topic(app, topic_name(prefix, ledger, Kind.BLOCKS), Block, read)


class _Schema(faust.Schema[Any, Any]):
    """Decodes with the whole message at hand: the position is in a header, not in the value."""

    def __init__(self, read: Callable[[Message], Any], value_type: type) -> None:
        super().__init__(key_type=bytes, key_serializer="raw", value_type=value_type)
        self._read = read

    def loads_value(
        self, app: AppT, message: Message, *, loads: Any = None, serializer: Any = None
    ) -> Any:
        del app, loads, serializer
        try:
            return self._read(message)
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"offset {message.offset} of {message.topic}, partition {message.partition}, holds no "
                f"record of a ledger in this format: {type(error).__name__}: {error}",
                hint="give the format that the exporter writes; let nobody else write to its topics",
            ) from error


def _topic(
    app: faust.App, name: str, record: type[_Record], read: Callable[[Message], _Record]
) -> TopicT:
    if not isinstance(app.transport, CommittedTransport):
        raise ConfigurationError(
            f"app {app.conf.id} would also read what an exporter never committed",
            hint="make it with streams.agents.agent_app",
        )
    return app.topic(name, schema=_Schema(read, record), internal=False)


def _value(message: Message) -> bytes:
    if not isinstance(message.value, bytes):
        raise TypeError("a value was expected")
    return message.value


def _header(message: Message, name: str) -> str:
    headers: Any = message.headers or {}
    for header, value in headers.items() if isinstance(headers, dict) else headers:
        if header == name:
            found: bytes = value
            return found.decode()
    raise KeyError(f"header {name}")
