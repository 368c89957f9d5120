"""Long journals, written at once: blocks as a ledger would write them, one commit for all."""

import os
from collections.abc import Iterator
from pathlib import Path

import apsw

import indelible
from bench import workload
from indelible import LedgerStatus
from journal.block import build_block, payload_of, revision_entry, transaction_entry
from journal.codec import Entry, EntryBody, Operation, TransactionEntry
from journal.document import encode
from journal.ids import derived_id, new_id, parse_id

_TABLE_ID = "SELECT VALUE t.tableId FROM information_schema.user_tables AS t"


def write_journal(folder: Path, *, blocks: int, revisions: int) -> None:
    """A ledger in `folder` with `blocks` more blocks, each one INSERT of `revisions` vehicles.

    Its state store knows nothing of them; the next who opens the ledger catches up.
    """
    with indelible.connect(f"file:{folder}") as ledger:
        workload.create_tables(ledger)
        table_id = parse_id(ledger.query(_TABLE_ID).rows[0])
        status = ledger.status()
    connection = apsw.Connection(str(folder / "journal.db"))
    try:
        with connection:
            connection.executemany(
                "insert into log values (?, ?)",
                enumerate(_blocks(status, table_id, blocks, revisions), status.log_offset),
            )
    finally:
        connection.close()


def _blocks(status: LedgerStatus, table_id: bytes, count: int, revisions: int) -> Iterator[bytes]:
    previous, timestamp = status.tip_hash, status.tip_timestamp
    for number in range(count):
        timestamp += 1
        transaction_id = new_id(timestamp, os.urandom)
        content = TransactionEntry(transaction_id, "bench", (workload.INSERT,), revisions, {})
        entries: list[Entry] = [transaction_entry(content)]
        contents: list[EntryBody] = [content]
        for index in range(revisions):
            vehicle = workload.vehicle(workload.vin(number, 0, index))
            entry, revision = revision_entry(
                transaction_id,
                table_id,
                derived_id(transaction_id, index),
                0,
                Operation.INSERT,
                payload_of(encode(vehicle), os.urandom),
            )
            entries.append(entry)
            contents.append(revision)
        block = build_block(
            strand_id=parse_id(status.tip.strand_id),
            sequence_number=status.tip.sequence_number + 1 + number,
            previous_block_hash=previous,
            timestamp=timestamp,
            writer="bench",
            entries=entries,
            contents=contents,
        )
        previous = block.block_hash
        yield block.encode()
