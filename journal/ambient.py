"""The one place that reads the clock and randomness; everything else takes them as parameters."""

import os
import time
from collections import deque
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
    """`count` bytes from the operating system; small ones are drawn some hundreds at a time.

    Each call of `os.urandom` lets other threads run, and on the commit path getting the turn back can
    take longer than all the rest of a transaction.
    """
    if count > _PIECE_SIZE:
        return os.urandom(count)
    try:
        return _pieces.pop()[:count]
    except IndexError:
        drawn = os.urandom(_PIECE_SIZE * _PIECES)
        _pieces.extend(drawn[at : at + _PIECE_SIZE] for at in range(0, len(drawn), _PIECE_SIZE))
        return os.urandom(count)


_PIECE_SIZE: Final = 16
_PIECES: Final = 512
_pieces: deque[bytes] = deque()
"""Each is given out once: `pop` is atomic. A forked child must not draw what its parent draws."""

os.register_at_fork(after_in_child=_pieces.clear)
