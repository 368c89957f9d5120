"""Values to index ranges: every document that equals a value is in one of its ranges."""

import datetime
from decimal import Decimal
from itertools import product

import pytest

from journal.values import MISSING, Bag, Symbol, Time, Timestamp
from materializer.partiql.compile.conditions import compared
from materializer.partiql.compile.keys import (
    exact_prefix,
    key_ranges,
    prefix_ends,
    range_ends,
)
from materializer.partiql.operators.kinds import equality
from materializer.partiql.operators.reject import permissive
from materializer.partiql.view import KeyRange
from materializer.store.keys import AFTER, kind_range, part_of

VALUES = [
    None, MISSING, True, False, 0, 1, -5, 1.0, 0.1, Decimal("0.1"), Decimal("1.0"), float("nan"),
    float("inf"), datetime.date(2026, 1, 1), datetime.date(2026, 1, 2), datetime.time(10),
    Time("10:00:00.0"), Time("12:00:00+02:00"), Timestamp("2026T"), Timestamp("2026-01-01T00:00Z"),
    Timestamp("2026-01-02T00:30+00:30"), datetime.datetime(2026, 1, 1, 5, tzinfo=datetime.UTC), "",
    "a", "ab", Symbol("a"), "\U0010ffff", b"", b"a", [], [1], [1.0], Bag([1, 2]), Bag([2, 1]), {},
    {"a": 1}, {"a": Decimal(1)},
]  # fmt: skip


def holds(ranges: list[KeyRange], value: object) -> bool:
    """Whether a key is in one of the ranges, as the store reads them."""
    return any(_in(each, part_of(value)) for each in ranges)


def _in(keys: KeyRange, key: bytes) -> bool:
    if keys.equal:
        return key == part_of(keys.equal[0])
    parts = [part_of(end[0]) for end in (keys.low, keys.high) if end is not None]
    low, high = kind_range(parts[0])
    if keys.low is not None:
        low = part_of(keys.low[0]) + (b"" if keys.low[1] else AFTER)
    if keys.high is not None:
        high = part_of(keys.high[0]) + (AFTER if keys.high[1] else b"")
    return low <= key < high


def test_an_equal_value_is_always_found():
    for wanted, stored in product(VALUES, repeat=2):
        if equality(wanted, stored) is True:
            assert holds(key_ranges([wanted], None), stored), (wanted, stored)


@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">="])
def test_a_value_in_a_range_is_always_found(symbol):
    for bound, stored in product(VALUES, repeat=2):
        if compared(symbol, stored, bound, permissive) is True:
            end = (bound, symbol in ("<=", ">="))
            low, high = (end, None) if symbol in (">", ">=") else (None, end)
            ends = list(range_ends((low, None), (None, high)))

            assert holds(key_ranges([], ends), stored), (symbol, bound, stored)


@pytest.mark.parametrize("value", [None, MISSING, Decimal("Infinity"), "\ud800"])
def test_what_equals_nothing_stored_is_not_searched_for(value):
    assert key_ranges([value], None) == []


@pytest.mark.parametrize("prefix", ["", "a", "a\U0010ffff", "\U0010ffff", "\ud7ff", "a\x00"])
def test_texts_with_a_prefix_are_in_its_range(prefix):
    low, high = prefix_ends(prefix)
    ranges = [KeyRange(low=low, high=high)]

    assert holds(ranges, prefix)
    assert holds(ranges, prefix + "\U0010ffff")
    assert not prefix or not holds(ranges, "A")


def test_only_values_of_one_key_make_an_exact_prefix():
    assert exact_prefix([1, "a", b"x", True]) == (1, "a", b"x", True)
    assert exact_prefix([datetime.time(1)]) is None
    assert exact_prefix([datetime.date(2026, 1, 1)]) is None
    assert exact_prefix([None]) is None
