"""Exports: every Avro tool reads them, and no byte of them can change unseen."""

import json
import os
from pathlib import Path

import fastavro
import pytest

from journal.codec import MARKER
from journal.errors import (
    ConfigurationError,
    InputError,
    IntegrityError,
    LogUnavailableError,
    UnknownLedgerError,
    UnsupportedError,
)
from journal.export import ExportFacts, ExportLog, ExportWriter, read_manifest
from journal.export.manifest import format_manifest, parse_manifest
from journal.log import Position
from tests.support.audited import KEY, a_checkpoint, a_history
from tests.support.builders import LEDGER_NAME, STRAND_ID, records_of

BLOCKS = a_history(9)
FACTS = ExportFacts(
    ledger_name=LEDGER_NAME,
    strand_id=STRAND_ID,
    checkpoint_key=KEY,
    tip_hash=BLOCKS[-1].block_hash,
    checkpoint=a_checkpoint(BLOCKS),
)


def export(folder: Path, *, file_size_target: int = 3000) -> Path:
    """An export of several small files."""
    with ExportWriter(folder, STRAND_ID, file_size_target=file_size_target) as writer:
        for block in BLOCKS:
            writer.add(block.encode())
        writer.finish(FACTS)
    return folder


def read_all(folder: Path) -> list[bytes]:
    log = ExportLog(folder)
    return [record.value for record in records_of(log)]


@pytest.fixture
def copy(tmp_path):
    return export(tmp_path / "copy")


def test_blocks_come_back_byte_for_byte_at_their_sequence_numbers(copy):
    records = records_of(ExportLog(copy))

    assert [record.value for record in records] == [block.encode() for block in BLOCKS]
    assert [record.offset for record in records] == list(range(9))


def test_there_are_several_files_with_ranges_that_join(copy):
    files = ExportLog(copy).manifest.files

    assert len(files) > 1
    assert [file.start for file in files[1:]] == [file.end for file in files[:-1]]
    assert sorted(path.name for path in copy.iterdir()) == sorted(
        ["manifest.json", *(file.name for file in files)]
    )


def test_fastavro_reads_the_files(copy):
    found = []
    for file in ExportLog(copy).manifest.files:
        with (copy / file.name).open("rb") as opened:
            found += list(fastavro.reader(opened))

    assert [each["header"] for each in found] == [block.header_bytes for block in BLOCKS]
    assert [[(entry["body"], entry["payload"]) for entry in each["entries"]] for each in found] == [
        [tuple(entry) for entry in block.entries] for block in BLOCKS
    ]


def test_two_exports_of_one_journal_are_the_same_bytes(tmp_path, copy):
    other = export(tmp_path / "other")

    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in other.iterdir()
    }


@pytest.mark.parametrize("start", range(10))
def test_a_reader_begins_anywhere_and_reads_by_its_limit(copy, start):
    reader = ExportLog(copy).reader(Position(offset=start))
    found = []
    while records := reader.read(timeout=0, limit=2):
        assert len(records) <= 2
        found += [record.offset for record in records]
    reader.close()

    assert found == list(range(start, 9))
    assert reader.position() == max(start, 9)


def test_no_flipped_byte_passes(copy):
    """Bytes of every file, the manifest's all; found when the whole export is read."""
    for path in sorted(copy.iterdir()):
        data = path.read_bytes()
        for at in range(0, len(data), 1 if path.name == "manifest.json" else 11):
            path.write_bytes(data[:at] + bytes((data[at] ^ 0x20,)) + data[at + 1 :])
            with pytest.raises((IntegrityError, UnsupportedError)):
                read_all(copy)
        path.write_bytes(data)

    assert len(read_all(copy)) == 9


@pytest.mark.parametrize("change", ["cut", "longer", "gone", "swapped"])
def test_files_of_another_length_or_place_are_found(copy, change):
    first, second = (copy / file.name for file in ExportLog(copy).manifest.files[:2])
    match change:
        case "cut":
            first.write_bytes(first.read_bytes()[:-1])
        case "longer":
            first.write_bytes(first.read_bytes() + b"\x00")
        case "gone":
            first.unlink()
        case "swapped":
            content = first.read_bytes()
            first.write_bytes(second.read_bytes())
            second.write_bytes(content)

    with pytest.raises(IntegrityError, match="blocks-0"):
        read_all(copy)


