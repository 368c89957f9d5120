"""A cursor over the topic: one consumer, assigned by hand, no group.

`poll` returns as soon as there is one record and `consume` then takes what else has come, so a record
that arrives alone is not kept waiting for others. The wait is cut into slices, because a control record
(the end of a stranger's transaction) moves the position without being returned: whoever reads up to an
end offset must see that.

The consumer starts with the leader epoch of the last record read before, if the caller knows it. The
brokers then notice when that part of the log was cut off and written anew, and so do we, by
JournalReplacedError. Without the epoch only the bytes tell.
"""

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from journal.errors import JournalReplacedError, LogUnavailableError
from journal.kafka.failures import checked_options, unavailable
from journal.kafka.settings import Cluster, reader_settings
from journal.log import Position, Record

_SLICE_SECONDS: Final = 0.1
_REPLACED: Final = frozenset(
    {KafkaError._AUTO_OFFSET_RESET, KafkaError._LOG_TRUNCATION, KafkaError.OFFSET_OUT_OF_RANGE}  # noqa: SLF001
)
_CUT_OFF: Final = frozenset(
    {KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION, KafkaError._SSL}  # noqa: SLF001
)


class KafkaReader:
    """Reads one topic from one position on; for one thread."""

    def __init__(
        self, cluster: Cluster, topic: str, start: Position, *, gather: bool = False
    ) -> None:
        """Connects in the background; `read` is where failures show. `gather`: see `reader_settings`."""
        self._topic = topic
        self._offset = start.offset
        self._trouble: KafkaError | None = None
        self._replaced: KafkaError | None = None
        with checked_options():
            self._consumer: Consumer | None = Consumer(
                {**reader_settings(cluster, gather=gather), "error_cb": self._note}
            )
        self._partition = TopicPartition(topic, 0, start.offset, leader_epoch=start.epoch)
        self._consumer.assign([self._partition])

    def read(self, *, timeout: float, limit: int = 1000) -> Sequence[Record]:
        """Next records; about 64 MiB at most.

        Also comes back, with nothing, when the position moved over control records.

        Raises:
            LogUnavailableError: Nothing came in time, and the brokers cannot be reached or refuse.
            JournalReplacedError: The log was cut off below the position, or does not reach it.
        """
        deadline = monotonic() + timeout
        before = self.position()
        self._trouble = None
        while True:
            remaining = deadline - monotonic()
            records = self._take(min(max(remaining, 0.0), _SLICE_SECONDS), limit)
            if records or self.position() > before:
                return records
            self._raise_if_replaced()
            if remaining <= 0:
                self._raise_if_cut_off()
                return records

    def position(self) -> int:
        """The offset after the last record or control record this cursor has passed."""
        if self._consumer is not None:
            reached = self._consumer.position([self._partition])[0].offset
            self._offset = max(self._offset, reached)
        return self._offset

    def close(self) -> None:
        """Free the consumer; closing twice is fine."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _take(self, timeout: float, limit: int) -> list[Record]:
        if self._consumer is None:
            raise LogUnavailableError("the cursor is closed")
        try:
            first = self._consumer.poll(timeout)
            more = self._consumer.consume(limit - 1, 0) if first is not None and limit > 1 else []
        except KafkaException as error:
            raise unavailable(f"{self._topic} cannot be read", error) from error
        return [] if first is None else self._records_in([first, *more])

    def _records_in(self, messages: "Iterable[Message[bytes, bytes]]") -> list[Record]:
        records = []
        for message in messages:
            error = message.error()
            if error is None:
                records.append(_record(message))
            elif error.code() in _REPLACED:
                self._replaced = error
            else:
                self._trouble = error
        return records

    def _note(self, error: KafkaError) -> None:
        if error.code() in _CUT_OFF:
            self._trouble = error

    def _raise_if_replaced(self) -> None:
        if self._replaced is not None:
            raise JournalReplacedError(
                f"{self._topic} no longer goes on at offset {self._offset}: {self._replaced.str()}",
                hint="the topic was cut off, or deleted and made anew; find out before you go on",
            )

    def _raise_if_cut_off(self) -> None:
        if self._trouble is not None:
            raise unavailable(f"{self._topic} cannot be read", self._trouble)


def _record(message: "Message[bytes, bytes]") -> Record:
    offset, epoch = message.offset(), message.leader_epoch()
    return Record(
        offset=-1 if offset is None else offset,
        value=message.value() or b"",
        epoch=-1 if epoch is None else epoch,
    )
