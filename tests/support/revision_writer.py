"""Writes revisions into history topics as the exporter does: in its format, in Kafka transactions."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.json_format import JSONTable
from streams.planning import RevisionChange
from streams.records import HASH_HEADER, SEQUENCE_HEADER, format_sequence
from streams.topics import Kind, topic_name

LEDGER, TABLE = "registry", "vehicles"
DAY = 24 * 60 * 60 * 1_000_000


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


def sales(count: int, *, vehicles: int, owners: Sequence[str]) -> list[RevisionChange]:
    """`count` revisions of so many vehicles, each sold on and on; every 50th is a deletion."""
    found = []
    for number in range(count):
        vehicle, version = number % vehicles, number // vehicles
        owner = owners[(number * 7 + version * 3) % len(owners)]
        document = None if number % 50 == 49 else {"vin": f"vin-{vehicle}", "owner": owner}
        found.append(a_change(number, f"vehicle-{vehicle:013}", version, document))
    return found


class RevisionWriter:
    """One exporter's producer."""

    def __init__(self, bootstrap_servers: str, *, partitions: int, name: str = "writer") -> None:
        self.topic = topic_name("indelible", LEDGER, Kind.HISTORY, TABLE)
        self._partitions = partitions
        self._table = JSONTable(TABLE, LEDGER, columns=None, with_schema=True)
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "transactional.id": f"indelible.{LEDGER}.{name}",
                "linger.ms": 5,
            }
        )
        self._producer.init_transactions()

    def make_topic(self) -> None:
        """A new, empty history topic."""
        old = self._admin.list_topics(timeout=10).topics
        if self.topic in old:
            self._admin.delete_topics([self.topic])[self.topic].result(10)
        while self.topic in self._admin.list_topics(timeout=10).topics:
            pass
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
                partition=int(change.document_id.removeprefix("vehicle-")) % self._partitions,
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
