"""Declarations of columns in TOML, and one inferred from documents."""

import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from journal import document
from journal.errors import SettingsError
from streams.columns import values_of
from streams.declarations import infer, parse_declarations, read_declarations


def test_columns_are_in_the_order_of_the_file() -> None:
    found = parse_declarations(
        '[tables.vehicles]\nvin = "string"\nprice = "decimal(2)"\n[tables."my cars"]\n_x = "json"\n',
        source="s.toml",
    )

    assert [(c.name, c.kind.name) for c in found["vehicles"]] == [
        ("vin", "string"),
        ("price", "decimal(2)"),
    ]
    assert [c.name for c in found["my cars"]] == ["__x"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tables = [", "not TOML"),
        ("", "declares no columns"),
        ("[other]\na = 1\n", "only tables"),
        ("[tables.a]\n", "has no columns"),
        ("[tables.a]\nx = 1\n", "type in quotes"),
        ('[tables.a]\nx = "varchar"\n', "unknown type"),
        ('[tables.a]\nop = "string"\n', "change event"),
        ('[tables.a]\n\'"\' = "string"\n', "cannot be named in SQL"),
        ('[tables.a]\n"a\\nb" = "string"\n', "cannot be named in SQL"),
        ('[tables.a]\n"" = "string"\n', "cannot be named in SQL"),
        (f'[tables.a]\n{"x" * 64} = "string"\n', "63 bytes"),
        ('[tables.a]\nvin = "string"\nVIN = "string"\n', "only in case"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        parse_declarations(text, source="s.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml"):
        read_declarations(tmp_path / "none.toml")


def test_an_inferred_declaration_fits_what_it_was_inferred_from() -> None:
    moment = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    documents = [
        {
            "vin": "a",
            "n": 1,
            "price": Decimal("10.5"),
            "f": 1,
            "seen": moment,
            "_v": [1],
            "b": b"x",
        },
        {"vin": "b", "n": None, "price": 5, "f": 1.5, "seen": moment.replace(microsecond=1)},
        {"vin": "c", "price": Decimal("0.125"), "odd": 1, "day": datetime.date(2026, 1, 1)},
        {"odd": "x", "big": 2**70, "a b": True, "$d": 2.0},
    ]
    stored = [document.encode(each) for each in documents]

    text = infer("my cars", stored)
    columns = parse_declarations(text, source="inferred")["my cars"]

    assert {c.field: c.kind.name for c in columns} == {
        "vin": "string", "n": "int", "price": "decimal(3)", "f": "float", "seen": "timestamp(6)",
        "_v": "json", "b": "bytes", "odd": "json", "day": "date", "big": "json", "a b": "bool",
        "$d": "float",
    }  # fmt: skip
    for each in stored:
        values_of(each, columns)
