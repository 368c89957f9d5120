"""Is a state store what its journal says?

```
journal -> reader rule -> a new store in a folder of its own, up to the store's tip
                            |  row by row, in order of the primary key
store as it is  ------------+-> the first row that differs, by table and key
```

The new store is the reference: every row of the other that was added, changed or left out is found, and
so is a table, index, view or trigger that does not belong there. Then what no store can show by itself:
documents are in canonical form, and unique indexes hold.

Memory stays small; time and disk are those of a rebuild.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from journal import document
from journal.block import document_of
from journal.errors import (
    CorruptBlockError,
    IntegrityError,
    LogUnavailableError,
    UnsupportedError,
)
from journal.ids import id_text
from journal.log import Log, Position, Reader, Record
from materializer.follower import Follower, Progress
from materializer.store.catalogs import load_catalog
from materializer.store.documents import address_of
from materializer.store.keys import key_is_partial
from materializer.store.schema import (
    DAMAGE,
    FOLDED_TABLES,
    SCHEMA_VERSION,
    damaged,
    open_reader,
)
from materializer.store.store import Store

_REFERENCE_FILE: Final = "reference.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """A state store that is what its journal says.

    Attributes:
        blocks: How many it has applied.
        rows: How many were compared, over all tables.
        documents: How many revisions' documents are in canonical form.
        unique_indexes: How many hold.
    """

    blocks: int
    rows: int
    documents: int
    unique_indexes: int


def audit_state(
    path: Path,
    log: Log,
    ledger_name: str,
    *,
    exclusive: bool,
    same_log: bool,
    folder: Path,
    on_progress: Progress | None = None,
) -> StateReport:
    """Compare a state store with the fold of a journal.

    Args:
        path: The store's file; it may be in use.
        log: The journal.
        ledger_name: Of the ledger.
        exclusive: The log has one writer and no strangers.
        same_log: The log is the one that the store was made from, not a copy: offsets must agree too.
        folder: An empty folder for the reference.
        on_progress: Called while the journal is read.

    Raises:
        IntegrityError: They differ: names table and row. Or a document is not canonical, or a unique
            index does not hold: names block and entry, or the index.
        UnsupportedError: The store was made by another release.
        LedgerError: See `Follower`.
    """
    store = _frugal(open_reader(path))
    try:
        store.execute("begin").fetchall()  # one moment, whatever its writer does
        _expect_release(store, path)
        tip = _tip_offset(store, log, same_log=same_log)
        reference = Store(folder / _REFERENCE_FILE)
        _frugal(reference.connection)
        try:
            beginning = _Beginning(log, tip + 1)
            follower = Follower(beginning, reference, ledger_name, exclusive=exclusive)
            follower.catch_up(tip + 1, on_progress)
            follower.close()
        finally:
            reference.close()
        expected = _frugal(open_reader(folder / _REFERENCE_FILE))
        try:
            return _compare(store, expected, path, same_log=same_log)
        finally:
            expected.close()
    except DAMAGE as error:
        raise damaged(path, str(error)) from error
    except apsw.Error as error:
        raise damaged(path, f"{type(error).__name__}: {error}") from error
    except UnicodeDecodeError as error:  # SQLite keeps any bytes as a text
        raise damaged(path, f"a text that is no UTF-8: {error.object!r}") from error
    finally:
        store.close()


def _frugal(connection: apsw.Connection) -> apsw.Connection:
    """A connection that keeps little in memory, however large its file is."""
    for pragma in ("pragma mmap_size=0", "pragma cache_size=-16384"):
        connection.execute(pragma).fetchall()
    return connection


class _Beginning:
    """A log as it was when it ended at an offset. For reading."""

    def __init__(self, log: Log, end_offset: int) -> None:
        self._log, self._end_offset = log, end_offset

    def identity(self) -> str:
        return self._log.identity()

    def start_offset(self) -> int:
        return self._log.start_offset()

    def end_offset(self) -> int:
        return self._end_offset

    def reader(self, start: Position) -> "_BeginningReader":
        return _BeginningReader(self._log.reader(start), self._end_offset)

    def append(self, value: bytes) -> int:
        del value
        raise LogUnavailableError("only the beginning of the log is read")

    def close(self) -> None:
        """The log is its owner's."""


