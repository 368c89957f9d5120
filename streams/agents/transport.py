"""Faust's Kafka transport: committed records only, and each of a partition's records in its turn.

Two things that Faust does otherwise would cost revisions:

* The exporter writes in Kafka transactions. A reader of uncommitted records, as Faust's workers are, also
  sees what an exporter that died or was replaced never committed.
* After a rebalance Faust wakes the partitions, then seeks to where they were committed, then opens the
  flow to the agents. What is fetched in between is thrown away or delivered out of turn; of a partition
  without a committed offset it never comes again. Here the partitions wake when the flow opens.
"""

from collections.abc import Iterable
from typing import ClassVar

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import ConsumerT


class _CommittedThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no setting for it, and builds the fetcher from this attribute when it starts.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        return consumer


class _CommittedConsumer(driver.Consumer):
    _held: frozenset[TP] = frozenset()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _CommittedThread(self, loop=self.loop, beacon=self.beacon)

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        paused = frozenset(tps)
        self._held -= paused
        super().pause_partitions(paused)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        woken = frozenset(tps)
        sources = frozenset(tp for tp in woken if not self._is_changelog_tp(tp))
        self._held |= sources
        super().resume_partitions(woken - sources)

    def resume_flow(self) -> None:
        held, self._held = self._held, frozenset()
        super().resume_partitions(held & self.assignment())
        super().resume_flow()

    async def perform_seek(self) -> None:
        await super().perform_seek()
        new = [
            tp
            for tp in self.assignment()
            if not self._is_changelog_tp(tp) and self._committed_offset.get(tp) is None
        ]
        if new:
            await self.seek_wait(await self.earliest_offsets(*new))


class CommittedTransport(driver.Transport):
    """Kafka by aiokafka with `isolation.level=read_committed`."""

    Consumer: ClassVar[type[ConsumerT]] = _CommittedConsumer
