"""Aggregates: COUNT, SUM, MIN, MAX, AVG, EVERY, ANY, SOME.

Null and missing are not counted; of no values at all COUNT is 0 and the others are null. AVG of
integers and decimals is a decimal.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Final, Protocol

from journal.values import MISSING, Value
from materializer.partiql.operators import arithmetic
from materializer.partiql.operators.kinds import identity, kind_of, order_key
from materializer.partiql.operators.reject import Reject


class Accumulator(Protocol):
    """Takes values one by one."""

    def add(self, value: Value) -> None:
        """Take a value that is neither null nor missing."""

    def result(self) -> Value:
        """The aggregate of what was taken."""


class Count:
    """COUNT(value)."""

    __slots__ = ("count",)

    def __init__(self, _reject: Reject) -> None:
        self.count = 0

    def add(self, _value: Value) -> None:
        """Count one more."""
        self.count += 1

    def result(self) -> Value:
        """How many."""
        return self.count


class Sum:
    """SUM(value)."""

    __slots__ = ("reject", "total")

    def __init__(self, reject: Reject) -> None:
        self.reject = reject
        self.total: Value = None

    def add(self, value: Value) -> None:
        """Add one number; once a value is none, the sum is missing."""
        if self.total is None:
            self.total = arithmetic.plus(value, self.reject)
        else:
            self.total = arithmetic.add(self.total, value, self.reject)

    def result(self) -> Value:
        """The sum, or null of no values."""
        return self.total


class Average(Sum):
    """AVG(value)."""

    __slots__ = ("count",)

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject)
        self.count = 0

    def add(self, value: Value) -> None:
        """Add one number."""
        super().add(value)
        self.count += 1

    def result(self) -> Value:
        """The mean, or null of no values."""
        total = self.total
        if type(total) is int:
            total = arithmetic.DECIMALS.create_decimal(total)
        return arithmetic.divide(total, self.count, self.reject) if self.count else None


class Extreme:
    """MIN(value) and MAX(value), in the order of ORDER BY."""

    __slots__ = ("best", "key", "largest")

    def __init__(self, *, largest: bool) -> None:
        self.largest = largest
        self.best: Value = None
        self.key: tuple[Value, ...] | None = None

    def add(self, value: Value) -> None:
        """Keep the value if it is the best so far."""
        key = order_key(value)
        if self.key is None or (key > self.key if self.largest else key < self.key):
            self.best, self.key = value, key

    def result(self) -> Value:
        """The best value, or null of none."""
        return self.best


class Logical:
    """EVERY(value), ANY(value), SOME(value)."""

    __slots__ = ("every", "reject", "value")

    def __init__(self, reject: Reject, *, every: bool) -> None:
        self.reject, self.every = reject, every
        self.value: Value = None

    def add(self, value: Value) -> None:
        """Take one boolean."""
        if type(value) is not bool:
            self.value = self.reject(f"EVERY and ANY need booleans, not {kind_of(value)}")
        elif self.value is None:
            self.value = value
        elif self.value is not MISSING:
            self.value = (self.value and value) if self.every else (self.value or value)

    def result(self) -> Value:
        """Whether all, or any, were true; null of none."""
        return self.value


class Distinct:
    """Passes each value on once."""

    __slots__ = ("inner", "limit", "seen")

    def __init__(self, inner: Accumulator, limit: Callable[[int], None]) -> None:
        self.inner, self.limit = inner, limit
        self.seen: set[Hashable] = set()

    def add(self, value: Value) -> None:
        """Take the value if it is new."""
        key = identity(value)
        if key not in self.seen:
            self.seen.add(key)
            self.limit(len(self.seen))
            self.inner.add(value)

    def result(self) -> Value:
        """What the inner aggregate says."""
        return self.inner.result()


AGGREGATES: Final[dict[str, Callable[[Reject], Accumulator]]] = {
    "COUNT": Count,
    "SUM": Sum,
    "AVG": Average,
    "MIN": lambda _reject: Extreme(largest=False),
    "MAX": lambda _reject: Extreme(largest=True),
    "EVERY": lambda reject: Logical(reject, every=True),
    "ANY": lambda reject: Logical(reject, every=False),
    "SOME": lambda reject: Logical(reject, every=False),
}


def aggregate(name: str, values: Value, reject: Reject, *, distinct: bool = False) -> Value:
    """`COLL_name(values)`: the aggregate of one collection.

    >>> aggregate("AVG", [2, 2, 2, 4, None], lambda reason: MISSING)
    Decimal('2.5')
    """
    if values is None or values is MISSING:
        return values
    if not isinstance(values, list):
        return reject(f"COLL_{name} needs a collection, not {kind_of(values)}")
    accumulator = AGGREGATES[name](reject)
    if distinct:
        accumulator = Distinct(accumulator, lambda _count: None)
    _take(accumulator, values)
    return accumulator.result()


def _take(accumulator: Accumulator, values: Iterable[Value]) -> None:
    for value in values:
        if value is not None and value is not MISSING:
            accumulator.add(value)
