"""Reading what was streamed into Kafka, and what a ledger's journal says should be there."""

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import orjson
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from indelible.client.addresses import parse_journal_address
from indelible.engine.journals import (
    accepted_blocks,
    is_exclusive,
    ledger_name_of,
    open_journal,
)
from journal import document
from journal.block import document_of
from journal.codec import RevisionEntry
from journal.ids import id_text
from journal.kafka import Cluster
from streams.records import Position, hash_text, parse_sequence
from streams.topics import Kind, topic_name


@dataclass(frozen=True, slots=True)
class Streamed:
    """One record of a topic."""

    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: dict[str, str]

    @property
    def payload(self) -> dict[str, Any]:
        """The columns, out of the envelope if there is one."""
        assert self.value is not None
        found = orjson.loads(self.value)
        return dict(found["payload"] if set(found) == {"schema", "payload"} else found)

    @property
    def key_payload(self) -> dict[str, Any]:
        """The key's columns."""
        found = orjson.loads(self.key)
        return dict(found["payload"] if set(found) == {"schema", "payload"} else found)

    @property
    def position(self) -> Position:
        """Of the revision."""
        return parse_sequence(self.headers["indelible-sequence"])


@dataclass(frozen=True, slots=True)
class Written:
    """A revision as the journal has it."""

    table: str
    document_id: str
    version: int
    position: Position
    hash: str
    data: Any


def read_topic(
    kafka: Cluster, topic: str, *, isolation: str = "read_committed", seconds: float = 30.0
) -> list[Streamed]:
    """All records of a topic up to its end, partition by partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": "test-reader",
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 50,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        assigned = [TopicPartition(topic, number, 0) for number in partitions]
        ends = {
            each.partition: consumer.get_watermark_offsets(each, timeout=10)[1] for each in assigned
        }
        consumer.assign([each for each in assigned if ends[each.partition]])
        found, deadline = [], time.monotonic() + seconds
        while any(
            each.offset < ends[each.partition]
            for each in consumer.position(assigned)
            if ends[each.partition]
        ):
            assert time.monotonic() < deadline, f"{topic} could not be read to its end"
            for message in consumer.consume(1000, 0.05):
                assert message.error() is None
                headers = {name: value.decode() for name, value in message.headers() or ()}
                found.append(
                    Streamed(
                        message.partition(),
                        message.offset(),
                        message.key(),
                        message.value(),
                        headers,
                    )
                )
    finally:
        consumer.close()
    return sorted(found, key=lambda each: (each.partition, each.offset))


def topics_of(kafka: Cluster) -> set[str]:
    """Names of all topics."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    return set(admin.list_topics(timeout=10).topics)


def written(url: str) -> list[Written]:
    """All revisions of all tables of a ledger, in the order of its journal."""
    address = parse_journal_address(url)
    log = open_journal(address)
    found, names = [], {}
    try:
        for accepted, _ in accepted_blocks(
            log, ledger_name_of(address), exclusive=is_exclusive(address)
        ):
            block = accepted.block
            for index, content in enumerate(block.contents):
                if not isinstance(content, RevisionEntry):
                    continue
                payload = block.entries[index].payload
                data = document.decode(document_of(payload)) if payload else None
                if int.from_bytes(content.table_id, "big") <= 3:
                    names[content.document_id] = (data or {}).get("name")
                    continue
                found.append(
                    Written(
                        names[content.table_id],
                        id_text(content.document_id),
                        content.version,
                        Position(block.sequence_number, index),
                        hash_text(block.leaf_hashes[index]),
                        data,
                    )
                )
    finally:
        log.close()
    return found


def expect_exactly_once(
    kafka: Cluster, url: str, table: str, *, prefix: str = "indelible"
) -> list[Streamed]:
    """The history topic has each revision of a table once, and each document's in order."""
    ledger = ledger_name_of(parse_journal_address(url))
    records = read_topic(kafka, topic_name(prefix, ledger, Kind.HISTORY, table))
    expected = {
        (each.document_id, each.version, each.position, each.hash)
        for each in written(url)
        if each.table == table
    }
    seen = [
        (
            each.key_payload["_document_id"],
            each.key_payload["_version"],
            each.position,
            each.headers["indelible-hash"],
        )
        for each in records
    ]
    assert len(seen) == len(set(seen)), "a revision came twice"
    assert set(seen) == expected
    by_partition = defaultdict(list)
    for each in records:
        by_partition[each.partition].append(each.position)
    for positions in by_partition.values():
        assert positions == sorted(positions), "revisions came out of order"
    return records


def expect_current_state(
    kafka: Cluster, ledger: str, table: str, state: dict[str, Any], *, prefix: str = "indelible"
) -> None:
    """The last record of each key is the document's present state; a tombstone, where it has none."""
    last: dict[str, Any] = {}
    for each in read_topic(kafka, topic_name(prefix, ledger, Kind.CURRENT, table)):
        document_id = each.key_payload["_document_id"]
        last[document_id] = None if each.value is None else orjson.loads(each.payload["data"])

    assert {key: value for key, value in last.items() if value is not None} == state
