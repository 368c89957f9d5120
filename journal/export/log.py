"""An export as a log: its offsets are the sequence numbers of its blocks."""

import mmap
from array import array
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock

from journal.codec import MARKER, DecodeError
from journal.errors import IntegrityError, LogUnavailableError
from journal.export.container import find_records, sync_of
from journal.export.manifest import ExportedFile, Manifest, format_manifest, read_manifest
from journal.log import Position, Record

_READ_SIZE_MAX = 32 * 2**20


class ExportLog:
    """A `journal.log.Log` over an export, for reading. Any method may be called from any thread.

    A file's hash is computed before the first record is read from it.
    """

    def __init__(self, folder: Path) -> None:
        """Read the manifest.

        Raises:
            UnknownLedgerError: The folder is no export.
            IntegrityError: Its manifest is damaged, or there are more files of blocks than it names.
            UnsupportedError: A newer release wrote it.
        """
        self.folder = folder
        self.manifest = read_manifest(folder)
        _refuse_more(folder, self.manifest)
        self._verified: set[str] = set()
        self._verifying = Lock()

    def identity(self) -> str:
        """A hash of the manifest."""
        return f"export-{sha256(format_manifest(self.manifest)).hexdigest()[:32]}"

    def start_offset(self) -> int:
        """Always 0."""
        return 0

    def end_offset(self) -> int:
        """How many blocks there are."""
        return self.manifest.blocks

    def reader(self, start: Position) -> "ExportReader":
        """A cursor that starts at block `start.offset`."""
        return ExportReader(self, start.offset)

    def append(self, value: bytes) -> int:
        """Always refused."""
        del value
        raise LogUnavailableError("an export is only read")

    def close(self) -> None:
        """Nothing is held; cursors hold their files."""

    def open_file(self, file: ExportedFile) -> "MappedFile":
        """One file, mapped; its size and hash are those of the manifest.

        Raises:
            IntegrityError: They are not, or something between the records was changed.
            LogUnavailableError: It cannot be read.
        """
        mapped = MappedFile(self.folder / file.name, file, self.manifest)
        try:
            with self._verifying:
                if file.name not in self._verified:
                    mapped.verify()
                    self._verified.add(file.name)
        except BaseException:
            mapped.close()
            raise
        return mapped


class MappedFile:
    """One file of an export, in memory as far as it is read."""

    def __init__(self, path: Path, file: ExportedFile, manifest: Manifest) -> None:
        self.file, self._path = file, path
        try:
            if path.exists() and not path.is_file():
                raise _damaged(path, "it is no regular file")
            with path.open("rb") as opened:
                size = opened.seek(0, 2)
                if size != file.size_bytes or not size:
                    raise _damaged(path, f"it has {size} bytes and should have {file.size_bytes}")
                self._data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise _damaged(path, "it is missing") from None
        except (OSError, ValueError) as error:
            raise LogUnavailableError(f"{path} cannot be read: {error}") from error
        self._sync = sync_of(manifest.strand_id, file.start)
        self._places: array[int] | None = None

    def verify(self) -> None:
        """Compare with the manifest's hash; reads all of it."""
        if sha256(self._data).digest() != self.file.sha256:
            raise _damaged(self._path, self._fault())

    def value(self, sequence_number: int) -> bytes:
        """A block's bytes, as they stood in the log."""
        places = self._records()
        at = 2 * (sequence_number - self.file.start)
        return MARKER + self._data[places[at] : places[at + 1]]

    def close(self) -> None:
        """Unmap it."""
        self._data.close()

    def _records(self) -> "array[int]":
        if self._places is None:
            try:
                self._places = find_records(self._data, self._sync)
            except DecodeError as error:
                raise _damaged(self._path, str(error)) from error
            expected = self.file.end - self.file.start
            if len(self._places) != 2 * expected:
                raise _damaged(
                    self._path, f"it holds {len(self._places) // 2} blocks, not {expected}"
                )
        return self._places

    def _fault(self) -> str:
        """What is wrong, where that can be seen without the hash."""
        try:
            find_records(self._data, self._sync)
        except DecodeError as error:
            return str(error)
        return "its SHA-256 is not that of the manifest"


class ExportReader:
    """A cursor over an `ExportLog`."""

    def __init__(self, log: ExportLog, offset: int) -> None:
        self._log, self._offset = log, offset
        self._mapped: MappedFile | None = None

    def read(self, *, timeout: float, limit: int = 1000) -> Sequence[Record]:
        """Next blocks, of 32 MiB in all at most; nothing ever comes later, so it does not wait.

        Raises:
            IntegrityError: The file is damaged.
            LogUnavailableError: It cannot be read.
        """
        del timeout
        records: list[Record] = []
        size = 0
        mapped = self._file_at(self._offset)
        while mapped is not None and len(records) < limit and size < _READ_SIZE_MAX:
            value = mapped.value(self._offset)
            records.append(Record(self._offset, value))
            size += len(value)
            self._offset += 1
            if self._offset == mapped.file.end:
                break
        return records

    def position(self) -> int:
        """The sequence number after the last block read."""
        return self._offset

    def close(self) -> None:
        """Unmap the file; closing twice is fine."""
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None

    def _file_at(self, offset: int) -> MappedFile | None:
        if self._mapped is not None:
            file = self._mapped.file
            if file.start <= offset < file.end:
                return self._mapped
            self.close()
        for file in self._log.manifest.files:
            if file.start <= offset < file.end:
                self._mapped = self._log.open_file(file)
                return self._mapped
        return None


def _refuse_more(folder: Path, manifest: Manifest) -> None:
    """Whoever reads `blocks-*.avro` with another tool reads what the manifest names, and nothing else."""
    named = {file.name for file in manifest.files}
    for path in sorted(folder.glob("blocks-*.avro")):
        if path.name not in named:
            raise _damaged(path, "the manifest does not name it, so it is no part of the export")


def _damaged(path: Path, problem: str) -> IntegrityError:
    return IntegrityError(f"{path} is damaged: {problem}", hint="use another copy of the export")
