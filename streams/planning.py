"""From accepted blocks to what a sink has to deliver. Pure but for one question.

```
block -> RevisionChange ...           one for each revision of a chosen table
         TableDropped / TableRestored where a table goes or comes back: `current` must follow
         BlockSummary                 what the block is, last
```

The question: which documents a dropped table had. Nobody keeps that here; it is read from the journal
again when a table is dropped (`documents_of`), at the price of one pass over the journal.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from journal import catalog, document
from journal.block import Block, document_of
from journal.catalog import SYSTEM_TABLE_IDS, TABLES_TABLE_ID, Catalog, CatalogError, TableInfo
from journal.codec import Operation, RevisionEntry, TransactionEntry
from journal.errors import CorruptBlockError, InvalidDocumentError
from journal.ids import id_text, parse_id
from streams.plain import plain_document
from streams.records import OPERATION_NAMES, OperationName, Position, Revision, hash_text

SUMMARY_REVISIONS_MAX: Final = 10_000
"""A block with more revisions has its summary in several parts."""


class RevisionChange(NamedTuple):
    """One revision of a chosen table; `document` has canonical bytes, empty after a DELETE."""

    table: str
    document_id: str
    version: int
    operation: OperationName
    transaction_id: str
    hash: str
    document: bytes
    sequence_number: int
    entry_index: int
    timestamp: int

    @property
    def position(self) -> Position:
        """Where in the ledger it stands."""
        return Position(self.sequence_number, self.entry_index)


class TableDropped(NamedTuple):
    """From `position` on, the documents of a table are gone."""

    table: str
    table_id: bytes
    position: Position


class TableRestored(NamedTuple):
    """From `position` on, the documents of a dropped table are there again."""

    table: str
    table_id: bytes
    position: Position


class BlockSummary(NamedTuple):
    """A block without its documents.

    `transactions` are (id, entry), `revisions` (table, id, version, operation, hash, index).
    """

    block: Block
    transactions: list[tuple[str, TransactionEntry]]
    revisions: list[tuple[str, str, int, OperationName, str, int]]


Change = RevisionChange | TableDropped | TableRestored | BlockSummary


class Planner:
    """Folds the catalog, block by block, and says what each block changes.

    Attributes:
        catalog: As of the last block.
    """

    def __init__(
        self,
        ledger: str,
        *,
        tables: Iterable[TableInfo] = (),
        chosen: frozenset[str] | None = None,
    ) -> None:
        """Begin with the tables as of some block.

        Args:
            ledger: Its name.
            tables: Dropped ones included.
            chosen: Names of the tables to be exported; None for all.
        """
        self.ledger = ledger
        self.catalog = Catalog(tables={table.table_id: table for table in tables})
        self._chosen = chosen

    def skip(self, block: Block) -> None:
        """Fold the catalog only."""
        for index, content in enumerate(block.contents):
            if type(content) is RevisionEntry and content.table_id in SYSTEM_TABLE_IDS:
                self._fold(block, index, content)

    def changes(self, block: Block, start: int = 0) -> list[Change]:
        """What a block changes, from entry `start` on; the summary of the block is last.

        Raises:
            CorruptBlockError: It says something that no correct writer says.
        """
        found: list[Change] = []
        transactions: list[tuple[str, TransactionEntry]] = []
        listed: list[tuple[str, str, int, OperationName, str, int]] = []
        number, timestamp = block.header.sequence_number, block.header.timestamp
        entries, hashes, transaction_id = block.entries, block.leaf_hashes, ""
        tables, names = self.catalog.tables, self._names()
        for index, content in enumerate(block.contents):
            if type(content) is TransactionEntry:
                transaction_id = id_text(content.transaction_id)
                transactions.append((transaction_id, content))
                continue
            assert type(content) is RevisionEntry
            table_id, operation = content.table_id, OPERATION_NAMES[content.operation]
            document_id, hash_ = id_text(content.document_id), hash_text(hashes[index])
            name = names.get(table_id)
            if name is None:
                if table_id not in SYSTEM_TABLE_IDS:
                    name = self._name_of(tables, table_id, number, index)
                else:
                    made = self._fold(block, index, content)
                    found += made if index >= start else ()
                    tables, names = self.catalog.tables, self._names()
                    name = _SYSTEM_NAMES[table_id[-1]]
            elif index >= start:
                found.append(
                    RevisionChange(
                        name, document_id, content.version, operation, transaction_id, hash_,
                        document_of(entries[index].payload), number, index, timestamp,
                    )
                )  # fmt: skip
            listed.append((name, document_id, content.version, operation, hash_, index))
        found.append(BlockSummary(block, transactions, listed))
        return found

    def _names(self) -> dict[bytes, str]:
        """Of the tables that are exported."""
        chosen = self._chosen
        return {
            table_id: table.name
            for table_id, table in self.catalog.tables.items()
            if chosen is None or table.name in chosen
        }

    def _name_of(
        self, tables: Mapping[bytes, TableInfo], table_id: bytes, number: int, index: int
    ) -> str:
        table = tables.get(table_id)
        if table is None:
            raise CorruptBlockError(
                f"a revision of table {id_text(table_id)}, which was never made",
                sequence_number=number,
                entry_index=index,
            )
        return table.name

    def _fold(self, block: Block, index: int, content: RevisionEntry) -> list[Change]:
        """Take a revision of a system table in; what that means for the streams."""
        payload = block.entries[index].payload
        try:
            value = document.decode(document_of(payload)) if payload else None
            before = self.catalog.tables.get(content.document_id)
            self.catalog = catalog.fold(
                self.catalog, content.table_id, content.document_id, content.operation, value
            )
        except (CatalogError, InvalidDocumentError) as error:
            raise CorruptBlockError(
                str(error), sequence_number=block.sequence_number, entry_index=index
            ) from error
        if content.table_id != TABLES_TABLE_ID or before is None:
            return []
        after = self.catalog.tables[content.document_id]
        if self._chosen is not None and after.name not in self._chosen:
            return []
        position = Position(block.sequence_number, index)
        if after.dropped and not before.dropped:
            return [TableDropped(after.name, after.table_id, position)]
        if before.dropped and not after.dropped:
            return [TableRestored(after.name, after.table_id, position)]
        return []


def documents_of(
    blocks: Iterable[Block], table_id: bytes, before: Position
) -> dict[bytes, Position]:
    """The documents that a table had just below a position -> where their last revision stands.

    Memory: about 250 bytes for each document.
    """
    found: dict[bytes, Position] = {}
    for block in blocks:
        number = block.sequence_number
        for index, content in enumerate(block.contents):
            if type(content) is not RevisionEntry or content.table_id != table_id:
                continue
            position = Position(number, index)
            if position >= before:
                return found
            if content.operation is Operation.DELETE:
                found.pop(content.document_id, None)
            else:
                found[content.document_id] = position
    return found


def revisions_at(
    blocks: Iterable[Block], places: Mapping[bytes, Position], table: str
) -> Iterator[RevisionChange]:
    """The revisions at the places that `documents_of` gave, in the order of the journal."""
    by_block: dict[int, list[int]] = {}
    for place in places.values():
        by_block.setdefault(place.sequence_number, []).append(place.entry_index)
    for block in blocks:
        for index in sorted(by_block.get(block.sequence_number, ())):
            content = block.contents[index]
            assert isinstance(content, RevisionEntry)
            yield RevisionChange(
                table, id_text(content.document_id), content.version,
                OPERATION_NAMES[content.operation], id_text(content.transaction_id),
                hash_text(block.leaf_hashes[index]), document_of(block.entries[index].payload),
                block.sequence_number, index, block.header.timestamp,
            )  # fmt: skip


def revision_of(change: RevisionChange, ledger: str) -> Revision:
    """A change as readers have it. Decodes the document."""
    found = plain_document(change.document) if change.document else None
    return Revision(
        ledger=ledger,
        table=change.table,
        document_id=change.document_id,
        version=change.version,
        sequence_number=change.sequence_number,
        entry_index=change.entry_index,
        operation=change.operation,
        transaction_id=change.transaction_id,
        committed_at=change.timestamp,
        hash=change.hash,
        document=found,
    )


def summaries(
    summary: BlockSummary, ledger: str, *, revisions_max: int = SUMMARY_REVISIONS_MAX
) -> list[dict[str, Any]]:
    """The JSON records of a block summary: one, or several of up to `revisions_max` revisions."""
    block, header = summary.block, summary.block.header
    count = max(1, -(-len(summary.revisions) // revisions_max))
    head = {
        "ledger": ledger,
        "strand_id": _strand_text(header.strand_id),
        "sequence_number": header.sequence_number,
        "hash": hash_text(block.block_hash),
        "previous_hash": hash_text(header.previous_block_hash),
        "entries_root": hash_text(header.entries_root),
        "entry_count": header.entry_count,
        "timestamp": header.timestamp,
        "parts": count,
    }
    found = []
    for part in range(count):
        start = part * revisions_max
        found.append(
            {
                **head,
                "part": part,
                "transactions": []
                if part
                else [_transaction(*each) for each in summary.transactions],
                "revisions": [
                    dict(zip(_LISTED, listed, strict=True))
                    for listed in summary.revisions[start : start + revisions_max]
                ],
            }
        )
    return found


def tables_to_json(tables: Iterable[TableInfo]) -> list[dict[str, Any]]:
    """The tables that a planner needs to go on, for a progress record."""
    return [
        {"table_id": id_text(table.table_id), "name": table.name, "dropped": table.dropped}
        for table in tables
    ]


def tables_from_json(value: Iterable[Mapping[str, Any]]) -> list[TableInfo]:
    """Inverse of `tables_to_json`."""
    return [
        TableInfo(table_id=parse_id(each["table_id"]), name=each["name"], dropped=each["dropped"])
        for each in value
    ]


_LISTED: Final = ("table", "document_id", "version", "operation", "hash", "entry_index")
_SYSTEM_NAMES: Final = {1: "ledger", 2: "tables", 3: "indexes"}


_strand_text = lru_cache(maxsize=16)(id_text)


def _transaction(transaction_id: str, entry: TransactionEntry) -> dict[str, Any]:
    return {
        "transaction_id": transaction_id,
        "principal": entry.principal,
        "statements": list(entry.statements),
        "labels": dict(entry.labels),
        "revision_count": entry.revision_count,
    }
