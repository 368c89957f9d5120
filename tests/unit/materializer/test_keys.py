"""Index keys against a plain comparison of values."""

import datetime
import decimal
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journal.values import (
    MISSING,
    Bag,
    IonValue,
    Symbol,
    Time,
    Timestamp,
    instant_of,
    time_of_day,
    timestamp_of,
)
from materializer.store.keys import AFTER, key_is_partial, key_of, kind_range, part_of, value_at
from tests.support.strategies import (
    decimals,
    examples,
    floats,
    integers,
    scalars,
    texts,
    times,
    timestamps,
    values,
)

thorough = examples(150)
RANKS = [
    type(MISSING), type(None), bool, (int, float, Decimal), datetime.date, (datetime.time, Time),
    (datetime.datetime, Timestamp), (str, Symbol), bytes, list, dict, IonValue,
]  # fmt: skip


def order_of(value: Any) -> tuple[Any, ...]:
    """What the order of keys means, in Python's own comparisons (exact between numbers of all types)."""
    kinds = [kind if isinstance(kind, tuple) else (kind,) for kind in RANKS]
    rank = next(rank for rank, types in enumerate(kinds) if type(value) in types)
    match value:
        case bool():
            return rank, value
        case int() | float() | Decimal():
            return (rank, 0, 0) if value != value else (rank, 1, value)  # noqa: PLR0124
        case datetime.datetime() | Timestamp():
            return rank, instant_of(value)
        case datetime.time() | Time():
            return rank, time_of_day(value)
        case datetime.date() | str() | bytes():
            return rank, value
        case Symbol() | IonValue():
            return rank, value.text
        case list():
            return rank, [order_of(item) for item in value]
        case dict():
            return rank, sorted((name, order_of(item)) for name, item in value.items())
    return (rank,)


def sign(left: Any, right: Any) -> int:
    return (left > right) - (left < right)


def assert_in_order(left: Any, right: Any) -> None:
    left_key, right_key = part_of(left), part_of(right)
    expected = sign(order_of(left), order_of(right))

    assert expected == sign(left_key, right_key)
    if expected:
        assert not left_key.startswith(right_key)
        assert not right_key.startswith(left_key)


numbers = st.one_of(integers, floats, decimals)
parts = st.one_of(
    scalars, st.lists(scalars, max_size=2), st.dictionaries(texts, scalars, max_size=2)
)
near = st.one_of(integers, floats.filter(lambda number: abs(number) < 1e300)).flatmap(
    lambda number: st.sampled_from([number, Decimal(number), float(number)])
)


@thorough
@given(numbers, numbers)
@example(0.1, Decimal("0.1"))
@example(2**53, float(2**53))
@example(2**53 + 1, float(2**53))
@example(0, -0.0)
@example(Decimal("-0E+5"), 0)
@example(float("-inf"), -(10**400))
@example(float("nan"), float("-inf"))
@example(Decimal("1E+90000"), float("inf"))
def test_numbers_of_all_types_share_one_exact_order(left, right):
    assert_in_order(left, right)
    assert_in_order(left, -right)


@thorough
@given(near, st.sampled_from([Decimal(0), Decimal("1e-30"), Decimal("-1e-30")]))
def test_numbers_that_are_nearly_equal_are_told_apart(number, difference):
    exact = decimal.Context(prec=400)

    assert_in_order(number, exact.add(Decimal(number), difference))


@thorough
@given(texts, texts)
@example("a", "a\x00")
@example("a\x00", "a\x01")
@example("a\x00\x01", "a\x00\xff")
@example("\uffff", "\U00010000")
@example("", "\x00")
def test_texts_sort_by_code_points(left, right):
    assert_in_order(left, right)
    assert_in_order(Symbol(left), right)


@thorough
@given(st.binary(max_size=6), st.binary(max_size=6))
@example(b"\x00", b"\x00\xff")
@example(b"", b"\x00\x01")
def test_bytes_sort_as_bytes(left, right):
    assert_in_order(left, right)


@thorough
@given(timestamps, timestamps)
@example(timestamp_of("2026-11-23T18:00:00Z"), timestamp_of("2026-11-23T19:00:00+01:00"))
@example(timestamp_of("2026T"), timestamp_of("2026-01-01T00:00:00.000Z"))
@example(timestamp_of("1969-12-31T23:59:59.9Z"), timestamp_of("1970-01-01T00:00:00Z"))
@example(Timestamp("2026-01-01T00:00:00." + "0" * 40 + "1Z"), timestamp_of("2026-01-01T00:00:00Z"))
def test_timestamps_sort_by_instant(left, right):
    assert_in_order(left, right)


@thorough
@given(times, times)
@example(Time("18:00:00.00"), datetime.time(18))
@example(datetime.time(18), Time("19:00:00-00:00"))
@example(Time("00:30:00+01:00"), datetime.time(0))
def test_times_sort_by_their_moment_of_a_day_in_utc(left, right):
    assert_in_order(left, right)


@examples(100)
@given(values, values)
@example([], [[]])
@example([1], [1, None])
@example({"a": 1}, {"a": 1, "b": None})
@example({"a\x00": 1}, {"a": 1})
@example({}, [])
@example(IonValue("x"), {"z": 1})
def test_any_two_values_sort_as_their_plain_order_says(left, right):
    assert_in_order(left, right)
    assert_in_order([left, right], [left])
    assert_in_order({"a": left}, {"a": right})