class _BeginningReader:
    def __init__(self, reader: Reader, end_offset: int) -> None:
        self._reader, self._end_offset = reader, end_offset

    def read(self, *, timeout: float, limit: int = 1000) -> Sequence[Record]:
        records = self._reader.read(timeout=timeout, limit=limit)
        return [record for record in records if record.offset < self._end_offset]

    def position(self) -> int:
        return self._reader.position()

    def close(self) -> None:
        self._reader.close()


def _compare(
    store: apsw.Connection, expected: apsw.Connection, path: Path, *, same_log: bool
) -> StateReport:
    _expect_schema(store, expected, path)
    _expect_meta(store, expected, path)
    rows = 0
    for table in FOLDED_TABLES:
        rows += _compare_table(store, expected, table, path, same_log=same_log)
    _expect_sound(store, path)
    documents = _check_documents(expected)
    unique = _check_unique_indexes(expected)
    blocks = _one(expected, "select count(*) from blocks")
    return StateReport(blocks=blocks, rows=rows, documents=documents, unique_indexes=unique)


def _expect_release(store: apsw.Connection, path: Path) -> None:
    rows = store.execute("select value from meta where key = 'schema_version'").fetchall()
    version = rows[0][0] if rows else None
    if version != SCHEMA_VERSION:
        raise UnsupportedError(
            f"{path} has schema version {version}, this release audits {SCHEMA_VERSION}",
            hint="use the release that made it, or `indelible rebuild` it first",
        )


def _tip_offset(store: apsw.Connection, log: Log, *, same_log: bool) -> int:
    """The offset in `log` of the store's last block; in a copy without strangers, its number."""
    row: Any = store.execute("select max(sequence_number), offset from blocks").fetchall()[0]
    number, offset = row
    if number is None:
        return -1
    tip = int(offset if same_log else number)
    end = log.end_offset()
    if tip >= end:
        raise IntegrityError(
            f"the store has block {number} (offset {tip}), but the journal ends at offset {end}: "
            "it was cut, or is another one",
            hint="restore the journal; the store knows of blocks that it lost",
        )
    return tip


def _expect_sound(store: apsw.Connection, path: Path) -> None:
    """What was read row by row is also found by key: SQLite's own check of its trees."""
    (problem,) = next(iter(store.execute("pragma integrity_check(1)")))
    if problem != "ok":
        raise damaged(path, str(problem))


def _expect_schema(store: apsw.Connection, expected: apsw.Connection, path: Path) -> None:
    question = "select type, name, sql from sqlite_schema order by type, name"
    found, wanted = set(store.execute(question)), set(expected.execute(question))
    for kind, name, _ in sorted(found ^ wanted, key=repr):
        raise _differs(path, f"{kind} {name} was added, changed or dropped")


def _expect_meta(store: apsw.Connection, expected: apsw.Connection, path: Path) -> None:
    """All but where in which log the reader is."""
    question = (
        "select key, value from meta where key not in ('log_identity', 'last_read') order by key"
    )
    found, wanted = dict(store.execute(question)), dict(expected.execute(question))
    for key in sorted(found.keys() | wanted.keys(), key=repr):
        if found.get(key) != wanted.get(key) or key not in wanted:
            raise _differs(
                path, f"table meta, row {key}: {found.get(key)!r} instead of {wanted.get(key)!r}"
            )


def _compare_table(
    store: apsw.Connection, expected: apsw.Connection, table: str, path: Path, *, same_log: bool
) -> int:
    columns = [str(row[1]) for row in expected.execute(f"pragma table_info({table})")]
    key = [
        str(name)
        for _, name, *_, place in sorted(
            expected.execute(f"pragma table_info({table})"), key=lambda row: int(row[-1])
        )
        if place
    ]
    compared = [name for name in columns if same_log or (table, name) != ("blocks", "offset")]
    question = (
        f"select {', '.join(key)}, {', '.join(compared)} from {table} order by {', '.join(key)}"
    )
    width, count = len(key), 0
    mine, theirs = iter(store.execute(question)), iter(expected.execute(question))
    for wanted in theirs:
        count += 1
        try:
            found = next(mine, None)
        except UnicodeDecodeError:
            row = _shown(key, wanted[:width])
            raise _differs(path, f"table {table}, row {row}: a text instead of bytes") from None
        if found != wanted:
            raise _differs(path, _difference(table, key, compared, found, wanted))
    if (extra := next(mine, None)) is not None:
        raise _differs(path, f"table {table}, row {_shown(key, extra[:width])}: it is too much")
    return count


