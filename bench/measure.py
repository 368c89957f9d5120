"""Samples and what is said of them. Pure: no clock, no threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one target did in one turn.

    Attributes:
        count: Calls that ended.
        seconds: From the first call's start to the last one's end.
        latencies: Seconds of each call, in any order; empty where nobody took them.
    """

    count: int
    seconds: float
    latencies: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One figure of the report.

    Attributes:
        rate: Per second.
        p50_ms, p99_ms: None where latencies were not taken.
    """

    rate: float
    p50_ms: float | None = None
    p99_ms: float | None = None


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the ordered values lie (nearest rank).

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5), percentile([1.0, 2.0, 3.0, 4.0], 0.99)
    (3.0, 4.0)
    """
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def point_of(sample: Sample) -> Point:
    """Rate and percentiles of one sample.

    >>> point_of(Sample(count=2, seconds=0.5, latencies=[0.003, 0.001]))
    Point(rate=4.0, p50_ms=3.0, p99_ms=3.0)
    """
    rate = sample.count / sample.seconds
    if not sample.latencies:
        return Point(rate=rate)
    ordered = sorted(sample.latencies)
    return Point(
        rate=rate,
        p50_ms=percentile(ordered, 0.50) * 1000,
        p99_ms=percentile(ordered, 0.99) * 1000,
    )


def median_point(samples: Sequence[Sample]) -> Point:
    """The median of each figure over several turns: a turn that was disturbed does not count.

    >>> turns = [Sample(count=n, seconds=1.0) for n in (100, 10, 110)]
    >>> median_point(turns).rate
    100.0
    """
    points = [point_of(sample) for sample in samples]
    return Point(
        rate=median(point.rate for point in points),
        p50_ms=_median([point.p50_ms for point in points]),
        p99_ms=_median([point.p99_ms for point in points]),
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
