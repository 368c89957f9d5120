"""Equality, identity and order of values agree with one another."""

import datetime
from decimal import Decimal
from itertools import product

import pytest

from journal.values import MISSING, Bag, Symbol, Time, Timestamp
from materializer.partiql.operators.kinds import equality, identity, kind_of, order_key, same

IN_ORDER = [
    False, True, float("nan"), float("-inf"), -1, 0.5, Decimal(1), 2, float("inf"),
    datetime.date(2026, 1, 1), datetime.time(1, 0), Time("01:00:00.1"), Timestamp("2026T"),
    datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "", "A", "a", "\U0001f600", b"", b"a", [], [1],
    [1, 2], [2], {}, {"a": 1}, {"a": 2}, {"b": 0}, Bag(), Bag([2, 1]), None,
]  # fmt: skip


def test_values_of_all_kinds_are_in_this_order():
    shuffled = sorted(IN_ORDER, key=repr)

    assert list(map(repr, sorted(shuffled, key=order_key))) == list(map(repr, IN_ORDER))


def test_no_two_of_them_are_equal():
    for a, b in product(IN_ORDER, repeat=2):
        dates = {type(a), type(b)} == {datetime.date, Timestamp}
        expected = a is b or dates
        assert (identity(a) == identity(b)) is expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0), (1, Decimal("1.00")), (0, -0.0), ("a", Symbol("a")), ([1], [1.0]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}), (Bag([1, 2]), Bag([2, 1])), ([None], [MISSING]),
        (Timestamp("2026T"), Timestamp("2026-01-01T00:00Z")), (datetime.time(10), Time("12:00:00+02:00")),
        (datetime.date(2026, 1, 1), Timestamp("2026-01-01T01:00+01:00")), ({"a": MISSING}, {}),
    ],
)  # fmt: skip
def test_equal_values_have_one_identity(left, right):
    assert same(left, right)
    assert identity(left) == identity(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (0, False),
        (1, "1"),
        (0.1, Decimal("0.1")),
        ([1], Bag([1])),
        ({"a": None}, {}),
        ("a", b"a"),
    ],
)
def test_unequal_values_have_two(left, right):
    assert not same(left, right)
    assert identity(left) != identity(right)


def test_equality_with_null_is_unknown():
    assert equality(None, MISSING) is None
    assert equality(MISSING, 1) is MISSING


def test_every_kind_has_a_name():
    assert [kind_of(value) for value in (True, 1, 1.0, Decimal(1), "", [], Bag(), {}, None, MISSING)] == [
        "bool", "int", "float", "decimal", "string", "list", "bag", "struct", "null", "missing",
    ]  # fmt: skip