@pytest.mark.parametrize("name", ["manifest.json", "blocks-000000000000.avro"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_regular_file_is_refused_unread(copy, name, kind):
    path = copy / name
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":  # whoever opens it waits for a writer
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")

    with pytest.raises(IntegrityError, match="is no regular file"):
        read_all(copy)


def test_a_file_of_blocks_that_the_manifest_does_not_name_is_refused(copy):
    (copy / "notes.txt").write_text("harmless")
    read_all(copy)
    (copy / "blocks-000000000099.avro").write_bytes(
        (copy / "blocks-000000000000.avro").read_bytes()
    )

    with pytest.raises(IntegrityError, match=r"blocks-000000000099\.avro is damaged: the manifest"):
        read_all(copy)


class TestManifest:
    def rewritten(self, copy: Path, **changes) -> Path:
        """A manifest with other facts and a right hash of itself, as a forger would write it."""
        from hashlib import sha256

        path = copy / "manifest.json"
        facts = json.loads(path.read_bytes()) | changes
        del facts["sha256"]
        text = json.dumps(facts, sort_keys=True, indent=2) + "\n"
        facts["sha256"] = sha256(text.encode()).hexdigest()
        path.write_text(json.dumps(facts, sort_keys=True, indent=2) + "\n")
        return path

    def test_reads_what_was_written(self, copy):
        manifest = read_manifest(copy)

        assert parse_manifest(format_manifest(manifest), "it") == manifest
        assert (manifest.blocks, manifest.checkpoint) == (9, FACTS.checkpoint)

    @pytest.mark.parametrize(
        "changes",
        [
            {"blocks": 8},
            {"blocks": "9"},
            {"files": []},
            {"files": [{}]},
            {"files": "x"},
            {"tipHash": "00"},
            {"tipHash": None},
            {"strandId": "!"},
            {"ledger": "a\nb"},
            {"ledger": "\ud800"},
            {"checkpoint": 7},
            {"keyChain": [7]},
            {"extra": 1},
            {"format": "something/1"},
            {"format": None},
        ],
        ids=str,
    )
    def test_of_another_shape_is_damaged_whatever_its_hash_says(self, copy, changes):
        self.rewritten(copy, **changes)

        with pytest.raises(IntegrityError, match=r"manifest\.json is damaged"):
            read_manifest(copy)

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": "../journal.db"},
            {"name": "/etc/passwd"},
            {"name": ""},
            {"name": "blocks-000000000001.avro"},
            {"name": "x\x1b[2J.avro"},
            {"name": "x\ud800"},
            {"name": None},
            {"start": -1},
            {"end": 0},
            {"end": 2**70},
            {"sizeBytes": True},
            {"sha256": "zz"},
        ],
        ids=str,
    )
    def test_with_a_file_that_cannot_be_is_damaged(self, copy, changes):
        files = json.loads((copy / "manifest.json").read_bytes())["files"]
        files[0] |= changes
        self.rewritten(copy, files=files)

        with pytest.raises(IntegrityError, match=r"manifest\.json is damaged"):
            read_manifest(copy)

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000])
    def test_that_is_no_manifest_is_damaged(self, copy, data):
        (copy / "manifest.json").write_bytes(data)

        with pytest.raises(IntegrityError):
            read_manifest(copy)

    def test_of_a_newer_format_is_not_read(self, copy):
        self.rewritten(copy, format="indelible-export/2")

        with pytest.raises(UnsupportedError, match="indelible-export/2"):
            read_manifest(copy)

    def test_that_is_missing_means_no_export(self, tmp_path):
        with pytest.raises(UnknownLedgerError):
            read_manifest(tmp_path)


class TestWriting:
    def test_a_folder_with_something_in_it_is_refused(self, tmp_path):
        (tmp_path / "file").write_text("x")

        with pytest.raises(InputError, match="is not empty"):
            ExportWriter(tmp_path, STRAND_ID)

    def test_an_empty_folder_is_used(self, tmp_path):
        (tmp_path / "copy").mkdir()

        assert len(read_all(export(tmp_path / "copy"))) == 9

    def test_nothing_is_left_of_one_that_was_not_finished(self, tmp_path):
        with ExportWriter(tmp_path / "copy", STRAND_ID) as writer:
            writer.add(BLOCKS[0].encode())

        assert list(tmp_path.iterdir()) == []

    def test_a_folder_filled_meanwhile_is_not_replaced(self, tmp_path):
        with ExportWriter(tmp_path / "copy", STRAND_ID) as writer:
            writer.add(BLOCKS[0].encode())
            (tmp_path / "copy").mkdir()
            (tmp_path / "copy" / "mine").write_text("x")
            with pytest.raises(ConfigurationError):
                writer.finish(FACTS)

        assert [path.name for path in tmp_path.rglob("*")] == ["copy", "mine"]

    def test_a_journal_without_blocks_is_refused(self, tmp_path):
        with ExportWriter(tmp_path / "copy", STRAND_ID) as writer, pytest.raises(InputError):
            writer.finish(FACTS)

    def test_only_its_owner_can_enter_the_folder(self, copy):
        assert copy.stat().st_mode & 0o777 == 0o700

    def test_an_export_takes_no_more_blocks(self, copy):
        log = ExportLog(copy)

        with pytest.raises(LogUnavailableError):
            log.append(MARKER)
        assert (log.start_offset(), log.end_offset()) == (0, 9)
        assert log.identity() == ExportLog(copy).identity()


def test_the_page_of_the_format_names_what_there_is(copy):
    """docs/formats/export.md: the keys of the manifest, and how the sync marker is made."""
    from hashlib import sha256

    page = (Path(__file__).parents[3] / "docs" / "formats" / "export.md").read_text()
    facts = json.loads((copy / "manifest.json").read_bytes())
    keys = [*facts, *facts["files"][0]]
    file = ExportLog(copy).manifest.files[1]
    sync = sha256(b"indelible-export" + STRAND_ID + file.start.to_bytes(8, "big")).digest()[:16]

    assert [key for key in keys if f"`{key}`" not in page] == []
    assert (copy / file.name).read_bytes().count(sync) == 1 + file.end - file.start
