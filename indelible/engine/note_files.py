"""Signed checkpoints in files of the ledger's folder, each read as what it says and who signed it."""

from dataclasses import dataclass
from pathlib import Path

from indelible.files import replace_file
from journal.errors import IntegrityError, ProofRejectedError, StoreUnavailableError
from materializer.store.ledger_keys import LedgerKeys
from verifier.checkpoint import Checkpoint, open_checkpoint
from verifier.note import NOTE_SIZE_MAX


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that the ledger signed.

    Attributes:
        checkpoint: What it says.
        note: Verbatim, with its cosignatures.
        key: The vkey that signed it.
    """

    checkpoint: Checkpoint
    note: str
    key: str


class NoteFile:
    """One file that holds one note of the ledger, or is not there. Thread-safe."""

    def __init__(self, path: Path, hint: str) -> None:
        """At `path`; `hint` says what to do if it is damaged."""
        self.path, self._hint = path, hint
        self._seen: tuple[bytes, Signed] | None = None

    def read(self, known: LedgerKeys) -> Signed | None:
        """What it holds; verified again only when the file has changed.

        Raises:
            IntegrityError: Something else than a checkpoint of this ledger.
            StoreUnavailableError: It cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(NOTE_SIZE_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailableError(f"cannot read {self.path}: {error.strerror}") from error
        seen = self._seen
        if seen is None or seen[0] != data:
            try:
                seen = self._seen = (data, open_own(data, known))
            except ProofRejectedError as error:
                raise IntegrityError(
                    f"{self.path} is not a checkpoint of this ledger: {error.message}",
                    hint=self._hint,
                ) from error
        return seen[1]

    def write(self, note: str) -> None:
        """Put a note in the place of the one there; durable when this returns.

        Raises:
            StoreUnavailableError: It cannot be written.
        """
        try:
            replace_file(self.path, note.encode())
        except OSError as error:
            raise StoreUnavailableError(f"cannot write {self.path}: {error.strerror}") from error


def open_own(note: str | bytes, known: LedgerKeys) -> Signed:
    """A note that one of the ledger's keys has signed; the newest key is tried first.

    Raises:
        ProofRejectedError: It is none.
    """
    first: ProofRejectedError | None = None
    for key in reversed(known.keys):
        try:
            checkpoint = open_checkpoint(note, key)
        except ProofRejectedError as error:
            first = first or error
        else:
            return Signed(checkpoint, note if isinstance(note, str) else note.decode(), key)
    assert first is not None
    raise first
