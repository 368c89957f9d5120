"""One Kafka transaction per batch: the records and the new position, all or none.

```
init_transactions      fences whoever had this transactional id before, and ends its open transaction
read progress          from here on nobody else can move it
  begin - current, history, blocks, parked ... - progress - commit         once for each batch
```

A batch whose commit does not surely succeed is not looked into: the sink closes, and the next `open`
reads from the progress topic whether it had arrived. The records of one document go to one partition.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from time import monotonic
from typing import Final
from zlib import crc32

import orjson
from confluent_kafka import KafkaError, KafkaException, Producer

from journal.errors import ConfigurationError, ConflictError, LedgerError
from journal.events import event_logger
from journal.kafka.failures import checked_options, error_of, unavailable
from journal.kafka.settings import Cluster
from streams.columns import Misfit
from streams.kafka.progress import progress_records, read_progress
from streams.kafka.settings import TRANSACTION_SECONDS, producer_settings
from streams.kafka.topics import StreamTopics
from streams.parking import parked
from streams.planning import BlockSummary, RevisionChange, summaries
from streams.progress import Progress
from streams.records import HASH_HEADER, SEQUENCE_HEADER
from streams.sinks import Batch, Tombstone
from streams.tables import TableEncoder
from streams.topics import Kind

_Headers = list[tuple[str, str | bytes | None]]

_INIT_SECONDS: Final = 30.0
_COMMIT_SECONDS: Final = float(TRANSACTION_SECONDS)
_COMMIT_ATTEMPT_SECONDS: Final = 2.0
_EVENT_SECONDS: Final = 0.5
_STATE_CHUNK: Final = 10_000
_FENCED: Final = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - the client's own codes begin so
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
    }
)

_log = event_logger("indelible.streams")


class KafkaSink:
    """The streams of one ledger in one cluster, written under one exporter's name."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        prefix: str,
        ledger: str,
        name: str,
        encoder: Callable[[str], TableEncoder],
        partitions: int,
    ) -> None:
        """Nothing is asked or written yet.

        Args:
            cluster: Where.
            prefix, ledger: What the topics' names begin with.
            name: Of the exporter.
            encoder: Makes what writes the records of a table.
            partitions: Of new topics of tables.
        """
        self._cluster, self._name, self._ledger = cluster, name, ledger
        self._transactional_id = f"{prefix}.{ledger}.{name}"
        self._topics = StreamTopics(cluster, prefix, ledger, partitions=partitions)
        self._make_encoder = encoder
        self._tables: dict[str, _Table] = {}
        self._producer: Producer | None = None
        self._fatal: KafkaError | None = None

    def open(self) -> Progress | None:
        """Fence the predecessor and read how far it got.

        Raises:
            LogUnavailableError: The cluster does not answer.
            ConfigurationError: A topic cannot be made, or this principal may not write.
        """
        self.close()
        self._fatal = None
        progress_topic, _ = self._topics.ready(Kind.PROGRESS)
        with checked_options():
            self._producer = Producer(
                {
                    **producer_settings(self._cluster, self._transactional_id),
                    "error_cb": self._note,
                }
            )
        try:
            self._producer.init_transactions(_INIT_SECONDS)
        except KafkaException as error:
            raise self._failure("cannot begin to write", error) from error
        found = read_progress(self._cluster, progress_topic, only=self._name)
        return found.get(self._name)

    def deliver(self, batch: Batch) -> None:
        """Write a batch and its progress in one transaction."""
        self._make_ready(batch)
        try:
            self._begin()
            for change in batch.changes:
                if type(change) is RevisionChange:
                    self._revision(change)
                else:
                    assert isinstance(change, BlockSummary)
                    self._block(change)
            self._progress(batch)
            self._commit()
        except KafkaException as error:
            raise self._failure("the batch was not delivered", error) from error

    def deliver_state(self, items: Iterable[RevisionChange | Tombstone]) -> None:
        """Write to `current` alone, in transactions that do not move the position."""
        remaining = iter(items)
        while chunk := list(islice(remaining, _STATE_CHUNK)):
            for item in chunk:
                self._table(item.table)
            try:
                self._begin()
                for item in chunk:
                    self._state(item)
                self._commit()
            except KafkaException as error:
                raise self._failure("the state was not delivered", error) from error

    def close(self) -> None:
        """Drop the producer; what it had not committed is aborted by the next one's start."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def _make_ready(self, batch: Batch) -> None:
        """Make all topics before the transaction begins: that takes a while for new ones."""
        for change in batch.changes:
            if type(change) is RevisionChange and change.table not in self._tables:
                self._table(change.table)
        self._topics.ready(Kind.BLOCKS)

    def _table(self, table: str) -> "_Table":
        found = self._tables.get(table)
        if found is None:
            current, partitions = self._topics.ready(Kind.CURRENT, table)
            history, others = self._topics.ready(Kind.HISTORY, table)
            found = self._tables[table] = _Table(
                self._make_encoder(table), current, partitions, history, others
            )
        return found

    def _begin(self) -> None:
        assert self._producer is not None
        self._producer.begin_transaction()

    def _revision(self, change: RevisionChange) -> None:
        table = self._tables[change.table]
        try:
            encoded = table.encoder.encode(change)
        except Misfit as misfit:
            self._park(change, str(misfit))
            return
        headers: _Headers = [
            (SEQUENCE_HEADER, b"%d:%d" % (change.sequence_number, change.entry_index)),
            (HASH_HEADER, change.hash.encode()),
        ]
        hashed = crc32(change.document_id.encode())
        value = encoded.value
        self._send(
            table.current,
            None if change.operation == "DELETE" else value,
            encoded.current_key,
            hashed % table.partitions,
            headers,
        )
        self._send(
            table.history, value, encoded.history_key, hashed % table.history_partitions, headers
        )

    def _state(self, item: RevisionChange | Tombstone) -> None:
        table = self._tables[item.table]
        partition = crc32(item.document_id.encode()) % table.partitions
        if isinstance(item, Tombstone):
            self._send(table.current, None, table.encoder.current_key(item.document_id), partition)
            return
        try:
            encoded = table.encoder.encode(item)
        except Misfit:
            return  # it was parked when it was written
        headers: _Headers = [
            (SEQUENCE_HEADER, b"%d:%d" % (item.sequence_number, item.entry_index)),
            (HASH_HEADER, item.hash.encode()),
        ]
        self._send(table.current, encoded.value, encoded.current_key, partition, headers)

    def _block(self, summary: BlockSummary) -> None:
        topic, _ = self._topics.ready(Kind.BLOCKS)
        key = str(summary.block.sequence_number).encode()
        for part in summaries(summary, self._ledger):
            self._send(topic, orjson.dumps(part), key, 0)

    def _park(self, change: RevisionChange, reason: str) -> None:
        topic, _ = self._topics.ready(Kind.PARKED)
        key, value = parked(change, self._ledger, reason)
        self._send(topic, value, key, 0)
        _log.warning(
            "revision parked",
            table=change.table,
            document_id=change.document_id,
            version=change.version,
            reason=reason,
        )

    def _progress(self, batch: Batch) -> None:
        topic, _ = self._topics.ready(Kind.PROGRESS)
        for key, value in progress_records(
            self._name, batch.progress, with_tables=batch.tables_changed
        ):
            self._send(topic, value, key, 0)

    def _send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes,
        partition: int,
        headers: _Headers | None = None,
    ) -> None:
        assert self._producer is not None
        while True:
            try:
                self._producer.produce(topic, value, key, partition, headers=headers)
            except BufferError:
                self._producer.poll(0.05)
            else:
                return

    def _commit(self) -> None:
        """Send everything and end the transaction; asks again as long as the client says that helps.

        A call that waits while the producer is fenced never returns; the next one says so at once.
        """
        assert self._producer is not None
        deadline = monotonic() + _COMMIT_SECONDS
        while True:
            try:
                self._producer.commit_transaction(_COMMIT_ATTEMPT_SECONDS)
            except KafkaException as exception:
                error = error_of(exception)
                if error is None or not error.retriable() or monotonic() > deadline:
                    raise
            else:
                return

    def _failure(self, what: str, exception: KafkaException) -> LedgerError:
        """What the caller may act on; the producer is not used again."""
        error = self._cause(error_of(exception))
        self.close()
        if error is not None and error.code() in _FENCED:
            return ConflictError(
                f"exporter {self._name!r} was started somewhere else, or hung for more than "
                f"{TRANSACTION_SECONDS} s: {error.str()}",
                hint="one process exports under one name; nothing of its batch was delivered",
            )
        if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return ConfigurationError(
                f"a record is larger than its topic allows: {error.str()}",
                hint="raise max.message.bytes of the topics and of the brokers to 8388608",
            )
        if error is not None and error.code() in _FORBIDDEN:
            return ConfigurationError(
                f"{what}: {error.str()}",
                hint=f"this principal needs WRITE on transactional id {self._transactional_id} and on "
                "the stream topics",
            )
        return unavailable(what, exception)

    def _note(self, error: KafkaError) -> None:
        """Remember why the producer died: it may be told between two batches."""
        if error.fatal():
            self._fatal = error

    def _cause(self, error: KafkaError | None) -> KafkaError | None:
        """Why a producer died: its calls may say only that it did, or that they wait; its events tell.

        Taken for a passing trouble, being fenced would be answered by fencing the successor.
        """
        deadline = monotonic() + _EVENT_SECONDS
        while self._fatal is None and self._producer is not None and monotonic() < deadline:
            if error is not None and error.code() in _FENCED:
                return error
            try:
                self._producer.poll(0.05)
            except KafkaException as exception:
                told = error_of(exception)
                if told is not None and told.fatal():
                    self._fatal = told
        return self._fatal or error


class _Table:
    """What is known of a table's topics."""

    __slots__ = ("current", "encoder", "history", "history_partitions", "partitions")

    def __init__(
        self, encoder: TableEncoder, current: str, partitions: int, history: str, others: int
    ) -> None:
        self.encoder, self.current, self.partitions = encoder, current, partitions
        self.history, self.history_partitions = history, others


_FORBIDDEN: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)
