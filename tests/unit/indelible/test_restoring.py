"""A restored ledger is the same ledger, and writes nothing until it is taken over."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import indelible
from indelible.client.addresses import ExportAddress, FileAddress, KafkaAddress
from indelible.engine.auditing import audit_journal
from indelible.engine.exporting import export_journal
from indelible.engine.restored import RESTORED_FILE, is_read_only
from indelible.engine.restoring import _portions, restore, take_over
from journal.catalog import LEDGER_TABLE_ID
from journal.errors import (
    ConfigurationError,
    CorruptBlockError,
    InputError,
    IntegrityError,
    LedgerExistsError,
    UnsupportedError,
)
from journal.sqlite import SqliteLog
from tests.support import builders as b
from tests.support.audited import a_history, followed_by, in_file
from tests.support.builders import records_of
from verifier.keys import new_private_key


@pytest.fixture
def original(tmp_path):
    folder = tmp_path / "original"
    with indelible.connect(f"file:{folder}") as ledger:
        ledger.execute("CREATE TABLE cars")
        for number in range(20):
            ledger.execute("INSERT INTO cars ?", {"n": number})
        ledger.checkpoint()
    return folder


@pytest.fixture
def copy(original, tmp_path):
    export_journal(FileAddress(folder=original), tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def key(original):
    with indelible.connect(f"file:{original}", read_only=True) as ledger:
        return ledger.status().checkpoint_key


def values_in(folder: Path) -> list[bytes]:
    log = SqliteLog(folder / "journal.db", read_only=True)
    try:
        return [record.value for record in records_of(log)]
    finally:
        log.close()


def test_the_copy_has_the_same_bytes_and_the_same_checkpoints(original, copy, key, tmp_path):
    done = restore(copy, FileAddress(folder=tmp_path / "back"), key=key)

    assert values_in(tmp_path / "back") == values_in(original)
    assert done.report.proven
    last = "last-signed"
    assert (tmp_path / "back" / last).read_bytes() == (original / last).read_bytes()
    assert audit_journal(FileAddress(folder=tmp_path / "back"), key=key).proven


def test_the_copy_answers_queries_and_refuses_to_be_written(copy, tmp_path):
    restore(copy, FileAddress(folder=tmp_path / "back"))
    url = f"file:{tmp_path / 'back'}"

    with indelible.connect(url, read_only=True) as ledger:
        assert len(list(ledger.query("SELECT c.n FROM cars AS c"))) == 20
    with pytest.raises(ConfigurationError, match="restored copy: it is read-only"):
        indelible.connect(url)


def test_taken_over_without_the_key_it_writes_and_signs_nothing(copy, tmp_path):
    address = FileAddress(folder=tmp_path / "back")
    restore(copy, address)

    assert take_over(address) is True
    assert take_over(address) is False
    with indelible.connect(f"file:{address.folder}") as ledger:
        ledger.execute("INSERT INTO cars ?", {"n": 20})
        with pytest.raises(UnsupportedError):
            ledger.checkpoint()


@pytest.mark.parametrize("at_once", [True, False])
def test_taken_over_with_the_key_it_signs_on(original, copy, key, tmp_path, at_once):
    address = FileAddress(folder=tmp_path / "back")
    pem = (original / "key.pem").read_bytes()
    if at_once:
        restore(copy, address, take_over=True, private_key=pem)
    else:
        restore(copy, address)
        take_over(address, private_key=pem)
    with indelible.connect(f"file:{address.folder}") as ledger:
        ledger.execute("INSERT INTO cars ?", {"n": 20})
        ledger.checkpoint()

    assert audit_journal(address, key=key).proven


def test_another_key_is_refused(copy, tmp_path):
    address = FileAddress(folder=tmp_path / "back")
    with pytest.raises(InputError, match="not the ledger's current one"):
        restore(copy, address, private_key=new_private_key())
    assert not address.folder.exists()

    restore(copy, address)
    with pytest.raises(InputError, match="not the ledger's current one"):
        take_over(address, private_key=new_private_key())
    assert is_read_only(address.folder)


def test_a_damaged_export_makes_nothing(copy, tmp_path):
    (path,) = copy.glob("*.avro")
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)

    with pytest.raises(IntegrityError):
        restore(copy, FileAddress(folder=tmp_path / "back"))
    assert not (tmp_path / "back").exists()


def test_a_target_that_is_not_empty_is_refused(original, copy):
    with pytest.raises(LedgerExistsError):
        restore(copy, FileAddress(folder=original))


@pytest.mark.parametrize("name", ["key.pem", "last-signed", "state.db"])
def test_a_folder_that_keeps_what_the_original_signed_is_left_alone(copy, tmp_path, name):
    """A topic was lost, its node's folder was not: an older checkpoint must not replace the last one."""
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / name).write_text("kept")
    address = KafkaAddress(bootstrap="127.0.0.1:1", name="ledger", data=folder)

    with pytest.raises(LedgerExistsError, match="is not empty"):
        restore(copy, address)
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "kept"


