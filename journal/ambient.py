"""The one place that reads the clock and randomness; everything else takes them as parameters."""

import os
import time
from collections.abc import Callable
from typing import Final, NamedTuple

Clock = Callable[[], int]
"""Gives the time in UTC microseconds since 1970."""

Entropy = Callable[[int], bytes]
"""Gives so many random bytes."""


class Timer(NamedTuple):
    """How time-outs are measured and waited for; a simulation brings its own.

    Attributes:
        monotonic: Seconds since some moment; never goes back.
        sleep: Waits for so many seconds.
    """

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


SYSTEM_TIMER: Final = Timer(time.monotonic, time.sleep)


def system_clock() -> int:
    """Now, in UTC microseconds since 1970."""
    return time.time_ns() // 1000


def system_entropy(count: int) -> bytes:
    """`count` bytes from the operating system."""
    return os.urandom(count)
