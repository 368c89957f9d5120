"""Kafka's own FileStreamSink: each record's value as one line of a file on the worker's machine.

The lines are what the exporter wrote: plain JSON with `indelible stream --format json`, an envelope of
schema and payload with `json-schema`. A file only grows, so the history is what belongs there: deletions
are records of it. Of the current states, deletions have no value and are left out.
"""

from typing import Final

from streams.connect.configuration import Connector, connector_of
from streams.connect.source import Source

_STRING: Final = "org.apache.kafka.connect.storage.StringConverter"


def file_sink(source: Source, *, path: str, name: str | None = None) -> Connector:
    """A sink that appends to a file; after a crash of the worker its last lines may come twice.

    Args:
        source: What it reads, in a format of JSON.
        path: As the worker sees it.
        name: The connector's; else it is called after the topic.
    """
    settings = {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "file": path,
        "key.converter": _STRING,
        "value.converter": _STRING,
        **({} if source.history else _WITHOUT_DELETIONS),
    }
    return connector_of(source, "file", settings, name=name)


_WITHOUT_DELETIONS: Final = {
    "transforms": "withoutDeletions",
    "transforms.withoutDeletions.type": "org.apache.kafka.connect.transforms.Filter",
    "transforms.withoutDeletions.predicate": "isDeletion",
    "predicates": "isDeletion",
    "predicates.isDeletion.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
}
