"""Writing an export: into a folder of another name, which gets its name when everything is on disk."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from journal.errors import ConfigurationError, InputError
from journal.export.container import frame, header_of, sync_of
from journal.export.manifest import (
    MANIFEST_FILE,
    ExportedFile,
    Manifest,
    file_name,
    format_manifest,
)
from journal.folders import sync_folder

FILE_SIZE_TARGET: Final = 32 * 1024 * 1024
"""From here on another file is begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """What the manifest says besides its files; see `Manifest`."""

    ledger_name: str
    strand_id: bytes
    checkpoint_key: str
    tip_hash: bytes
    checkpoint: str = ""
    key_chain: tuple[str, ...] = ()


class ExportWriter:
    """Writes one export; a context manager that leaves nothing behind unless `finish` was called."""

    def __init__(
        self, folder: Path, strand_id: bytes, *, file_size_target: int = FILE_SIZE_TARGET
    ) -> None:
        """`folder` is made; it must not be there, or be empty.

        Raises:
            InputError: It has something in it.
            ConfigurationError: It cannot be made.
        """
        self._folder, self._strand_id = folder, strand_id
        self._file_size_target = file_size_target
        self._temporary = new_folder(folder)
        self._files: list[ExportedFile] = []
        self._file: _File | None = None
        self._blocks = 0

    def add(self, value: bytes) -> None:
        """Add the next block, as it stands in the log.

        Raises:
            ConfigurationError: It cannot be written (disk full).
        """
        try:
            if self._file is None:
                self._file = _File(self._temporary, self._strand_id, self._blocks)
            self._file.add(value)
            self._blocks += 1
            if self._file.size_bytes >= self._file_size_target:
                self._close_file()
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def finish(self, facts: ExportFacts) -> Manifest:
        """Write the manifest and give the folder its name; durable when this returns.

        Raises:
            ConfigurationError: It cannot be written.
            InputError: There is no block.
        """
        if not self._blocks:
            raise InputError("a journal without blocks has nothing to export")
        try:
            self._close_file()
            manifest = Manifest(
                ledger_name=facts.ledger_name,
                strand_id=facts.strand_id,
                checkpoint_key=facts.checkpoint_key,
                tip_hash=facts.tip_hash,
                files=tuple(self._files),
                checkpoint=facts.checkpoint,
                key_chain=facts.key_chain,
            )
            with (self._temporary / MANIFEST_FILE).open("xb") as file:
                file.write(format_manifest(manifest))
                _sync(file)
            put_in_place(self._temporary, self._folder)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        return manifest

    def close(self) -> None:
        """Delete what was not finished; closing twice is fine."""
        if self._file is not None:
            self._file.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _close_file(self) -> None:
        if self._file is not None:
            self._files.append(self._file.finish(self._blocks))
            self._file = None


class _File:
    """One file of blocks, on its way."""

    def __init__(self, folder: Path, strand_id: bytes, start: int) -> None:
        self.size_bytes = 0
        self._name, self._start = file_name(start), start
        self._sync = sync_of(strand_id, start)
        self._hash = sha256()
        self._file: BinaryIO = (folder / self._name).open("xb")
        self._write(header_of(self._sync))

    def add(self, value: bytes) -> None:
        self._write(frame(value, self._sync))

    def finish(self, end: int) -> ExportedFile:
        _sync(self._file)
        self._file.close()
        return ExportedFile(
            name=self._name,
            start=self._start,
            end=end,
            size_bytes=self.size_bytes,
            sha256=self._hash.digest(),
        )

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)


def new_folder(folder: Path) -> Path:
    """A folder beside `folder` to write into until `put_in_place`; only its owner can enter it.

    Raises:
        InputError: `folder` has something in it, or is no folder.
        ConfigurationError: It cannot be made.
    """
    folder = folder.absolute()
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} is not empty", hint="give a folder that is not there yet")
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}.new")
        shutil.rmtree(temporary, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir(mode=0o700)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return temporary


def put_in_place(temporary: Path, folder: Path) -> None:
    """Give a written folder its name; it and its name are durable when this returns.

    Raises:
        OSError: It was not; for instance because somebody put something into `folder` meanwhile.
    """
    folder = folder.absolute()
    sync_folder(temporary)
    temporary.replace(folder)
    sync_folder(folder.parent)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _unwritable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot write {folder}: {error.strerror or error}")
