"""What the configurations of all sinks share, and their text."""

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.connect.source import Source


class Connector(NamedTuple):
    """A connector as Connect knows it.

    Attributes:
        name: Unlike any other on the same Kafka: its consumer group is `connect-<name>`.
        configuration: Its settings.
    """

    name: str
    configuration: Mapping[str, str]


def connector_of(
    source: Source, kind: str, settings: Mapping[str, str], *, name: str | None
) -> Connector:
    """A sink of `kind` that reads a source; called `<topic>.<kind>` unless it is given a name."""
    configuration = {"topics": source.topic, "tasks.max": "1", **settings, **_READING}
    return Connector(name or f"{source.topic}.{kind}", configuration)


def format_connector(connector: Connector) -> str:
    """As `POST /connectors` and the command line of a standalone worker take it."""
    return (
        json.dumps(
            {"name": connector.name, "config": dict(connector.configuration)},
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


_READING: Final = {
    "errors.tolerance": "none",  # A record that does not fit stops the sink; none is skipped.
    "consumer.override.isolation.level": "read_committed",
    "consumer.override.auto.offset.reset": "earliest",
    # A connector may be there before its topic: it is not to make it, and to see it soon.
    "consumer.override.allow.auto.create.topics": "false",
    "consumer.override.metadata.max.age.ms": "5000",
    # A worker that was killed is given up after 10 s instead of 45: until then the next one waits.
    "consumer.override.session.timeout.ms": "10000",
    "consumer.override.heartbeat.interval.ms": "3000",
}
