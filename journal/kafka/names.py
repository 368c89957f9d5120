"""Which topic keeps which ledger: `<prefix>.<ledger>.journal`."""

import re
from typing import Final

from journal.errors import InputError

_SUFFIX: Final = ".journal"
_LEGAL: Final = re.compile(r"[A-Za-z0-9._-]+")
_SIZE_MAX: Final = 249


def topic_name(prefix: str, ledger: str) -> str:
    """The topic of a ledger.

    >>> topic_name("indelible", "vehicles")
    'indelible.vehicles.journal'

    Raises:
        InputError: Kafka does not allow such a name.
    """
    topic = f"{prefix}.{ledger}{_SUFFIX}"
    if not (prefix and ledger and _LEGAL.fullmatch(topic) and len(topic) <= _SIZE_MAX):
        raise InputError(
            f"{topic!r} cannot be a Kafka topic",
            hint=f"use letters, digits, '.', '_' and '-', {_SIZE_MAX} in all at most",
        )
    return topic


def ledger_of(topic: str, *, prefix: str) -> str | None:
    """The ledger that a topic keeps; None if it keeps none under this prefix.

    >>> ledger_of("indelible.vehicles.journal", prefix="indelible")
    'vehicles'
    >>> ledger_of("indelible.vehicles.rev", prefix="indelible")
    """
    if not (topic.startswith(f"{prefix}.") and topic.endswith(_SUFFIX)):
        return None
    return topic[len(prefix) + 1 : -len(_SUFFIX)] or None
