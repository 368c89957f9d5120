"""Names of topics, and back.

```
<prefix>.<ledger>.current.<table>   newest state of each document   compacted   {_document_id}
<prefix>.<ledger>.history.<table>   every revision                  kept        {_document_id, _version}
<prefix>.<ledger>.blocks            summaries of blocks             kept        sequence number
<prefix>.<ledger>.progress          how far each exporter is        compacted   exporter name
<prefix>.<ledger>.parked            what fits no declared schema    kept        {_document_id, _version}
```

A table's name may be any text, a topic's is of letters, digits, `.`, `_` and `-`. Letters, digits and `_`
stay; any other character becomes a `-` and two hexadecimal digits for each byte of its UTF-8. So a
mapped name has no dot, and no two tables share a topic.
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from journal.errors import InputError

TOPIC_SIZE_MAX: Final = 249
_LEGAL: Final = re.compile(r"[A-Za-z0-9._-]+")
_OTHER: Final = re.compile(r"[^A-Za-z0-9_]")
_ESCAPED: Final = re.compile(r"(?:-[0-9a-f]{2})+")


class Kind(StrEnum):
    """What a topic holds."""

    CURRENT = "current"
    HISTORY = "history"
    BLOCKS = "blocks"
    PROGRESS = "progress"
    PARKED = "parked"

    @property
    def is_of_table(self) -> bool:
        """Whether each table has a topic of this kind."""
        return self in {Kind.CURRENT, Kind.HISTORY}

    @property
    def is_compacted(self) -> bool:
        """Whether the topic keeps only the last record of each key."""
        return self in {Kind.CURRENT, Kind.PROGRESS}


class Topic(NamedTuple):
    """What a topic's name says. `table` is empty where the kind has no tables."""

    ledger: str
    kind: Kind
    table: str = ""


def topic_name(prefix: str, ledger: str, kind: Kind | str, table: str = "") -> str:
    """The topic of a ledger, or of one of its tables.

    >>> topic_name("indelible", "registry", "current", "vehicles")
    'indelible.registry.current.vehicles'
    >>> topic_name("indelible", "registry", "history", "my cars")
    'indelible.registry.history.my-20cars'
    >>> topic_name("indelible", "registry", Kind.BLOCKS)
    'indelible.registry.blocks'

    Raises:
        InputError: Kafka does not allow such a name (249 characters at most).
    """
    kind = Kind(kind)
    if bool(table) != kind.is_of_table:
        raise ValueError(
            f"topics of kind {kind} {'need a' if kind.is_of_table else 'have no'} table"
        )
    name = f"{prefix}.{ledger}.{kind}" + (f".{table_to_topic(table)}" if table else "")
    if not (prefix and ledger and _LEGAL.fullmatch(name) and len(name) <= TOPIC_SIZE_MAX):
        raise InputError(
            f"{name!r} cannot be a Kafka topic",
            hint=f"use letters, digits, '.', '_' and '-', {TOPIC_SIZE_MAX} in all at most; "
            "a table with a longer name can be left out with --tables",
        )
    return name


def parse_topic(topic: str, *, prefix: str) -> Topic | None:
    """What a topic holds; None if it is none of ours under this prefix. Inverse of `topic_name`.

    >>> parse_topic("indelible.registry.history.my-20cars", prefix="indelible")
    Topic(ledger='registry', kind=<Kind.HISTORY: 'history'>, table='my cars')
    >>> parse_topic("indelible.registry.journal", prefix="indelible")
    """
    if not topic.startswith(f"{prefix}."):
        return None
    ledger, _, rest = topic[len(prefix) + 1 :].partition(".")
    kind, dot, mapped = rest.partition(".")
    if not ledger or kind not in set(Kind):
        return None
    found = Kind(kind)
    table = topic_to_table(mapped) if mapped else ""
    if bool(dot) != found.is_of_table or table is None or bool(table) != found.is_of_table:
        return None
    return Topic(ledger, found, table)


def table_to_topic(table: str) -> str:
    """A table's name in characters that a topic may have.

    >>> table_to_topic("vehicles"), table_to_topic("Zoë.x")
    ('vehicles', 'Zo-c3-ab-2ex')
    """
    return _OTHER.sub(lambda found: "".join(f"-{byte:02x}" for byte in found[0].encode()), table)


def topic_to_table(mapped: str) -> str | None:
    """The table that a mapped name stands for; None if no table is mapped to it.

    >>> topic_to_table("my-20cars")
    'my cars'
    >>> topic_to_table("a-61") is None
    True
    """
    try:
        table = _ESCAPED.sub(
            lambda found: bytes.fromhex(found[0].replace("-", "")).decode(), mapped
        )
    except UnicodeDecodeError:
        return None
    return table if table_to_topic(table) == mapped else None


def schema_part(name: str) -> str:
    """A name in characters that a schema's may have: letters, digits and `_`, no digit in front.

    >>> schema_part("vehicles"), schema_part("my cars"), schema_part("2026")
    ('vehicles', 'my_20cars', '_2026')
    """
    found = table_to_topic(name).replace("-", "_")
    return f"_{found}" if found[:1].isdigit() else found
