"""One producer, one record at a time, and an honest answer for each.

`append` hands the record to librdkafka and then serves its events itself until the delivery report is
there: one thread, no hand-over, and every event that matters arrives inside `append`. While nobody
appends, a thread serves events once a second, so that they do not pile up.

```
produce() refuses          -> LogUnavailableError    it never left this process
report without an error    -> the offset             durable on all in-sync replicas
  but with offset < 0      -> AppendUnknownError     the broker took it for a copy of something old
report: record too large   -> LogUnavailableError    no broker takes it, on no attempt
report with another error  -> AppendUnknownError     an earlier attempt may have arrived
poll() raises, no report   -> AppendUnknownError
```

After anything but a plain success the producer is thrown away for a new one; nothing that is promised
above rests on producer ids. An attempt that is still on its way may then land later: its caller was told
that the outcome is unknown, and the reader rule ignores a block's second copy. Producers are made before
they are needed, because each waits half a second or more for its producer id.
"""

from threading import Event, Lock, Thread
from time import monotonic
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from journal.errors import LogUnavailableError
from journal.kafka.failures import checked_options, unavailable
from journal.kafka.settings import MESSAGE_TIMEOUT_SECONDS, Cluster, producer_settings
from journal.log import AppendUnknownError

_REPORT_SECONDS: Final = MESSAGE_TIMEOUT_SECONDS + 7.0
"""The producer gives up after its time-out plus that of the request that is out by then."""

_IDLE_SECONDS: Final = 1.0


class Appender:
    """Writes to one topic; a second thread waits for the first."""

    def __init__(self, cluster: Cluster, topic: str) -> None:
        """Connects in the background."""
        self._cluster = cluster
        self._topic = topic
        self._lock = Lock()
        self._trouble = ""
        self._producer: Producer | None = self._make_producer()
        self._closing = Event()
        self._idler = Thread(target=self._serve_idle, name="journal-producer", daemon=True)
        self._idler.start()

    def append(self, value: bytes) -> int:
        """Write one record and return its offset.

        Raises:
            LogUnavailableError: It was not written.
            AppendUnknownError: It may have been written.
        """
        with self._lock:
            if self._producer is None:
                raise LogUnavailableError("the log is closed")
            try:
                return self._append(self._producer, value)
            except LogUnavailableError:
                self._producer = self._make_producer()
                raise

    def close(self) -> None:
        """Stop; closing twice is fine."""
        self._closing.set()
        self._idler.join()
        with self._lock:
            self._producer = None

    def _make_producer(self) -> Producer:
        self._trouble = ""
        with checked_options():
            return Producer({**producer_settings(self._cluster), "error_cb": self._note})

    def _append(self, producer: Producer, value: bytes) -> int:
        report = _Report()
        what = f"{self._topic} did not take the record"
        try:
            producer.produce(self._topic, value=value, partition=0, on_delivery=report.deliver)
        except KafkaException as error:
            raise unavailable(what, error) from error
        except BufferError as error:
            raise unavailable(what, "the producer's queue is full") from error
        self._await(producer, report)
        return self._offset_in(report)

    def _await(self, producer: Producer, report: "_Report") -> None:
        deadline = monotonic() + _REPORT_SECONDS
        while not report.arrived:
            remaining = deadline - monotonic()
            if remaining <= 0:
                raise self._unknown(f"no delivery report in {_REPORT_SECONDS:.0f} s")
            try:
                producer.poll(remaining)
            except KafkaException as error:
                if not report.arrived:
                    raise self._unknown(f"the producer failed: {error}") from error

    def _offset_in(self, report: "_Report") -> int:
        error, offset = report.error, report.offset
        if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            raise unavailable(f"{self._topic} did not take the record", error)
        if error is not None:
            raise self._unknown(error.str())
        if offset is None or offset < 0:
            raise self._unknown("acknowledged without an offset")
        return offset

    def _unknown(self, reason: str) -> AppendUnknownError:
        trouble = f" ({self._trouble})" if self._trouble else ""
        return AppendUnknownError(f"{self._topic} may not have taken the record: {reason}{trouble}")

    def _note(self, error: KafkaError) -> None:
        """Remember the last connection error: a plain "timed out" would say nothing."""
        self._trouble = error.str()

    def _serve_idle(self) -> None:
        while not self._closing.wait(_IDLE_SECONDS):
            if self._lock.acquire(blocking=False):
                try:
                    if self._producer is not None:
                        self._producer.poll(0)
                except KafkaException:
                    self._producer = self._make_producer()
                finally:
                    self._lock.release()


class _Report:
    """Where the delivery callback puts what it is told."""

    def __init__(self) -> None:
        self.arrived = False
        self.error: KafkaError | None = None
        self.offset: int | None = None

    def deliver(self, error: KafkaError | None, message: "Message[bytes, bytes]") -> None:
        self.error = error
        self.offset = message.offset()
        self.arrived = True
