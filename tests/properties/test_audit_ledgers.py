"""Ledgers made by the real engine: none is refused, and no changed byte of their journals passes.

Honest ledgers first: whatever statements a ledger has seen, its journal, its export and its state store
are proven. Then damage: a byte of any kind of field, in the journal file's records and in the export.
"""

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

import indelible
from indelible.client.addresses import ExportAddress, FileAddress
from indelible.engine.auditing import audit_journal, audit_state_of
from indelible.engine.exporting import export_journal
from journal.chain import Checked, check
from journal.errors import IntegrityError, LedgerError, UnsupportedError
from journal.log import Record
from tests.support.strategies import examples

documents = st.fixed_dictionaries(
    {"k": st.integers(0, 5)}, optional={"text": st.text(max_size=20), "n": st.floats()}
)
statements = st.one_of(
    st.tuples(st.just("INSERT INTO {t} ?"), documents),
    st.tuples(st.just("UPDATE {t} AS x SET x.n = 1 WHERE x.k = ?"), st.integers(0, 5)),
    st.tuples(st.just("DELETE FROM {t} AS x WHERE x.k = ?"), st.integers(0, 5)),
    st.tuples(st.just("CREATE UNIQUE INDEX ON {t} (n, k)"), st.none()),
    st.tuples(st.just("CREATE INDEX ON {t} (k)"), st.none()),
    st.tuples(st.just("DROP TABLE {t}"), st.none()),
    st.tuples(st.just("CREATE TABLE {t}"), st.none()),
)
stories = st.lists(st.tuples(st.sampled_from(["cars", "people"]), statements), max_size=14)


def tell(folder: Path, story) -> str:
    """Make a ledger and run statements in it, whatever they answer; returns its public key."""
    with indelible.connect(f"file:{folder}") as ledger:
        ledger.execute("CREATE TABLE cars")
        for table, (text, value) in story:
            parameters = () if value is None else (value,)
            try:
                ledger.execute(text.format(t=table), *parameters)
            except LedgerError:
                continue
        ledger.checkpoint()
        return ledger.status().checkpoint_key


@given(story=stories)
@examples(25)
def test_no_honest_ledger_is_refused(story):
    with TemporaryDirectory() as name:
        folder, copy = Path(name) / "ledger", Path(name) / "copy"
        key = tell(folder, story)
        address = FileAddress(folder=folder)
        report = audit_journal(address, key=key)
        state = audit_state_of(address, folder / "state.db")
        export_journal(address, copy)
        exported = audit_journal(ExportAddress(folder=copy), key=key)
        exported_state = audit_state_of(ExportAddress(folder=copy), folder / "state.db")

    assert report.proven
    assert (exported.proven, exported.root_hash) == (True, report.root_hash)
    assert state.blocks == exported_state.blocks == report.blocks


STORY = [
    ("cars", ("INSERT INTO {t} ?", {"k": 1, "text": "needle"})),
    ("cars", ("INSERT INTO {t} ?", {"k": 2})),
    ("cars", ("UPDATE {t} AS x SET x.n = 2 WHERE x.k = ?", 1)),
    ("cars", ("CREATE INDEX ON {t} (k)", None)),
    ("cars", ("DELETE FROM {t} AS x WHERE x.k = ?", 2)),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told") / "ledger"
    key = tell(folder, STORY)
    with sqlite3.connect(folder / "journal.db") as connection:
        values = [value for (value,) in connection.execute("select value from log order by offset")]
    connection.close()
    return folder, key, values


def put(folder: Path, values: list[bytes]) -> None:
    """Change the journal file behind everybody's back."""
    with sqlite3.connect(folder / "journal.db") as connection:
        connection.execute("delete from log")
        connection.executemany("insert into log values (?, ?)", enumerate(values))
    connection.close()


FIELDS = {
    "header": lambda block: block.header_bytes,
    "previous hash": lambda block: block.header.previous_block_hash,
    "strand": lambda block: block.header.strand_id,
    "entries root": lambda block: block.header.entries_root,
    "body": lambda block: block.entries[-1].body,
    "statement": lambda block: block.entries[0].body[24:],
    "payload hash": lambda block: block.entries[-1].body[-32:],
    "salt": lambda block: block.entries[-1].payload[:16],
    "document": lambda block: block.entries[-1].payload[16:],
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_flipped_byte_in_any_kind_of_field_is_found(told, field):
    folder, key, values = told
    for number, value in enumerate(values):
        checked = check(Record(number, value))
        assert isinstance(checked, Checked)
        assert checked.block is not None
        part = FIELDS[field](checked.block)
        if not part.strip(b"\x00"):
            continue
        start = value.rindex(part)
        for at in {start, start + len(part) // 2, start + len(part) - 1}:
            flipped = bytearray(value)
            flipped[at] ^= 1
            put(folder, [*values[:number], bytes(flipped), *values[number + 1 :]])
            with pytest.raises((IntegrityError, UnsupportedError)) as caught:
                audit_journal(FileAddress(folder=folder), key=key)

            names = (f"block {number}", f"offset {number}", f"blocks 0 to {number} changed")
            assert any(name in str(caught.value) for name in names)
    put(folder, values)

    assert audit_journal(FileAddress(folder=folder), key=key).proven


@given(data=st.data())
@examples(60)
def test_no_changed_byte_of_the_journal_passes(told, data):
    folder, key, values = told
    number = data.draw(st.integers(0, len(values) - 1))
    at = data.draw(st.integers(0, len(values[number]) - 1))
    flipped = bytearray(values[number])
    flipped[at] ^= data.draw(st.integers(1, 255))
    put(folder, [*values[:number], bytes(flipped), *values[number + 1 :]])
    try:
        with pytest.raises(LedgerError):
            audit_journal(FileAddress(folder=folder), key=key)
    finally:
        put(folder, values)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values[:-1],
        lambda values: [*values[:3], *values[4:]],
        lambda values: [*values[:2], values[3], values[2], *values[4:]],
        lambda values: [*values[:3], values[2], *values[3:]],
        lambda values: values[1:],
    ],
    ids=["tail cut", "dropped", "swapped", "doubled", "head cut"],
)
def test_blocks_out_of_place_are_found(told, change):
    folder, key, values = told
    put(folder, change(values))
    try:
        with pytest.raises(IntegrityError):
            audit_journal(FileAddress(folder=folder), key=key)
    finally:
        put(folder, values)


def test_a_block_of_another_ledger_is_found(told, tmp_path):
    folder, key, values = told
    tell(tmp_path / "other", STORY)
    with sqlite3.connect(tmp_path / "other" / "journal.db") as connection:
        foreign = connection.execute("select value from log where offset = 3").fetchone()[0]
    connection.close()
    put(folder, [*values[:3], foreign, *values[4:]])
    try:
        with pytest.raises(IntegrityError, match="another strand"):
            audit_journal(FileAddress(folder=folder), key=key)
    finally:
        put(folder, values)


def test_a_whole_other_ledger_in_its_place_is_found_by_the_pinned_key(told, tmp_path):
    _, key, _ = told
    tell(tmp_path / "other", STORY)

    assert audit_journal(FileAddress(folder=tmp_path / "other")).exit_code == 3
    with pytest.raises(IntegrityError, match="not with the pinned key"):
        audit_journal(FileAddress(folder=tmp_path / "other"), key=key)
