"""A simulated world for the commit path: one seed decides every fault and every interleaving.

The `World` holds the records; each node has a `FaultyLog` on it, which loses acknowledgements, writes
twice, writes late, stalls, lets strangers and rivals in between, and crashes its node at any of its
calls. Time is virtual. Nothing of the product is replaced: these are its own ports (log, clock, timer,
entropy).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from journal.ambient import Timer
from journal.errors import LogUnavailableError
from journal.log import AppendUnknownError, Position, Record


class Crash(BaseException):
    """The process died here. Not an Exception: nothing may handle it."""


@dataclass
class World:
    """Everything that a seed decides."""

    seed: int
    faults: float = 0.2
    now: int = 1_700_000_000_000_000
    records: list[bytes] = field(default_factory=list)
    late: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def clock(self) -> int:
        """Microseconds that move on by a little at every look."""
        self.now += self.random.choice((1, 50, 2_000))
        return self.now

    def entropy(self, count: int) -> bytes:
        return self.random.randbytes(count)

    def timer(self) -> Timer:
        return Timer(lambda: self.now / 1e6, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1e6) + 1

    def happens(self, probability: float) -> bool:
        return self.random.random() < probability * self.faults

    def deliver_late(self) -> None:
        """Records that were given up for lost arrive after all."""
        while self.late and self.random.random() < 0.5:
            self.records.append(self.late.pop(0))


class FaultyLog:
    """One node's way to the shared records. `before_append` lets others act in between."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.before_append: Callable[[], None] = lambda: None
        self.crash_at: Callable[[str], bool] = lambda place: False

    def identity(self) -> str:
        self._maybe_unavailable("identity")
        return "simulated"

    def start_offset(self) -> int:
        return 0

    def end_offset(self) -> int:
        self._maybe_unavailable("end_offset")
        self.world.deliver_late()
        return len(self.world.records)

    def reader(self, start: Position) -> "FaultyReader":
        return FaultyReader(self, start.offset)

    def append(self, value: bytes) -> int:
        world = self.world
        self._crash("before append")
        self.before_append()
        world.deliver_late()
        if world.happens(0.3):
            raise LogUnavailableError("simulated: not written")
        if world.happens(0.2):
            raise AppendUnknownError("simulated: lost on the way")
        if world.happens(0.2):
            world.late.append(value)
            raise AppendUnknownError("simulated: not confirmed, still on the way")
        if world.happens(0.1):
            world.records.append(world.random.randbytes(world.random.randrange(60)))
        world.records.append(value)
        offset = len(world.records) - 1
        if world.happens(0.2):
            world.records.append(value)
        self._crash("after append")
        if world.happens(0.3):
            raise AppendUnknownError("simulated: acknowledgement lost")
        return offset

    def close(self) -> None:
        pass

    def _maybe_unavailable(self, place: str) -> None:
        self._crash(place)
        if self.world.happens(0.1):
            raise LogUnavailableError(f"simulated: no answer to {place}")

    def _crash(self, place: str) -> None:
        if self.crash_at(place):
            raise Crash(place)


class FaultyReader:
    """Short reads, empty reads, and crashes."""

    def __init__(self, log: FaultyLog, offset: int) -> None:
        self._log, self._offset = log, offset

    def read(self, *, timeout: float, limit: int = 1000) -> Sequence[Record]:
        world = self._log.world
        self._log._maybe_unavailable("read")
        if world.happens(0.2):
            world._sleep(timeout)
            return []
        limit = min(limit, world.random.choice((1, 2, limit)))
        values = world.records[self._offset : self._offset + limit]
        records = [Record(self._offset + i, value) for i, value in enumerate(values)]
        self._offset += len(records)
        return records

    def position(self) -> int:
        return self._offset

    def close(self) -> None:
        pass
