"""How far exporters are, read from the progress topic.

Two records for each exporter, keyed by its name: how far it is, written with every batch, and under
`<name>/tables` the tables as of then, written when they change. Both are in the batch's own transaction.

The reader must see every transaction that was committed before it began, also behind one that another
exporter has open: it waits until that one is ended, by its exporter or by the broker's time-out. An older
position would mean exporting something twice.
"""

import json
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from journal.catalog import TableInfo
from journal.errors import IntegrityError
from journal.kafka.failures import checked_options, persistently, unavailable
from journal.kafka.settings import Cluster
from streams.kafka.settings import TRANSACTION_SECONDS, reader_settings
from streams.planning import tables_from_json, tables_to_json
from streams.progress import Progress

_TIMEOUT_SECONDS: Final = 10.0
_TABLES: Final = "/tables"


def read_progress(
    cluster: Cluster, topic: str, *, only: str = "", wait: bool = True
) -> dict[str, Progress]:
    """Exporter -> how far it is.

    Args:
        cluster, topic: Where.
        only: The one exporter that is asked for; others' records are not looked at.
        wait: See all that was committed, also behind an open transaction: what an exporter needs. Else
            what readers see now, which may be older: good enough for people.

    Raises:
        LogUnavailableError: The topic cannot be read to its end.
        IntegrityError: A record there is none of ours.
    """
    isolation = "read_uncommitted" if wait else "read_committed"
    records = _read_all(cluster, topic, _end(cluster, topic, isolation))
    found = {}
    for name, value in records.items():
        if name.endswith(_TABLES) or (only and name != only):
            continue
        try:
            tables: list[TableInfo] = []
            if listed := records.get(name + _TABLES):
                tables = tables_from_json(json.loads(listed)["tables"])
            found[name] = Progress.from_json(json.loads(value), tables)
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"the record of {name!r} in {topic} is no progress of an exporter: {error}",
                hint="only exporters may write to this topic; take the record away, and the exporter "
                "begins anew",
            ) from error
    return found


def progress_records(
    name: str, progress: Progress, *, with_tables: bool
) -> list[tuple[bytes, bytes]]:
    """Keys and values of an exporter's progress."""
    records = [(name.encode(), json.dumps(progress.to_json()).encode())]
    if with_tables:
        listed = {"tables": tables_to_json(progress.tables)}
        records.append(((name + _TABLES).encode(), json.dumps(listed).encode()))
    return records


def _read_all(cluster: Cluster, topic: str, end: int) -> Mapping[str, Any]:
    """The last committed value of each key below an offset."""
    if end == 0:
        return {}
    with checked_options():
        consumer = Consumer(reader_settings(cluster))
    try:
        partition = TopicPartition(topic, 0, 0)
        consumer.assign([partition])
        values: dict[str, Any] = {}
        deadline = monotonic() + TRANSACTION_SECONDS + _TIMEOUT_SECONDS
        while consumer.position([partition])[0].offset < end:
            message = consumer.poll(0.1)
            if message is None:
                if monotonic() > deadline:
                    raise unavailable(
                        f"{topic} cannot be read to its end",
                        "another exporter's transaction stays open",
                    )
                continue
            if message.error() is not None:
                raise unavailable(f"{topic} cannot be read", message.error())
            key, value = (message.key() or b"").decode(), message.value()
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
    except KafkaException as error:
        raise unavailable(f"{topic} cannot be read", error) from error
    else:
        return values
    finally:
        consumer.close()


def _end(cluster: Cluster, topic: str, isolation: str) -> int:
    """The high watermark, or what stands before the first open transaction."""
    with checked_options():
        consumer = Consumer(reader_settings(cluster, isolation=isolation))
    try:
        partition = TopicPartition(topic, 0)
        _, end = persistently(
            lambda: consumer.get_watermark_offsets(
                partition, timeout=_TIMEOUT_SECONDS, cached=False
            )
        )
        return int(end)
    except KafkaException as error:
        raise unavailable(f"{topic} cannot be read", error) from error
    finally:
        consumer.close()
