import copy
import datetime
import decimal
import pickle
from decimal import Decimal
from typing import Any

import pytest

from journal.values import (
    MISSING,
    Bag,
    Missing,
    Time,
    Timestamp,
    instant_of,
    time_of,
    time_of_day,
    timestamp_of,
    timestamp_text,
)

HOUR = datetime.timezone(datetime.timedelta(hours=1))


def test_missing_is_one_falsy_instance_also_after_copies_and_pickles():
    assert Missing() is MISSING
    assert copy.deepcopy(MISSING) is MISSING
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING
    assert not MISSING


def test_bags_are_equal_in_any_order_and_never_to_a_list():
    assert Bag([1, 2, 2]) == Bag([2, 1, 2])
    assert Bag([1, 2]) != Bag([1, 2, 2])
    assert Bag([1, 1, 2]) != Bag([1, 2, 2])
    assert Bag([1]) != [1]
    assert Bag([1]) != [1]


def test_a_bag_tells_a_bool_from_a_number():
    assert Bag([True]) != Bag([1])


def test_a_bag_cannot_be_hashed():
    with pytest.raises(TypeError):
        hash(Bag())


@pytest.mark.parametrize(
    "text",
    [
        "2026T", "2026-11T", "2026-11-23", "2026-11-23T", "2026-11-23T18:00Z", "2026-11-23T18:00-00:00",
        "2026-11-23T18:00:00.1Z", "2026-11-23T18:00:00.120+01:00", "2026-11-23T18:00:00-00:00",
        "2026-11-23T18:00:00.1234567Z", "2026-11-23T18:00:00.000000+00:00", "0001-01-01T00:00:00+00:00",
    ],
)  # fmt: skip
def test_a_timestamp_that_python_would_write_otherwise_keeps_its_text(text):
    value = timestamp_of(text)

    assert value == Timestamp(text)
    assert timestamp_text(value) == text


@pytest.mark.parametrize(
    "text",
    ["2026-11-23T18:00:00Z", "2026-11-23T18:00:00.123456Z", "9999-12-31T23:59:59.999999-23:59"],
)
def test_a_timestamp_that_python_writes_the_same_way_is_a_datetime(text):
    value = timestamp_of(text)

    assert type(value) is datetime.datetime
    assert timestamp_text(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "2026", "2026-11", "2026-1-1", "0000T", "2026-13T", "2026-02-29", "2026-11-23T18",
        "2026-11-23T18Z",
        "2026-11-23T18:00", "2026-11-23T24:00Z", "2026-11-23T18:60Z", "2026-11-23T18:00:60Z",
        "2026-11-23T18:00:00", "2026-11-23T18:00:00.Z", "2026-11-23T18:00:00+24:00",
        "2026-11-23T18:00:00+01:60", "2026-11-23T18:00:00+0100", "2026-11-23 18:00:00Z",
        "2026-11-23t18:00:00z", "2026-W48-1T18:00:00Z", "2026-11-23T18:00:00,5Z", "2026-11-23\n",
        "٢٠٢٦T", "20261123T180000Z",
    ],
)  # fmt: skip
def test_a_text_that_is_no_ion_timestamp_is_refused(text):
    with pytest.raises(ValueError, match="not a timestamp"):
        timestamp_of(text)


def test_a_datetime_without_an_offset_is_no_point_in_time():
    with pytest.raises(ValueError, match="without an offset"):
        timestamp_text(datetime.datetime(2026, 11, 23))  # noqa: DTZ001


def test_a_datetime_whose_offset_has_seconds_is_refused():
    zone = datetime.timezone(datetime.timedelta(seconds=3601))

    with pytest.raises(ValueError, match="whole minutes"):
        timestamp_text(datetime.datetime(2026, 11, 23, tzinfo=zone))


@pytest.mark.parametrize("text", ["18:00:00", "18:00:00.123456", "18:00:00+01:00"])
def test_a_time_that_python_writes_the_same_way_is_a_time(text):
    assert type(time_of(text)) is datetime.time
    assert time_of(text).isoformat() == text


@pytest.mark.parametrize(
    "text", ["18:00:00.12", "18:00:00.1234567", "18:00:00-00:00", "18:00:00.5+01:00"]
)
def test_another_time_keeps_its_text(text):
    assert time_of(text) == Time(text)


@pytest.mark.parametrize(
    "text", ["", "18", "18:00", "24:00:00", "18:60:00", "18:00:60", "18:00:00Z", "18:00:00.", "T18:00:00",
             "1٨:00:00", "18:00:00+1:00", "18:00:00+24:00", "180000"],
)  # fmt: skip
def test_a_text_that_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="not a time"):
        time_of(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970T", "0"),
        ("1970-02T", "2678400"),
        ("1970-01-02", "86400"),
        ("1970-01-01T00:00-00:00", "0"),
        ("1970-01-01T00:01+00:01", "0"),
        ("1969-12-31T23:59:59.25Z", "-0.75"),
        ("1970-01-01T00:00:00.000001Z", "0.000001"),
        ("0001-01-01T00:00:00+23:59", "-62135683140"),
        ("9999-12-31T23:59:59.999999999-23:59", "253402387139.999999999"),
    ],
)
def test_an_instant_is_seconds_since_1970(text, seconds):
    assert Decimal(seconds) == instant_of(timestamp_of(text))


def test_an_instant_keeps_every_digit():
    digits = "1234567890" * 5

    assert instant_of(Timestamp(f"2026-11-23T18:00:00.{digits}Z")) == Decimal(
        f"1795456800.{digits}"
    )


def test_an_instant_does_not_depend_on_the_decimal_context_of_the_caller():
    exact = timestamp_of("2026-11-23T18:00:00.123456Z")
    expected = instant_of(exact)

    with decimal.localcontext(prec=3, traps=[decimal.Inexact, decimal.Rounded]):
        assert expected == instant_of(exact) == instant_of(Timestamp(timestamp_text(exact)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:00", "0"),
        ("18:00:00", "64800"),
        ("18:00:00.123456", "64800.123456"),
        ("18:00:00.00", "64800.00"),
        ("18:00:00+01:00", "61200"),
        ("00:30:00+01:00", "-1800"),
        ("18:00:00-00:30", "66600"),
    ],
)
def test_a_time_of_day_is_seconds_since_midnight_in_utc(text, seconds):
    assert Decimal(seconds) == time_of_day(time_of(text)) == time_of_day(Time(text))


@pytest.mark.parametrize("text", [5, None, b"2026T", "", "2026", "2026-13-01", "yesterday"])
def test_what_is_no_timestamp_text_is_a_value_error(text: Any) -> None:
    with pytest.raises(ValueError, match="not a timestamp"):
        Timestamp(text)
