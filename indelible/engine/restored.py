"""Ledgers restored from an export: read-only until somebody says that they replace the original.

A copy that is written while its original is too forks the ledger. So a restored folder holds a mark, and
whoever would write finds it, until `mark_taken_over` was called.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from indelible.files import replace_file
from journal.errors import ConfigurationError

RESTORED_FILE: Final = "restored.json"
_SIZE_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What is known of a restore.

    Attributes:
        taken_over: This copy is the ledger now.
        allow_single_broker, unverified_settings: Accepted for the new topic, whatever the genesis says.
    """

    taken_over: bool = False
    allow_single_broker: bool = False
    unverified_settings: bool = False


def restored_in(folder: Path) -> Restored | None:
    """The mark in a ledger's folder; None where the ledger was not restored.

    Raises:
        ConfigurationError: It cannot be read.
    """
    path = folder / RESTORED_FILE
    try:
        with path.open("rb") as file:
            facts = json.loads(file.read(_SIZE_MAX))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if (
        type(facts) is not dict
        or facts.keys() != asdict(Restored()).keys()
        or any(type(value) is not bool for value in facts.values())
    ):
        raise ConfigurationError(f"{path} is damaged: {facts!r}")
    return Restored(**facts)


def mark_restored(folder: Path, restored: Restored) -> None:
    """Put the mark into a folder; durable when this returns.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        replace_file(folder / RESTORED_FILE, json.dumps(asdict(restored)).encode() + b"\n")
    except OSError as error:
        raise ConfigurationError(f"cannot write {folder}: {error.strerror}") from error


def mark_taken_over(folder: Path) -> bool:
    """Note that this copy is the ledger now; False if that was so before, or it never was a copy."""
    restored = restored_in(folder)
    if restored is None or restored.taken_over:
        return False
    mark_restored(folder, replace(restored, taken_over=True))
    return True


def is_read_only(folder: Path) -> bool:
    """Whether the ledger in a folder is a copy that nobody took over."""
    restored = restored_in(folder)
    return restored is not None and not restored.taken_over


def refuse_read_only(folder: Path) -> None:
    """Refuse to write a copy that nobody took over.

    Raises:
        ConfigurationError: It is one.
    """
    if is_read_only(folder):
        raise ConfigurationError(
            f"the ledger in {folder} is a restored copy: it is read-only, so that it cannot fork "
            "its original",
            hint="open it with read_only=True; or, once the original is given up, "
            "`indelible restore --take-over URL`",
        )
