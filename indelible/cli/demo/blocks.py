"""Blocks as the demo shows them: read from the journal file, not from the state store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from journal.block import Block
from journal.chain import Checked, check
from journal.log import Position, Record
from journal.sqlite import SqliteLog


def newest_records(path: Path, count: int) -> Sequence[Record]:
    """The last records of a journal file."""
    log = SqliteLog(path, read_only=True)
    try:
        reader = log.reader(Position(offset=max(0, log.end_offset() - count)))
        try:
            return reader.read(timeout=1.0, limit=count)
        finally:
            reader.close()
    finally:
        log.close()


def block_of(record: Record) -> Block:
    """The block in a record of our own journal."""
    checked = check(record)
    assert isinstance(checked, Checked)
    assert checked.block is not None
    return checked.block


def row_of(block: Block) -> tuple[Any, ...]:
    """(number, entries, own hash, hash of the one before); hashes cut to be read by people."""
    header = block.header
    return (
        header.sequence_number,
        header.entry_count,
        block.block_hash.hex()[:16],
        header.previous_block_hash.hex()[:16],
    )


def tampered(record: Record, wanted: bytes, other: bytes) -> str:
    """What a reader says to a copy of the record in which some bytes were replaced.

    Args:
        record: As it stands in the journal; it is not changed.
        wanted: Bytes that occur in it.
        other: As many bytes.
    """
    assert len(wanted) == len(other)
    assert wanted in record.value
    forged = check(record._replace(value=record.value.replace(wanted, other, 1)))
    if isinstance(forged, Checked):
        return forged.fault
    return forged.detail
