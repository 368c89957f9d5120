"""What is only seen when keys of the whole journal stand side by side.

* versions of a document: 0, 1, 2, ... without a gap and without a repeat, in the order of the journal;
  the first one an INSERT, no other one; nothing after a DELETE; and its table there all the while
* transaction ids: each once

Keys that were looked at before are the base; fresh ones are merged, and the first of each document (or
transaction) looked up in the base. So an audit that goes on pays for what is new.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from journal.catalog import SYSTEM_TABLE_IDS
from journal.codec import Operation
from journal.ids import id_text
from verifier.audit.blocks import (
    DOCUMENT_SIZE,
    OPERATION_AT,
    PLACE_AT,
    REVISION_KEY_SIZE,
    TRANSACTION_KEY_SIZE,
    VERSION_END,
    read_place,
)
from verifier.audit.runs import Run, merged

Lifetime = tuple[bytes, ...]
"""When a table was there: places of the revisions that made, dropped, brought it back ..., in order."""


class Fault(NamedTuple):
    """Something that no correct writer writes, and the entry that says it."""

    offset: int
    entry_index: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeTask:
    """Fresh keys within `[low, high)` to be checked. Picklable.

    Attributes:
        revisions: Keys of revisions; else of transactions.
        fresh, base: Runs: to be checked, and checked before.
        low, high: Bounds; None for none. A document's keys are not cut apart.
        dead: Offsets, 8 bytes each, of valid records that are no part of the ledger.
        tables: When each table was there.
    """

    revisions: bool
    fresh: Sequence[Path]
    base: Sequence[Path]
    low: bytes | None = None
    high: bytes | None = None
    dead: frozenset[bytes] = frozenset()
    tables: Mapping[bytes, Lifetime] = field(default_factory=dict)


def check_runs(task: MergeTask) -> Fault | None:
    """The first fault in the order of the journal, or None. A few hundred nanoseconds per key."""
    size = REVISION_KEY_SIZE if task.revisions else TRANSACTION_KEY_SIZE
    base = [Run(path, size) for path in task.base]
    try:
        lists: Iterator[list[bytes]] = merged(task.fresh, size, task.low, task.high)
        if task.dead:
            lists = map(without(task.dead, revisions=task.revisions), lists)
        check = _check_revisions if task.revisions else _check_transactions
        return check(lists, base, task.tables)
    finally:
        for run in base:
            run.close()


def without(dead: frozenset[bytes], *, revisions: bool) -> Callable[[list[bytes]], list[bytes]]:
    """What drops the keys of records that are no part of the ledger."""
    at = PLACE_AT if revisions else _TRANSACTION_SIZE
    return lambda keys: [key for key in keys if key[at : at + 8] not in dead]


_TRANSACTION_SIZE: Final = 16
_FIRST: Final = bytes(8) + bytes((Operation.INSERT,))
_DELETE: Final = int(Operation.DELETE)
_INSERT: Final = int(Operation.INSERT)
_LAST_PLACE: Final = b"\xff" * 12


def _check_revisions(
    lists: Iterator[list[bytes]], base: Sequence[Run], tables: Mapping[bytes, Lifetime]
) -> Fault | None:
    worst = _Worst()
    document, last, came_back = b"", b"", False
    for keys in lists:
        for key in keys:
            if key[:DOCUMENT_SIZE] != document:
                if last:
                    worst.add(_table_fault(last, tables))
                document, last = key[:DOCUMENT_SIZE], b""
                worst.add(_table_fault(key, tables))
                came_back = len(tables.get(key[:16], ())) > 2
                if base:
                    last = _last_in(base, key[:DOCUMENT_SIZE])
            if came_back:  # else the first and the last revision tell of those between them
                worst.add(_table_fault(key, tables))
            if not last:
                fits = key[DOCUMENT_SIZE:PLACE_AT] == _FIRST
            else:
                fits = (
                    key[DOCUMENT_SIZE:VERSION_END] == _next_version(last)
                    and last[OPERATION_AT] != _DELETE
                    and key[OPERATION_AT] != _INSERT
                    and key[PLACE_AT:] > last[PLACE_AT:]
                )
            if fits:
                last = key
            else:  # what comes after it is compared with the last one that did fit
                worst.add(_order_fault(last, key))
    if last:
        worst.add(_table_fault(last, tables))
    return worst.fault


def _check_transactions(
    lists: Iterator[list[bytes]], base: Sequence[Run], tables: Mapping[bytes, Lifetime]
) -> Fault | None:
    del tables
    worst = _Worst()
    last = b""
    for keys in lists:
        for key in keys:
            transaction_id = key[:_TRANSACTION_SIZE]
            if transaction_id == last or (base and _last_in(base, transaction_id)):
                reason = f"transaction {id_text(transaction_id)} was committed before"
                worst.add(Fault(*read_place(key[_TRANSACTION_SIZE:]), reason))
            last = transaction_id
    return worst.fault


class _Worst:
    """Remembers the fault that stands first in the journal."""

    def __init__(self) -> None:
        self.fault: Fault | None = None

    def add(self, fault: Fault | None) -> None:
        if fault is not None and (self.fault is None or fault < self.fault):
            self.fault = fault


def _last_in(base: Sequence[Run], prefix: bytes) -> bytes:
    """The greatest key that begins with `prefix`; b"" if there is none."""
    bound = prefix + b"\xff" * (REVISION_KEY_SIZE - len(prefix))
    found = [key for run in base if (key := run.last_before(bound)) and key.startswith(prefix)]
    return max(found, default=b"")


def _next_version(key: bytes) -> bytes:
    return (int.from_bytes(key[DOCUMENT_SIZE:VERSION_END], "big") + 1).to_bytes(9, "big")[1:]


def _order_fault(last: bytes, key: bytes) -> Fault:
    version = int.from_bytes(key[DOCUMENT_SIZE:VERSION_END], "big", signed=True)
    what = f"{Operation(key[OPERATION_AT]).name} of version {version} of document "
    what += id_text(key[16:DOCUMENT_SIZE])
    place = key[PLACE_AT:]
    if not last:
        reason = f"{what}, of which there is nothing before"
    else:
        before = Operation(last[OPERATION_AT]).name
        last_version = int.from_bytes(last[DOCUMENT_SIZE:VERSION_END], "big", signed=True)
        reason = f"{what}, whose version before is {last_version} ({before})"
        if place <= last[PLACE_AT:]:
            reason += ", which stands later in the journal"
    return Fault(*read_place(place), reason)


def _table_fault(key: bytes, tables: Mapping[bytes, Lifetime]) -> Fault | None:
    """Whether the table was not there when the revision was written."""
    table_id = key[:16]
    if table_id in SYSTEM_TABLE_IDS:
        return None
    place = key[PLACE_AT:]
    changes = bisect_left(tables.get(table_id, ()), place)
    if changes & 1:
        return None
    what = "dropped before" if changes else "not there yet"
    return Fault(*read_place(place), f"a revision of table {id_text(table_id)}, {what}")