def test_large_blocks_are_written_in_small_portions():
    values = [bytes(5 * 2**20)] * 9 + [b"x"] * 250
    portions = list(_portions(iter(values)))

    assert [value for portion in portions for value in portion] == values
    assert max(sum(map(len, portion)) for portion in portions) < 25 * 2**20
    assert max(map(len, portions)) <= 100


@pytest.mark.slow
def test_killed_at_any_moment_it_can_be_made_again(copy, tmp_path):
    """Under its name there is nothing, or all of it."""
    script = (
        "import sys; from pathlib import Path; from indelible.client.addresses import FileAddress;"
    )
    script += "from indelible.engine import restoring; restoring.rebuild = lambda *a, **k: 1 / 0;"
    script += "import os; made = restoring.put_in_place;"
    script += (
        "restoring.put_in_place = (lambda *a: os._exit(9)) if sys.argv[3] == 'before' else made;"
    )
    script += "restoring.restore(Path(sys.argv[1]), FileAddress(folder=Path(sys.argv[2])))"
    for moment in ("before", "after"):
        done = subprocess.run(
            [sys.executable, "-c", script, str(copy), str(tmp_path / moment), moment],
            check=False,
            capture_output=True,
        )
        assert done.returncode != 0
    assert not (tmp_path / "before").exists()
    restore(copy, FileAddress(folder=tmp_path / "before"))

    for moment in ("before", "after"):
        with pytest.raises(ConfigurationError, match="read-only"):
            indelible.connect(f"file:{tmp_path / moment}")
        assert take_over(FileAddress(folder=tmp_path / moment)) is True
        with indelible.connect(f"file:{tmp_path / moment}") as ledger:
            assert len(list(ledger.query("SELECT c.n FROM cars AS c"))) == 20


def test_another_name_is_refused_with_the_url_that_fits(copy, tmp_path):
    with pytest.raises(InputError, match="is of ledger 'ledger'") as caught:
        restore(copy, FileAddress(folder=tmp_path / "back", name="other"))

    assert "?name=ledger" in caught.value.hint


def test_a_ledger_that_was_never_restored_cannot_be_taken_over(original):
    with pytest.raises(InputError, match="no restored copy"):
        take_over(FileAddress(folder=original))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"taken_over": 1}'])
def test_a_damaged_mark_keeps_the_copy_closed(copy, tmp_path, data):
    restore(copy, FileAddress(folder=tmp_path / "back"))
    (tmp_path / "back" / RESTORED_FILE).write_bytes(data)

    with pytest.raises(ConfigurationError, match=r"restored\.json"):
        indelible.connect(f"file:{tmp_path / 'back'}")