@examples(120)
@given(st.lists(parts, min_size=2, max_size=2), st.lists(parts, min_size=2, max_size=2))
def test_a_composite_key_sorts_by_its_parts_in_turn(left, right):
    fields = ("a", "b")
    paths = [(field,) for field in fields]
    left_key = key_of(dict(zip(fields, left, strict=True)), paths)
    right_key = key_of(dict(zip(fields, right, strict=True)), paths)

    assert sign([order_of(v) for v in left], [order_of(v) for v in right]) == sign(
        left_key, right_key
    )


@examples(120)
@given(parts, parts, parts)
def test_all_keys_that_begin_with_a_part_lie_between_it_and_after_it(first, other, second):
    part, key = part_of(first), part_of(other) + part_of(second)

    assert (part <= key < part + AFTER) == (order_of(first) == order_of(other))


@examples(120)
@given(parts, parts)
def test_a_kind_range_holds_exactly_the_values_of_that_kind(value, other):
    low, high = kind_range(part_of(value))

    assert low <= part_of(value) < high
    assert (low <= part_of(other) < high) == (order_of(value)[0] == order_of(other)[0])


def test_kinds_stand_in_this_order():
    one_of_each = [
        MISSING, None, False, True, float("nan"), -1, 0, 0.5, datetime.date(2026, 1, 1), datetime.time(1),
        timestamp_of("1970-01-01T00:00:00Z"), "", "a", b"", [], [MISSING], {}, IonValue("(a)"),
    ]  # fmt: skip

    keys = [part_of(value) for value in one_of_each]

    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (MISSING, "01"),
        (None, "02"),
        (True, "0301"),
        (float("nan"), "0400"),
        (float("-inf"), "0401"),
        (-12, "0402 7ffffffd f2 ff"),
        (0, "0403"),
        (12, "0404 80000002 0d 00"),
        (1.5, "0404 80000001 10 00"),
        (Decimal("0.00123"), "0404 7ffffffe 0d1f 00"),
        (float("inf"), "0405"),
        (datetime.date(2026, 11, 23), "05 323032362d31312d3233"),
        (datetime.time(0, 0, 1), "06 04 80000001 0b 00"),
        (timestamp_of("1970-01-01T00:00:01Z"), "07 04 80000001 0b 00"),
        ("a\x00", "08 61 00ff 0001"),
        (b"\xff", "09 ff 0001"),
        ([True], "0a 01 0301 00"),
        ({"b": None, "a": True}, "0b 01 61 0001 0301 01 62 0001 02 00"),
        (IonValue("x"), "0c 78 0001"),
    ],
)
def test_a_value_has_these_bytes(value, key):
    assert key.replace(" ", "") == part_of(value).hex()


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, True), (0, False), ("1", 1), (b"a", "a"), (datetime.date(1970, 1, 1),
     timestamp_of("1970-01-01")),
     (MISSING, None), ([], {})],
)  # fmt: skip
def test_values_of_different_kinds_never_share_a_key(left, right):
    assert part_of(left) != part_of(right)


def test_the_decimal_context_of_the_caller_changes_no_key():
    samples = [10**40 + 1, 0.1, Decimal("1." + "3" * 40), timestamp_of("2026-11-23T18:00:00.123456Z"),
               Time("18:00:00.123456789")]  # fmt: skip
    expected = [part_of(value) for value in samples]

    with decimal.localcontext(prec=2, Emax=3, Emin=-3, traps=[decimal.Inexact]):
        assert expected == [part_of(value) for value in samples]


@pytest.mark.parametrize("digits", [599, 600, 601, 4299, 4300, 4301, 10_000])
def test_an_integer_of_any_length_has_a_key(digits):
    number = 10**digits

    assert part_of(number - 1) < part_of(number) < part_of(number + 1)
    assert part_of(-number - 1) < part_of(-number) < part_of(1 - number)


def test_a_number_far_beyond_what_documents_hold_is_still_compared():
    """A query may compute or be given one; it is larger (or smaller) than all that is stored."""
    assert part_of(Decimal("1e100000")) < part_of(Decimal("1e999999999999")) < part_of(float("inf"))
    assert part_of(Decimal("1e-100000")) > part_of(Decimal("1e-999999999999")) > part_of(0)


def test_what_no_document_holds_has_no_key():
    with pytest.raises(TypeError, match="no stored value"):
        part_of(object())


def test_a_bag_has_the_key_of_a_list():
    assert part_of(Bag([1])) == part_of([1])


def test_a_key_takes_its_parts_from_paths():
    document = {"a": {"b": 1}, "c": "x"}

    assert part_of(1) + part_of("x") == key_of(document, [("a", "b"), ("c",)])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("a",), {"b": None}),
        (("a", "b"), None),
        (("x",), MISSING),
        (("a", "x"), MISSING),
        (("a", "b", "c"), MISSING),
        (("list", "0"), MISSING),
        (("text", "length"), MISSING),
    ],
)
def test_a_path_leads_to_a_value_or_to_missing(path, value):
    document = {"a": {"b": None}, "list": [1], "text": "x"}

    assert value_at(document, path) == value


@pytest.mark.parametrize(
    ("document", "partial"),
    [({"a": 1, "b": 2}, False), ({"a": 1}, True), ({"a": 1, "b": None}, True), ({"a": [None],
     "b": ""}, False),
     ({}, True)],
)  # fmt: skip
def test_a_key_is_partial_if_a_part_is_null_or_missing(document, partial):
    assert partial == key_is_partial(document, [("a",), ("b",)])
