"""When does a partition stand still? Pure: readings in, verdicts out.

Two things can stop, and each hides the other:

```
end of the partition (last stable offset)     fetched up to           handled up to
------------------------------------------------|----------------------|-----------
        behind, and not moving: fetching stalls     behind, and not moving: handling stalls
```

What is compared is progress, not lag: a worker that is far behind and moves is well; one that is one
record behind and has not moved for a minute is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Activity(StrEnum):
    """What stands still."""

    FETCHING = "fetching"
    HANDLING = "handling"


class Partition(NamedTuple):
    """A partition of a topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Offsets of a partition at one moment; each is that of the next record.

    Attributes:
        end: Behind the last committed record.
        fetched: Everything below was fetched, control records included.
        received: Behind the last record that was given to agents.
        handled: Everything below was handled and committed; None if nothing yet.
    """

    end: int
    fetched: int
    received: int
    handled: int | None


class Stall(NamedTuple):
    """A partition that has not moved for `seconds` although there is something to do."""

    partition: Partition
    activity: Activity
    offset: int
    seconds: float


class Since(NamedTuple):
    """Since when an activity has been at an offset."""

    offset: int
    moment: float


Progress = Mapping[tuple[Partition, Activity], Since]


def observe(
    progress: Progress, readings: Mapping[Partition, Reading], now: float
) -> dict[tuple[Partition, Activity], Since]:
    """The progress after one more round of readings; forgets partitions that are not ours any more.

    >>> place = Partition("t", 0)
    >>> behind = {place: Reading(end=9, fetched=9, received=9, handled=4)}
    >>> first = observe({}, behind, 10.0)
    >>> observe(first, behind, 12.0) == first
    True
    """
    found = {}
    for partition, reading in readings.items():
        for activity, offset in _waiting(reading).items():
            before = progress.get((partition, activity))
            moved = before is None or before.offset != offset
            found[partition, activity] = Since(offset, now) if moved or before is None else before
    return found


def stalls(progress: Progress, now: float, *, seconds_max: float) -> list[Stall]:
    """What has not moved for so long.

    >>> progress = {(Partition("t", 0), Activity.HANDLING): Since(4, 10.0)}
    >>> stalls(progress, 69.0, seconds_max=60)
    []
    >>> stalls(progress, 70.0, seconds_max=60)[0].seconds
    60.0
    """
    return [
        Stall(partition, activity, since.offset, now - since.moment)
        for (partition, activity), since in progress.items()
        if now - since.moment >= seconds_max
    ]


def _waiting(reading: Reading) -> dict[Activity, int]:
    """Where each activity is that has something to do."""
    found = {}
    if reading.fetched < reading.end:
        found[Activity.FETCHING] = reading.fetched
    handled = reading.handled or 0
    if handled < reading.received:
        found[Activity.HANDLING] = handled
    return found
