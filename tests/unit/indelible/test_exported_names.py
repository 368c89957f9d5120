"""The documented interface is one list; a change to it is meant."""

import indelible
from journal import errors

NAMES = {
    "BlockAddress",
    "Checkpoint",
    "Ledger",
    "LedgerStatus",
    "Receipt",
    "Result",
    "Rows",
    "Transport",
    "connect",
    # values
    "MISSING",
    "Bag",
    "IonValue",
    "Symbol",
    "Time",
    "Timestamp",
}


def test_exported_names_are_these_and_all_errors() -> None:
    tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.LedgerError)
    }

    assert set(indelible.__all__) == NAMES | tree
    assert len(indelible.__all__) == len(set(indelible.__all__))


def test_exported_names_are_there() -> None:
    assert [name for name in indelible.__all__ if not hasattr(indelible, name)] == []
