"""The one place that reads the clock and randomness; everything else takes them as parameters."""

import os
import threading
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
    """`count` bytes from the operating system, drawn some thousands at a time.

    Each call of `os.urandom` lets other threads run, and on the commit path getting the turn back can
    take longer than all the rest of a transaction.
    """
    if count > _POOL_SIZE:
        return os.urandom(count)
    with _pool_lock:
        if len(_pool) < count:
            _pool[:] = os.urandom(_POOL_SIZE)
        drawn = bytes(_pool[-count:]) if count else b""
        del _pool[len(_pool) - count :]
    return drawn


_POOL_SIZE: Final = 8192
_pool = bytearray()
_pool_lock = threading.Lock()


def _forget_pool() -> None:
    """A forked child must not draw what its parent draws."""
    global _pool_lock  # noqa: PLW0603 - the parent's other threads may have held it
    _pool_lock = threading.Lock()
    _pool.clear()


os.register_at_fork(after_in_child=_forget_pool)