def _difference(
    table: str,
    key: Sequence[str],
    columns: Sequence[str],
    found: tuple[Any, ...] | None,
    wanted: tuple[Any, ...],
) -> str:
    width = len(key)
    row = f"table {table}, row {_shown(key, wanted[:width])}"
    if found is None or _order(found[:width]) > _order(wanted[:width]):
        return f"{row}: it is missing"
    if _order(found[:width]) < _order(wanted[:width]):
        return f"table {table}, row {_shown(key, found[:width])}: it is too much"
    differing = [
        name
        for name, mine, theirs in zip(columns, found[width:], wanted[width:], strict=True)
        if mine != theirs or type(mine) is not type(theirs)
    ]
    return f"{row}: another {' and '.join(differing)}"


def _order(values: Sequence[Any]) -> list[tuple[int, Any]]:
    """Sorts as SQLite does: numbers, then texts, then bytes."""
    return [(isinstance(value, str) + 2 * isinstance(value, bytes), value) for value in values]


def _shown(key: Sequence[str], values: Sequence[Any]) -> str:
    """A row's key for people: ids as texts, positions as block and entry."""
    parts = []
    for name, value in zip(key, values, strict=True):
        if isinstance(value, bytes):
            shown = id_text(value) if len(value) == 16 else value.hex()
        else:
            shown = str(value)
        parts.append(f"{name} {shown}")
    text = ", ".join(parts)
    if list(key) == ["position"] and type(values[0]) is int:
        number, entry_index = address_of(values[0])
        text += f" (block {number}, entry {entry_index})"
    return text


def _check_documents(expected: apsw.Connection) -> int:
    """Each revision's document is the bytes that its value has."""
    count = 0
    for position, payload in expected.execute(
        "select position, payload from entries where length(payload) > 0 order by position"
    ):
        count += 1
        if not document.is_canonical(document_of(payload)):
            number, entry_index = address_of(position)
            raise CorruptBlockError(
                "a document that is not in canonical form",
                sequence_number=number,
                entry_index=entry_index,
            )
    return count


def _check_unique_indexes(expected: apsw.Connection) -> int:
    """No two documents have one key, those with a null or MISSING part apart."""
    catalog = load_catalog(expected)
    unique = [index for index in catalog.indexes.values() if index.unique]
    for index in unique:
        for (key,) in expected.execute(
            "select key from index_entries where index_id = ? group by key having count(*) > 1",
            (index.index_id,),
        ):
            holders = _holders(expected, index.index_id, key)
            first_id, data = next(holders)
            if not key_is_partial(data, index.paths):
                second_id, _ = next(holders)
                raise IntegrityError(
                    f"unique index {index.name} of table {catalog.tables[index.table_id].name} holds "
                    f"one key for documents {id_text(first_id)} and {id_text(second_id)}",
                    hint="a writer that did not check wrote one of them; the journal keeps both",
                )
    return len(unique)


def _holders(
    connection: apsw.Connection, index_id: bytes, key: bytes
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    rows: Any = connection.execute(
        "select i.document_id, e.payload from index_entries i"
        " join entries e on e.position = i.from_position"
        " where i.index_id = ? and i.key = ? order by i.from_position limit 2",
        (index_id, key),
    ).fetchall()
    for document_id, payload in rows:
        yield document_id, document.decode(document_of(payload))


def _one(connection: apsw.Connection, question: str) -> int:
    row: Any = connection.execute(question).fetchall()[0]
    return int(row[0])


def _differs(path: Path, what: str) -> IntegrityError:
    return IntegrityError(
        f"{path} is not what the journal says: {what}",
        hint="`indelible rebuild` makes it again; find out who changed it",
    )
