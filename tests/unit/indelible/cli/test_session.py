"""The URL of a command: given, or from the settings."""

import pytest

from indelible import InputError
from indelible.cli.session import Session
from indelible.settings import Effective, LedgerSettings, Settings


def session(url: str = "") -> Session:
    settings = Settings(ledger=LedgerSettings(url=url))
    return Session(effective=Effective(settings=settings, sources={}))


@pytest.mark.parametrize(
    ("default", "given", "expected"),
    [
        ("", ["file:a", "SELECT 1"], ["file:a", "SELECT 1"]),
        ("file:d", ["file:a", "SELECT 1"], ["file:a", "SELECT 1"]),
        ("file:d", ["SELECT 1", None], ["file:d", "SELECT 1"]),
        ("file:d", [None], ["file:d"]),
        ("file:d", ["t", "f.csv", None], ["file:d", "t", "f.csv"]),
    ],
)
def test_url_comes_first_or_from_the_settings(
    default: str, given: list[str | None], expected: list[str]
) -> None:
    assert session(default).url_and(*given) == expected


@pytest.mark.parametrize(
    ("default", "given", "problem"),
    [
        ("", [None], "which ledger"),
        ("", ["SELECT 1", None], "not a ledger URL"),
        ("file:d", ["x", "SELECT 1"], "not a ledger URL"),
        ("", ["file:a", None], "an argument is missing"),
        ("file:d", ["t", None, None], "an argument is missing"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(
    default: str, given: list[str | None], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        session(default).url_and(*given)
