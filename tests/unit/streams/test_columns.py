"""Declared columns: what fits, what it becomes, and what is parked."""

import base64
import datetime
from decimal import Decimal

import pytest

from journal import document
from journal.errors import SettingsError
from journal.values import Symbol, Time, Timestamp
from streams.columns import Column, Misfit, columns_of, kind_of, values_of

UTC = datetime.UTC
MOMENT = datetime.datetime(2026, 11, 23, 18, 0, 0, 123_000, UTC)


def taken(kind: str, value: object) -> object:
    """A value through a column of a type."""
    return values_of(document.encode({"f": value}), [Column("f", kind_of(kind))])[0]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "x", "x"),
        ("string", Symbol("red"), "red"),
        ("string", Decimal("10.50"), "10.50"),
        ("string", Timestamp("2026T"), "2026T"),
        ("int", 7, 7),
        ("int", 2**63 - 1, 2**63 - 1),
        ("int", -(2**63), -(2**63)),
        ("float", 1.5, 1.5),
        ("float", 2.0, 2.0),
        ("float", 3, 3.0),
        ("bool", True, True),
        ("decimal(2)", Decimal("10.50"), b"\x04\x1a"),
        ("decimal(2)", Decimal("10.5"), b"\x04\x1a"),
        ("decimal(2)", -1, b"\x9c"),
        ("decimal(0)", Decimal(0), b"\x00"),
        ("decimal(1)", Decimal("12.8"), b"\x00\x80"),
        ("timestamp", MOMENT, 1795456800123),
        ("timestamp", Timestamp("1969-12-31T23:59:59.999Z"), -1),
        ("timestamp(6)", MOMENT.replace(microsecond=123_456), 1795456800123456),
        ("date", datetime.date(1970, 1, 2), 1),
        ("time", datetime.time(1, 0, 0, 5000), 3_600_005),
        ("time", Time("18:00:00.12"), 64_800_120),
        ("bytes", b"\x00\xff", b"\x00\xff"),
        ("json", {"a": [Decimal("1.0"), None]}, '{"a":["1.0",null]}'),
        ("json", "x", '"x"'),
        ("int", None, None),
    ],
)
def test_a_value_that_fits(kind: str, value: object, expected: object) -> None:
    found = taken(kind, value)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 7),
        ("string", True),
        ("string", "a\x00b"),
        ("int", 2**63),
        ("int", 1.0),
        ("int", True),
        ("int", "7"),
        ("float", 2**53 + 1),
        ("float", float("nan")),
        ("float", float("inf")),
        ("float", Decimal("1.5")),
        ("bool", 0),
        ("decimal(2)", Decimal("10.505")),
        ("decimal(2)", 10**36),
        ("decimal(2)", 1.5),
        ("timestamp", "2026-11-23T18:00:00Z"),
        ("timestamp", MOMENT.replace(microsecond=123_456)),
        ("timestamp(6)", Timestamp("2026-11-23T18:00:00.1234567Z")),
        ("date", MOMENT),
        ("time", Time("18:00:00.1234567")),
        ("bytes", "AA=="),
    ],
)
def test_a_value_that_does_not_fit_is_never_bent(kind: str, value: object) -> None:
    with pytest.raises(Misfit, match="'f' is no"):
        taken(kind, value)


def test_a_field_that_is_not_there_is_null() -> None:
    columns = [Column("a", kind_of("int")), Column("b", kind_of("string"))]

    assert columns_of(b'{"a":1}', columns) == {"a": 1, "b": None}


def test_fields_that_begin_with_an_underscore_or_a_dollar_are_found() -> None:
    columns = [Column("_version", kind_of("int")), Column("$x", kind_of("int"))]
    stored = document.encode({"_version": 3, "$x": 4})

    assert columns_of(stored, columns) == {"__version": 3, "$x": 4}


def test_json_has_bytes_in_base64() -> None:
    found = columns_of(document.encode({"b": b"\x00\xff"}), [Column("b", kind_of("bytes"))])

    assert base64.b64decode(found["b"]) == b"\x00\xff"


@pytest.mark.parametrize("stored", [b'{"$decimal":"1"}', b"[1]", b"7"])
def test_a_document_that_is_no_struct_does_not_fit(stored: bytes) -> None:
    with pytest.raises(Misfit, match="no struct"):
        values_of(stored, [Column("a", kind_of("int"))])


@pytest.mark.parametrize("text", ["text", "decimal", "decimal(-1)", "decimal(39)", ""])
def test_an_unknown_type_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="unknown type"):
        kind_of(text)
