"""Ends a worker that stands still, so that its supervisor starts it anew.

```
thread, every second --> event loop: offsets of all partitions --> lag.py: does anything stand still?
   |                        |                                          |
   |                        no answer                                  yes
   |                        +------------------ exit code 75 ----------+
   slept far longer than a second: this process was stopped; its partitions are somebody else's by now
```

A thread, because an agent that blocks the event loop blocks every timer in it, while Faust's own thread
goes on telling Kafka that all is well. The exit is at once (`os._exit`): an orderly end would wait for
what hangs, and `once` copes with a worker that ends at any moment.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

import faust
from faust.types import TP

from journal.ambient import SYSTEM_TIMER, Timer
from journal.events import event_logger
from streams.agents.lag import Partition, Progress, Reading, Stall, observe, stalls

STALLED_EXIT_CODE: Final = 75
"""EX_TEMPFAIL: try again."""

_INTERVAL_SECONDS: Final = 1.0
_log = event_logger("indelible.streams")


class Watch:
    """Watches the worker of one app, from a thread of its own.

    Attributes:
        lease_seconds: A process that was stopped for longer ends.
        stall_seconds: So long may a partition stand still.
    """

    def __init__(
        self,
        app: faust.App,
        *,
        stall_seconds: float,
        lease_seconds: float,
        end: Callable[[], None],
        timer: Timer = SYSTEM_TIMER,
    ) -> None:
        self.stall_seconds, self.lease_seconds = stall_seconds, lease_seconds
        self._app, self._end, self._timer = app, end, timer
        self._progress: Progress = {}
        self._awake: float | None = None

    def start(self) -> None:
        """Watch the event loop that runs now."""
        self._awake = self._timer.monotonic()
        threading.Thread(
            target=self._run, args=(asyncio.get_running_loop(),), name="watch", daemon=True
        ).start()

    def check_lease(self) -> None:
        """End the process if it was stopped for so long that its partitions may be another's.

        A worker is watched from when it is ready; before, nothing has a lease.
        """
        if self._awake is None:
            return
        asleep = self._timer.monotonic() - self._awake
        if asleep > self.lease_seconds:
            _log.critical("this process was stopped; it ends", seconds=round(asleep, 1))
            self._end()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while not loop.is_closed():
            self._timer.sleep(_INTERVAL_SECONDS)
            self.check_lease()
            self._awake = self._timer.monotonic()
            self._look(loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        reading = asyncio.run_coroutine_threadsafe(_read(self._app), loop)
        started = self._timer.monotonic()
        while not reading.done():
            self._timer.sleep(_INTERVAL_SECONDS / 10)
            self._awake = now = self._timer.monotonic()
            if now - started >= self.stall_seconds:
                _log.critical(
                    "the event loop stands still; this worker ends", seconds=now - started
                )
                self._end()
                return
        if reading.cancelled() or reading.exception() is not None:
            return
        now = self._timer.monotonic()
        self._progress = observe(self._progress, reading.result(), now)
        found = stalls(self._progress, now, seconds_max=self.stall_seconds)
        for stall in found:
            _log.critical("a partition stands still; this worker ends", **_fields(stall))
        if found:
            self._end()


def end_at_once() -> None:
    """End this process without waiting for anything."""
    logging.shutdown()
    os._exit(STALLED_EXIT_CODE)


def check_lease(app: Any) -> None:
    """End the process if it was stopped for too long; what is not watched has no lease."""
    watch = _watches.get(app)
    if watch is not None:
        watch.check_lease()


def watch(app: faust.App, watch: Watch) -> None:
    """Have a worker of the app watched from its start on."""
    _watches[app] = watch

    async def start_watching() -> None:
        watch.start()

    app.task(start_watching)


_watches: "WeakKeyDictionary[Any, Watch]" = WeakKeyDictionary()


def _fields(stall: Stall) -> dict[str, Any]:
    return {
        "topic": stall.partition.topic,
        "partition": stall.partition.number,
        "activity": str(stall.activity),
        "offset": stall.offset,
        "seconds": round(stall.seconds, 1),
    }


async def _read(app: faust.App) -> dict[Partition, Reading]:
    """The readings of the partitions that agents read; none while Kafka or recovery shifts them about."""
    consumer = app.consumer
    if app.rebalancing or app.in_recovery:
        return {}
    ours = [tp for tp in consumer.assignment() if app.topics.acks_enabled_for(tp.topic)]
    ends = await consumer.highwaters(*ours)
    return {Partition(tp.topic, tp.partition): await _reading(app, tp, ends[tp]) for tp in ours}


async def _reading(app: faust.App, tp: TP, end: int) -> Reading:
    consumer: Any = app.consumer
    return Reading(
        end=end,
        fetched=await consumer.position(tp) or 0,
        received=consumer.received.get(tp, 0),
        handled=consumer._committed_offset[tp],  # noqa: SLF001 - Faust's only record of a partition's seek
    )
