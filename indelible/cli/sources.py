"""Files to be imported, read as numbered chunks of documents.

```
file -> scan: hash, count, every line checked -> chunks of 500 documents, one transaction each
```

The scan comes first, so a bad line is refused before anything was written. Chunks depend on the file's
content alone: reading it again gives the same ones, which is what makes an import repeatable.
"""

import csv
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

from indelible.cli.columns import Columns
from journal import document
from journal.block import DOCUMENT_SIZE_MAX
from journal.errors import InputError, InvalidDocumentError, LimitExceededError

CHUNK_DOCUMENTS: Final = 500
CHUNK_BYTES: Final = 4 * 1024 * 1024
"""A chunk ends early when its documents reach so many bytes of text."""
_PART: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"

Document = dict[str, Any]
Line = tuple[int, int, Document]
"""Number of its (last) line, bytes of its text, the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Documents that are written as one transaction.

    Attributes:
        number: 0-based.
        first_line, last_line: Where they stand in the file, 1-based.
    """

    number: int
    documents: Sequence[Document]
    first_line: int
    last_line: int


class Source(ABC):
    """A file of documents, read once to check it.

    Attributes:
        sha256: Of the whole file.
        count: Documents in it.
    """

    def __init__(self, path: Path) -> None:
        """Check every line.

        Raises:
            InputError: The file cannot be read, or a line is bad.
        """
        self.path = path
        with _opened(path) as file:
            self._state = _state(file)
            self.sha256 = _hash(file)
        self._prepare()
        self.count = sum(1 for _ in self._lines())

    def chunks(self) -> Generator[Chunk, None, None]:
        """The documents in chunks.

        Raises:
            InputError: The file has changed since it was checked.
        """
        number = size = first = line = 0
        documents: list[Document] = []
        for line, length, value in self._lines():
            first = first or line
            documents.append(value)
            size += length
            if len(documents) >= CHUNK_DOCUMENTS or size >= CHUNK_BYTES:
                yield Chunk(number=number, documents=documents, first_line=first, last_line=line)
                number, size, first, documents = number + 1, 0, 0, []
        if documents:
            yield Chunk(number=number, documents=documents, first_line=first, last_line=line)

    @abstractmethod
    def _lines(self) -> Iterator[Line]:
        """Each document with its place; raises InputError naming the line that is bad."""

    def _prepare(self) -> None:  # noqa: B027 - nothing to find out for most
        """Find out what `_lines` needs to know of the whole file."""

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        """The file; refuses one that is no longer what was hashed."""
        with _opened(self.path) as file:
            yield file
            if _state(file) != self._state:
                raise InputError(f"{self.path} was changed while it was read")

    def _bad(self, line: int, problem: str, hint: str = "") -> InputError:
        return InputError(f"{self.path}, line {line}: {problem}", hint=hint)


class JSONLinesSource(Source):
    """One JSON object a line, in the tagged form of documents; empty lines are skipped."""

    def _lines(self) -> Iterator[Line]:
        with self._open() as file:
            number = 0
            while text := file.readline(DOCUMENT_SIZE_MAX + 2):
                number += 1
                if number == 1:
                    text = text.removeprefix(_BOM)
                if text.strip():
                    yield number, len(text), self._document(text.rstrip(b"\r\n"), number)

    def _document(self, text: bytes, number: int) -> Document:
        try:
            value = document.parse_json(text, size_max=DOCUMENT_SIZE_MAX)
        except LimitExceededError as error:
            raise self._bad(number, f"more than {error.maximum} bytes") from error
        except InvalidDocumentError as error:
            raise self._bad(number, error.message) from error
        if not isinstance(value, dict):
            raise self._bad(number, f"a document is a struct, this is a {type(value).__name__}")
        return value


class CSVSource(Source):
    """Rows under a header that names the fields; `columns` says how cells are read."""

    def __init__(self, path: Path, columns: Columns, delimiter: str) -> None:
        self._columns, self._delimiter = columns, delimiter
        super().__init__(path)

    def _prepare(self) -> None:
        if self._columns.inferred:
            self._columns = self._columns.infer(cells for _, _, cells in self._rows())

    def _lines(self) -> Iterator[Line]:
        for number, size, cells in self._rows():
            try:
                yield number, size, self._columns.document(cells)
            except ValueError as error:
                raise self._bad(number, str(error)) from None

    def _rows(self) -> Iterator[tuple[int, int, dict[str, str]]]:
        with self._open() as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            rows = csv.reader(text, delimiter=self._delimiter, strict=True)
            try:
                names = self._header(next(rows, []))
                for row in rows:
                    if not row:
                        continue
                    if len(row) != len(names):
                        raise self._bad(
                            rows.line_num, f"{len(row)} cells under {len(names)} column names"
                        )
                    cells = dict(zip(names, row, strict=True))
                    yield rows.line_num, sum(map(len, row)), cells
            except csv.Error as error:
                raise self._bad(rows.line_num, str(error)) from error
            except UnicodeDecodeError as error:
                raise self._bad(rows.line_num + 1, f"not UTF-8: {error.reason}") from error
            text.detach()

    def _header(self, names: list[str]) -> list[str]:
        if not names or not all(names):
            raise self._bad(1, "the first line must name the columns")
        if len(set(names)) < len(names):
            raise self._bad(1, "two columns have one name")
        self._columns.check_names(names)
        return names


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    with file:
        yield file


def _hash(file: BinaryIO) -> bytes:
    digest = sha256()
    while part := file.read(_PART):
        digest.update(part)
    return digest.digest()


def _state(file: BinaryIO) -> tuple[int, int, int]:
    """Changes when the file does."""
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_size, found.st_mtime_ns
