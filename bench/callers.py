"""Callers: threads that call something over and over, each timed."""

import threading
import time
from array import array
from collections.abc import Callable
from typing import Final

from bench.measure import Sample

Call = Callable[[int, int], object]
"""Called with (caller, number of the call); its end is the acknowledgement."""

_START_SECONDS: Final = 30


class _Caller(threading.Thread):
    """One caller; `error` is what ended it too early."""

    def __init__(
        self, call: Call, caller: int, start: threading.Barrier, seconds: float, count: int | None
    ) -> None:
        super().__init__(name=f"caller-{caller}", daemon=True)
        self.latencies = array("d")
        self.begun = self.ended = 0.0
        self.error: BaseException | None = None
        self._call, self._caller, self._barrier = call, caller, start
        self._seconds, self._count = seconds, count

    def run(self) -> None:
        """Call until time or count is up."""
        try:
            self._barrier.wait(_START_SECONDS)
            self.begun = self.ended = time.perf_counter()
            self._call_repeatedly()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self.error = error

    def _call_repeatedly(self) -> None:
        call, caller, note, clock = (
            self._call,
            self._caller,
            self.latencies.append,
            time.perf_counter,
        )
        stop, number, start = self.begun + self._seconds, 0, self.begun
        while start < stop and number != self._count:
            call(caller, number)
            number += 1
            end = clock()
            note(end - start)
            start = end
        self.ended = start


def drive(
    call: Call, *, callers: int, seconds: float = float("inf"), count: int | None = None
) -> Sample:
    """Let threads call for so many seconds, or each `count` times.

    Raises:
        Exception: What the first call that failed raised.
    """
    barrier = threading.Barrier(callers)
    threads = [_Caller(call, caller, barrier, seconds, count) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for thread in threads:
        if thread.error is not None:
            raise thread.error
    latencies = array("d")
    for thread in threads:
        latencies.extend(thread.latencies)
    begun = min(thread.begun for thread in threads)
    ended = max(thread.ended for thread in threads)
    return Sample(count=len(latencies), seconds=ended - begun, latencies=latencies)
