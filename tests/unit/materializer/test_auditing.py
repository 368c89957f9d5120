"""A changed state store is found, and the message names table and row."""

import shutil
import sqlite3

import pytest

import indelible
from journal.errors import InputError, IntegrityError, UnsupportedError
from journal.sqlite import SqliteLog
from materializer.auditing import audit_state


@pytest.fixture
def folder(tmp_path):
    """A ledger with a plain and a unique index, documents that changed, and one that was deleted."""
    with indelible.connect(f"file:{tmp_path / 'ledger'}") as ledger:
        ledger.execute("CREATE TABLE cars")
        ledger.execute("CREATE INDEX ON cars (owner)")
        ledger.execute("CREATE UNIQUE INDEX ON cars (vin)")
        for number in range(40):
            ledger.execute("INSERT INTO cars ?", {"vin": number, "owner": f"o{number % 7}"})
        ledger.execute("UPDATE cars AS c SET c.owner = ? WHERE c.vin = ?", "ann", 3)
        ledger.execute("DELETE FROM cars AS c WHERE c.vin = ?", 5)
        ledger.execute("INSERT INTO cars ?", {"owner": "nobody"})
        ledger.execute("INSERT INTO cars ?", {"owner": "nobody"})
    return tmp_path / "ledger"


def compare(folder, tmp_path, **options):
    log = SqliteLog(folder / "journal.db", read_only=True)
    reference = tmp_path / "reference"
    shutil.rmtree(reference, ignore_errors=True)
    reference.mkdir()
    try:
        return audit_state(
            folder / "state.db",
            log,
            "ledger",
            exclusive=True,
            same_log=True,
            folder=reference,
            **options,
        )
    finally:
        log.close()


def change(folder, *statements):
    connection = sqlite3.connect(folder / "state.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_store_that_is_what_the_journal_says(folder, tmp_path):
    report = compare(folder, tmp_path)

    assert (report.blocks, report.documents, report.unique_indexes) == (48, 47, 1)
    assert report.rows > 200


POSITION = "position = (20 << 20) + 1"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            f"update entries set payload = cast(payload || x'20' as blob) where {POSITION}",
            r"table entries, row position \d+ \(block 20, entry 1\): another payload",
        ),
        (f"update entries set payload = payload || '' where {POSITION}", "a text instead of bytes"),
        (f"update entries set previous = 1 where {POSITION}", "another previous"),
        (f"delete from entries where {POSITION}", "it is missing"),
        ("insert into entries values (7, x'00', x'', null)", "row position 7 .*: it is too much"),
        (
            f"update documents set version = 7 where {POSITION}",
            "table documents, row .*another version",
        ),
        ("update documents set deleted = 0 where deleted = 1", "another deleted"),
        (
            "delete from index_entries where from_position = (20 << 20) + 1",
            "table index_entries, row .*missing",
        ),
        ("delete from index_entries_past", "table index_entries_past, row .*missing"),
        (
            "update blocks set offset = 7 where sequence_number = 20",
            "table blocks, row sequence_number 20: another offset",
        ),
        ("update blocks set leaf_hashes = x'00' where sequence_number = 20", "another leaf_hashes"),
        (
            "update tree_nodes set hash = x'00' where position = 0",
            "table tree_nodes, row level 4, position 0: another hash",
        ),
        (
            "update transactions set position = 1 where position = 20 << 20",
            "table transactions, row .*another position",
        ),
        ("update meta set value = 'x' where key = 'ledger_name'", "table meta, row ledger_name"),
        ("insert into meta values ('more', null)", "table meta, row more"),
        ("insert into meta values (x'00', 1)", "table meta, row"),
        ("update meta set value = cast(x'ff' as text) where key = 'strand_id'", "no UTF-8"),
        ("update meta set value = cast(x'ff' as text) where key = 'schema_version'", "no UTF-8"),
        ("insert into documents values (5, x'00', 1, 1, 0)", "table documents, row .* too much"),
        ("insert into documents values ('a', x'00', 1, 1, 0)", "row table_id a, .* too much"),
        ("insert into index_entries values (1, 2.5, 'x', 4)", "index_entries, row .* too much"),
        ("insert into index_entries_past values ('z', 2, 3, 4, 5)", "entries_past, row .* too much"),
        ("insert into transactions values (1.5, 1)", "table transactions, row .* too much"),
        ("insert into tree_nodes values ('a', 'b', x'00')", "table tree_nodes, row .* too much"),
        ("delete from blocks", "table meta, row catalog_changed"),
        ("drop table blocks", "no such table"),
        ("create table more (a)", "table more was added"),
        ("create trigger t after insert on entries begin select 1; end", "trigger t was added"),
    ],
)  # fmt: skip
def test_a_changed_store_is_found(folder, tmp_path, statement, found):
    change(folder, statement)

    with pytest.raises(IntegrityError, match=found):
        compare(folder, tmp_path)


def test_a_store_behind_its_journal_is_compared_up_to_its_tip(folder, tmp_path):
    shutil.copy(folder / "state.db", tmp_path / "old.db")
    with indelible.connect(f"file:{folder}") as ledger:
        ledger.execute("INSERT INTO cars ?", {"vin": 100})
    shutil.copy(tmp_path / "old.db", folder / "state.db")

    assert compare(folder, tmp_path).blocks == 48


def test_a_journal_that_lost_blocks_is_found(folder, tmp_path):
    connection = sqlite3.connect(folder / "journal.db")
    connection.execute("delete from log where offset > 30")
    connection.commit()
    connection.close()

    with pytest.raises(IntegrityError, match="it was cut"):
        compare(folder, tmp_path)


def test_a_store_of_another_release_is_not_judged(folder, tmp_path):
    change(folder, "update meta set value = 99 where key = 'schema_version'")

    with pytest.raises(UnsupportedError):
        compare(folder, tmp_path)


def test_a_damaged_file_is_an_integrity_error(folder, tmp_path):
    path = folder / "state.db"
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 6] = b"\xff" * 4096 * 4
    path.write_bytes(data)

    with pytest.raises(IntegrityError, match=r"state\.db"):
        compare(folder, tmp_path)


def test_a_row_that_is_there_but_not_found_by_its_key_is_damage(folder, tmp_path):
    """Reading row by row passes over the keys that lead to the pages."""
    with indelible.connect(f"file:{folder}") as ledger:
        for number in range(100, 160):
            ledger.execute("INSERT INTO cars ?", {"vin": number, "text": "x" * 300})
    connection = sqlite3.connect(folder / "state.db")
    connection.execute("pragma wal_checkpoint(truncate)")
    size = connection.execute("pragma page_size").fetchone()[0]
    question = "select rootpage from sqlite_schema where name = 'entries'"
    root = (connection.execute(question).fetchone()[0] - 1) * size
    connection.close()
    data = bytearray((folder / "state.db").read_bytes())
    assert data[root] == 5  # an interior page: cells of a child's number (4 bytes) and a key
    cell = root + int.from_bytes(data[root + 12 : root + 14], "big")
    assert data[cell + 4] & 0x80
    data[cell + 4] ^= 1
    (folder / "state.db").write_bytes(data)

    with pytest.raises(IntegrityError, match=r"state\.db is damaged"):
        compare(folder, tmp_path)


def test_no_file_is_an_input_error(folder):
    from indelible.client.addresses import FileAddress
    from indelible.engine.auditing import audit_state_of

    with pytest.raises(InputError):
        audit_state_of(FileAddress(folder=folder), folder / "nothing.db")
