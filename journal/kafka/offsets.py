"""First and end offset of the topic, asked on a handle that does nothing else.

On the handle of a tailing cursor the question would wait behind the cursor's long poll (half a second),
or for ever from another thread. Here it is one round trip to the partition's leader, and nothing that was
acknowledged before it was sent can be missing in the answer: a new leader refuses to say where the end is
until it knows.
"""

from threading import Lock
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from journal.errors import LogUnavailableError
from journal.kafka.failures import checked_options, is_transient, persistently, unavailable
from journal.kafka.settings import Cluster, offset_settings

_TURN_SECONDS: Final = 8.0
_ATTEMPT_SECONDS: Final = 2.0


class OffsetHandle:
    """Asks for offsets; from any thread, one at a time."""

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self._cluster, self._topic = cluster, topic
        self._partition = TopicPartition(topic, 0)
        self._lock = Lock()
        self._consumer: Consumer | None = self._make_consumer()

    def ask(self) -> tuple[int, int]:
        """First offset, and the one after the last.

        Raises:
            LogUnavailableError: No answer within 10 s, or no turn within 8 s behind other callers.
        """
        if not self._lock.acquire(timeout=_TURN_SECONDS):
            raise LogUnavailableError(
                f"offsets of {self._topic}: another question has no answer yet"
            )
        try:
            return self._ask()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Free the handle; closing twice is fine."""
        with self._lock:
            if self._consumer is not None:
                self._consumer.close()
                self._consumer = None

    def _ask(self) -> tuple[int, int]:
        try:
            return persistently(self._attempt)
        except KafkaException as error:
            raise unavailable(f"offsets of {self._topic} cannot be read", error) from error

    def _attempt(self) -> tuple[int, int]:
        """Ask once. A handle may stay for long with a leader that is gone, so each failure costs it."""
        if self._consumer is None:
            raise LogUnavailableError("the log is closed")
        # Nothing comes back, but error events that have piled up are dropped.
        self._consumer.poll(0)
        try:
            return self._watermarks(self._consumer)
        except KafkaException as error:
            if is_transient(error):
                self._consumer.close()
                self._consumer = self._make_consumer()
            raise

    def _watermarks(self, consumer: Consumer) -> tuple[int, int]:
        answer = consumer.get_watermark_offsets(
            self._partition, timeout=_ATTEMPT_SECONDS, cached=False
        )
        # None on a time-out, whatever the type annotation says.
        if not answer:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
        return answer

    def _make_consumer(self) -> Consumer:
        with checked_options():
            return Consumer(offset_settings(self._cluster))
