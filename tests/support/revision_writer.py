"""Writes revisions into history topics as the exporter does: in its format, in Kafka transactions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import orjson
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from journal.kafka import Cluster
from streams.json_format import JSONTable
from streams.kafka.settings import producer_settings
from streams.planning import RevisionChange
from streams.records import HASH_HEADER, SEQUENCE_HEADER, format_sequence
from streams.topics import Kind, topic_name

TABLE = "vehicles"


def a_change(
    number: int, document_id: str, version: int, document: dict[str, Any] | None
) -> RevisionChange:
    """The revision in block `number`, entry 1, made a second after the one before."""
    return RevisionChange(
        table=TABLE,
        document_id=document_id,
        version=version,
        operation="DELETE" if document is None else "UPDATE" if version else "INSERT",
        transaction_id=f"transaction-{number:010}",
        hash="aGFzaA==",
        document=b"" if document is None else orjson.dumps(document),
        sequence_number=number,
        entry_index=1,
        timestamp=1_790_000_000_000_000 + number * 1_000_000,
    )


def sales(
    count: int, *, vehicles: int, owners: Sequence[str], start: int = 0
) -> list[RevisionChange]:
    """Revisions of so many vehicles, each sold on and on, from block `start`; every 50th deletes."""
    found = []
    for number in range(start, start + count):
        vehicle, version = number % vehicles, number // vehicles
        owner = owners[crc32(b"%d" % number) % len(owners)]
        document = None if number % 50 == 49 else {"vin": f"vin-{vehicle}", "owner": owner}
        found.append(a_change(number, f"vehicle-{vehicle:013}", version, document))
    return found


def owners_after(changes: Iterable[RevisionChange]) -> Counter[str]:
    """How many vehicles each owner has, counted the plain way."""
    documents = {
        change.document_id: orjson.loads(change.document) if change.document else None
        for change in changes
    }
    return Counter(document["owner"] for document in documents.values() if document is not None)


class RevisionWriter:
    """One exporter's producer."""

    def __init__(
        self, bootstrap_servers: str, ledger: str, *, partitions: int, name: str = "main"
    ) -> None:
        self.topic = topic_name("indelible", ledger, Kind.HISTORY, TABLE)
        self._partitions = partitions
        self._table = JSONTable(TABLE, ledger, columns=None, with_schema=True)
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        cluster = Cluster(bootstrap_servers=bootstrap_servers)
        self._producer = Producer(producer_settings(cluster, f"indelible.{ledger}.main"))
        self._producer.init_transactions()

    def make_topic(self) -> None:
        """The history topic, empty."""
        new = NewTopic(self.topic, num_partitions=self._partitions, replication_factor=1)
        self._admin.create_topics([new])[self.topic].result(10)

    def write(self, changes: Iterable[RevisionChange], *, commit: bool = True) -> None:
        """One transaction; an aborted one leaves its records in the topic all the same."""
        self._producer.begin_transaction()
        for change in changes:
            encoded = self._table.encode(change)
            self._producer.produce(
                self.topic,
                key=encoded.history_key,
                value=encoded.value,
                partition=sum(change.document_id.encode()) % self._partitions,
                headers={
                    SEQUENCE_HEADER: format_sequence(change.position).encode(),
                    HASH_HEADER: change.hash.encode(),
                },
            )
            self._producer.poll(0)
        self._producer.flush()
        if commit:
            self._producer.commit_transaction()
        else:
            self._producer.abort_transaction()
