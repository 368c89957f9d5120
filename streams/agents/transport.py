"""Faust's Kafka transport: committed records only, and each of a partition's records in its turn.

Two things that Faust does otherwise would cost revisions:

* The exporter writes in Kafka transactions. A reader of uncommitted records, as Faust's workers are, also
  sees what an exporter that died or was replaced never committed.
* After a rebalance Faust wakes the partitions, then seeks to where they were committed, then opens the
  flow to the agents. What is fetched in between is thrown away or delivered out of turn; of a partition
  without a committed offset it never comes again. Here the partitions wake when the flow opens.

A third costs time only. Faust takes the record behind a gap in the offsets (the end of a transaction) for
a part of the gap. Acknowledged, it is there twice, and there a commit stops: it gets past one transaction
only, and whoever takes over begins far back.
"""

from collections.abc import Iterable, MutableMapping
from typing import Any, ClassVar

import aiokafka
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import ConsumerT


class _CommittedThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no setting for it, and builds the fetcher from this attribute when it starts.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        return consumer


class CommittedConsumer(driver.Consumer):
    """Faust's consumer of a worker.

    Attributes:
        received: Behind the last record of each partition that was taken since the last seek.
    """

    received: MutableMapping[TP, int]
    _held: frozenset[TP] = frozenset()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.received = {}

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from them no more."""
        paused = frozenset(tps)
        self._held -= paused
        super().pause_partitions(paused)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from them again: from changelogs at once, from others when the flow is open."""
        woken = frozenset(tps)
        sources = frozenset(tp for tp in woken if not self._is_changelog_tp(tp))
        self._held |= sources
        super().resume_partitions(woken - sources)

    def resume_flow(self) -> None:
        """Open the flow to the agents."""
        held, self._held = self._held, frozenset()
        super().resume_partitions(held & self.assignment())
        super().resume_flow()

    async def perform_seek(self) -> None:
        """Go to where each partition was committed, or to its beginning."""
        await super().perform_seek()
        self.received.clear()
        new = [
            tp
            for tp in self.assignment()
            if not self._is_changelog_tp(tp) and self._committed_offset.get(tp) is None
        ]
        if new:
            await self.seek_wait(await self.earliest_offsets(*new))

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        await super()._add_gap(tp, offset_from, offset_to - 1)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _CommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        # A copy: Faust empties its set while the other thread uses it, and the client takes an empty
        # one for "all". What it then fetches is thrown away.
        active = None if active_partitions is None else set(active_partitions)
        records = await super()._getmany(active, timeout)
        for taken, found in (records or {}).items():
            if found:
                tp = ensure_TP(taken)
                await self._see_gap_behind_0(tp, [record.offset for record in found[:2]])
                self.received[tp] = found[-1].offset + 1
        return records

    async def _see_gap_behind_0(self, tp: TP, offsets: list[int]) -> None:
        """Faust takes "read up to offset 0" for "nothing read", and would commit nothing behind it.

        `offsets` are the first two, or the one, of what was just taken.
        """
        before = [0] if self.received.get(tp) == 1 else []
        first, *others = [*before, *offsets]
        if first == 0 and others and others[0] > 1:
            await self._add_gap(tp, 1, others[0])


class CommittedTransport(driver.Transport):
    """Kafka by aiokafka with `isolation.level=read_committed`."""

    Consumer: ClassVar[type[ConsumerT]] = CommittedConsumer