class TestExporting:
    def test_an_export_of_an_export_is_the_same(self, copy, tmp_path):
        export_journal(ExportAddress(folder=copy), tmp_path / "again")

        assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
            path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()
        }

    def test_a_ledger_that_was_cut_below_its_checkpoint_is_not_exported(self, original, tmp_path):
        import sqlite3

        with sqlite3.connect(original / "journal.db") as connection:
            connection.execute("delete from log where offset > 10")
        connection.close()
        with pytest.raises(IntegrityError, match="its tail was cut"):
            export_journal(FileAddress(folder=original), tmp_path / "copy")

        assert not (tmp_path / "copy").exists()

    def test_a_checkpoint_of_another_ledger_is_refused(self, original, tmp_path):
        with indelible.connect(f"file:{tmp_path / 'other'}") as ledger:
            note = ledger.checkpoint().note

        with pytest.raises(IntegrityError, match="not signed by a key of this ledger"):
            export_journal(FileAddress(folder=original), tmp_path / "copy", checkpoint=note)

    def test_without_any_checkpoint_it_is_exported_without(self, original, tmp_path):
        (original / "last-signed").unlink()
        manifest = export_journal(FileAddress(folder=original), tmp_path / "copy")

        assert manifest.checkpoint == ""
        assert audit_journal(ExportAddress(folder=tmp_path / "copy")).anchored_blocks == 0

    def test_after_a_rotation_the_chain_goes_along(self, original, key, tmp_path):
        with indelible.connect(f"file:{original}") as ledger:
            ledger.rotate_key()
            ledger.execute("INSERT INTO cars ?", {"n": 20})
            ledger.checkpoint()
        manifest = export_journal(FileAddress(folder=original), tmp_path / "copy")

        assert len(manifest.key_chain) == 1
        assert audit_journal(ExportAddress(folder=tmp_path / "copy"), key=key).proven
        restore(
            tmp_path / "copy",
            FileAddress(folder=tmp_path / "back"),
            private_key=(original / "key.pem").read_bytes(),
        )

    def test_a_manifest_with_another_tip_is_found(self, copy):
        from dataclasses import replace

        from journal.export import read_manifest
        from journal.export.manifest import format_manifest

        manifest = replace(read_manifest(copy), tip_hash=bytes(32))
        (copy / "manifest.json").write_bytes(format_manifest(manifest))

        with pytest.raises(IntegrityError, match="the manifest says"):
            audit_journal(ExportAddress(folder=copy))

    @pytest.mark.parametrize(
        "changes",
        [{"checkpoint_key": "garbage"}, {"key_chain": ("note",)}],
        ids=["key", "chain"],
    )
    @pytest.mark.parametrize("pinned", [True, False])
    def test_a_manifest_with_other_keys_is_found(self, copy, key, changes, pinned):
        from dataclasses import replace

        from journal.export import read_manifest
        from journal.export.manifest import format_manifest

        (copy / "manifest.json").write_bytes(
            format_manifest(replace(read_manifest(copy), **changes))
        )

        with pytest.raises(IntegrityError, match="the manifest names the key"):
            audit_journal(ExportAddress(folder=copy), key=key if pinned else None)

    def test_a_ledger_document_of_another_shape_is_not_exported(self, tmp_path):
        blocks = a_history(3)
        bad = b.a_revision({"x": 1}, table_id=LEDGER_TABLE_ID, document_id=b.an_id(0xC000))
        (tmp_path / "bad").mkdir()
        in_file(tmp_path / "bad" / "journal.db", followed_by(blocks, b.a_transaction(bad)))

        with pytest.raises(CorruptBlockError, match="not a ledger document") as caught:
            export_journal(
                FileAddress(folder=tmp_path / "bad", name=b.LEDGER_NAME), tmp_path / "copy"
            )
        assert (caught.value.sequence_number, caught.value.entry_index) == (3, 1)

    def test_an_export_without_its_last_file_is_found_by_the_checkpoint(self, copy, tmp_path):
        """A forger leaves out blocks and writes a right manifest."""
        from journal.export import ExportFacts, ExportLog, ExportWriter

        log = ExportLog(copy)
        values = [record.value for record in records_of(log)][:-3]
        with ExportWriter(tmp_path / "cut", log.manifest.strand_id) as writer:
            for value in values:
                writer.add(value)
            writer.finish(
                ExportFacts(
                    ledger_name="ledger",
                    strand_id=log.manifest.strand_id,
                    checkpoint_key=log.manifest.checkpoint_key,
                    tip_hash=bytes(32),
                    checkpoint=log.manifest.checkpoint,
                )
            )
        shutil.rmtree(copy)

        with pytest.raises(IntegrityError, match="its tail was cut"):
            audit_journal(ExportAddress(folder=tmp_path / "cut"))
