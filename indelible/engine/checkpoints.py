"""Checkpoints: which trees were signed, and signing the newest.

```
read view: tip, tree ----> same root as `last-signed` at its size? --> sign --> replace the file --> note
                                    (all of this under a lock of its own)
```

What was signed last is in a file of its own beside the key, outside the state store that can be made
anew: a note that left this machine is on this disk before. So there are never two roots signed for one
size, and never a smaller tree after a larger one, whatever crashes in between and however many processes
of this machine hold the key.

Only what the state store has committed is signed: accepted blocks.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from indelible.client.transport import SignedCheckpoint
from indelible.engine.keys import KeyFolder
from indelible.engine.limits import bound
from indelible.engine.rotation import RotateKey
from indelible.files import locked, replace_file
from journal.errors import (
    ConfigurationError,
    ConflictError,
    InputError,
    IntegrityError,
    ProofRejectedError,
    StaleReadError,
    StoreUnavailableError,
    UnavailableError,
)
from journal.events import event_logger
from materializer.store.ledger_keys import LedgerKeys, ledger_keys
from materializer.store.view import StoreView
from verifier.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from verifier.keys import parse_verifier_key
from verifier.note import Note, SignatureLine, Signer, add_signature, parse_note
from verifier.rotation import CHAIN_LENGTH_MAX, format_rotation

LAST_SIGNED_FILE: Final = "last-signed"
LOCK_FILE: Final = "last-signed.lock"
COSIGNATURES_MAX: Final = 16
_NOTE_SIZE_MAX: Final = 1024 * 1024

_logger = event_logger("indelible.engine")

OpenView = Callable[[], AbstractContextManager[StoreView]]


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that was signed here.

    Attributes:
        checkpoint: What it says.
        note: Verbatim, with its cosignatures.
        key: The vkey that signed it.
    """

    checkpoint: Checkpoint
    note: str
    key: str


class Checkpoints:
    """The checkpoints of one ledger's folder. Thread-safe; several processes may share the folder."""

    def __init__(self, folder: Path, view: OpenView, *, follows: bool) -> None:
        """Of the ledger in `folder`.

        Args:
            folder: Where the key and `last-signed` are.
            view: Opens a read view of the state store.
            follows: Somebody else keeps the store: it may be behind what was signed.
        """
        self.keys = KeyFolder(folder)
        self._folder, self._view, self._follows = folder, view, follows
        self._lock = threading.Lock()
        self._seen: tuple[bytes, Signed] | None = None
        self._known: LedgerKeys | None = None
        self._signer: tuple[str, Signer] | None = None

    def start(self) -> None:
        """Compare what was signed last with the ledger as it is now, and finish a rotation cut short.

        Raises:
            IntegrityError: The ledger is shorter, or another one.
        """
        with self._view() as view:
            known = self.known_keys(view)
            if (last := self._last(known)) is not None:
                self._check_same(view, last)
        if self.keys.rotating:
            try:
                with self._locked():
                    self.keys.finish_rotation(known.current)
            except (ConfigurationError, UnavailableError) as error:  # commits do not need the key
                _logger.warning("the next key cannot be put in place", error=error.message)

    def sign(self) -> SignedCheckpoint:
        """A checkpoint of the newest tree, signed now unless it was before. Two fsyncs if it is new.

        Raises:
            UnsupportedError, ConfigurationError: See `KeyFolder.signer`.
            IntegrityError: The ledger is not the one whose checkpoints were signed here.
            StaleReadError: The state store is behind what was signed.
            StoreUnavailableError: What was signed could not be recorded; so nothing was.
        """
        with self._locked():
            with self._view() as view:
                known = self.known_keys(view)
                signer = self._signer_of(known)
                last, size = self._last(known), view.newest_block()[0] + 1
                if last is not None:
                    self._check_same(view, last)
                    if last.checkpoint.tree_size == size and last.key == known.current:
                        return SignedCheckpoint(last.note, known.chain)
                root = view.tree(size).root()
            checkpoint = Checkpoint(parse_verifier_key(known.current).name, size, root)
            note = sign_checkpoint(checkpoint, signer)
            open_checkpoint(note, known.current)  # or the key file holds another key of this id
            self._write(note)
        return SignedCheckpoint(note, known.chain)

    def covering(self, view: StoreView, sequence_number: int) -> Signed | None:
        """The last checkpoint, if it is signed by the current key and has this block in its tree."""
        known = self.known_keys(view)
        last = self._last(known)
        if last is None or last.key != known.current:
            return None
        return last if last.checkpoint.tree_size > sequence_number else None

    def cosign(self, note: str) -> SignedCheckpoint:
        """Add the cosignatures of a note to the last checkpoint, which it must be a copy of.

        Returns that checkpoint with all its signatures. Who the witnesses are is for clients to judge.

        Raises:
            InputError: Not a checkpoint of this ledger, or nothing to add.
            ConflictError: Another checkpoint was signed since.
        """
        try:
            given = parse_note(note)
        except ProofRejectedError as error:
            raise InputError(f"not a cosigned checkpoint: {error.message}") from error
        with self._locked():
            with self._view() as view:
                known = self.known_keys(view)
            last = self._last(known)
            if last is None:
                raise InputError("no checkpoint of this ledger was signed yet")
            added = _cosignatures(given, known)
            _expect_copy(given, last)
            combined = last.note
            for line in added:
                combined = add_signature(combined, line)
            if len(parse_note(combined).signatures) > COSIGNATURES_MAX:
                raise InputError(f"a checkpoint takes {COSIGNATURES_MAX - 1} cosignatures at most")
            if combined != last.note:
                self._write(combined)
        return SignedCheckpoint(combined, known.chain)

    def rotation(self) -> RotateKey:
        """The statement by which the ledger gets its next key, whose file is durable by now.

        Raises:
            UnsupportedError, ConfigurationError: See `KeyFolder`.
            LimitExceededError: The key was rotated as often as verifiers follow.
        """
        with self._locked():
            with self._view() as view:
                known = self.known_keys(view)
            bound("rotations", len(known.chain) + 1, CHAIN_LENGTH_MAX)
            current, signer = known.current, self._signer_of(known)
            following = self.keys.prepare_rotation(signer.name)
        return RotateKey(current, following, format_rotation(following, signer))

    def known_keys(self, view: StoreView) -> LedgerKeys:
        """The keys of the ledger as of a view; read again only when they have changed."""
        ledger = view.catalog.source.ledger
        assert ledger is not None
        known = self._known
        if known is None or known.current != ledger.checkpoint_key:
            known = self._known = ledger_keys(view)
        return known

    def _signer_of(self, known: LedgerKeys) -> Signer:
        """What signs as the current key; decrypting a key file takes long, so it is read once."""
        if self._signer is None or self._signer[0] != known.current:
            self._signer = (known.current, self.keys.signer(known.current))
        return self._signer[1]

    def _check_same(self, view: StoreView, last: Signed) -> None:
        """Our tree, at the size that was signed last, must have the root that was signed then."""
        signed, size = last.checkpoint, view.newest_block()[0] + 1
        if signed.tree_size > size:
            message = (
                f"a checkpoint of {signed.tree_size} blocks was signed here "
                f"({self._folder / LAST_SIGNED_FILE}), but the state store has {size}"
            )
            if self._follows:
                raise StaleReadError(message, hint="open the ledger for writing once")
            raise IntegrityError(
                message, hint="the journal was cut: find the blocks that are missing"
            )
        if signed.tree_size and view.tree(signed.tree_size).root() != signed.root_hash:
            raise IntegrityError(
                f"the tree of {signed.tree_size} blocks has another root than the checkpoint "
                f"signed here ({self._folder / LAST_SIGNED_FILE})",
                hint="the journal, or the state store, is not the one that was signed",
            )

    def _last(self, known: LedgerKeys) -> Signed | None:
        """What was signed last; verified again only when the file has changed."""
        path = self._folder / LAST_SIGNED_FILE
        try:
            with path.open("rb") as file:
                data = file.read(_NOTE_SIZE_MAX)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailableError(f"cannot read {path}: {error.strerror}") from error
        if self._seen is None or self._seen[0] != data:
            self._seen = (data, _open(data, known, path))
        return self._seen[1]

    def _write(self, note: str) -> None:
        path = self._folder / LAST_SIGNED_FILE
        try:
            replace_file(path, note.encode())
        except OSError as error:
            raise StoreUnavailableError(f"cannot write {path}: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One signer at a time, in this process and among others."""
        path = self._folder / LOCK_FILE
        with self._lock, ExitStack() as stack:
            try:
                stack.enter_context(locked(path))
            except OSError as error:
                raise StoreUnavailableError(f"cannot open {path}: {error.strerror}") from error
            yield


def _open(data: bytes, known: LedgerKeys, path: Path) -> Signed:
    """The note in the file, signed by one of the ledger's keys, the newest tried first."""
    reason = ""
    for key in reversed(known.keys):
        try:
            return Signed(open_checkpoint(data, key), data.decode(), key)
        except ProofRejectedError as error:
            reason = reason or error.message
    raise IntegrityError(
        f"{path} is not a checkpoint of this ledger: {reason}",
        hint="it says what this node signed last; restore it, or delete it if that is known otherwise",
    )


def _cosignatures(given: Note, known: LedgerKeys) -> list[SignatureLine]:
    own = {(key.name, key.key_id) for key in map(parse_verifier_key, known.keys)}
    added = [line for line in given.signatures if (line.name, line.key_id) not in own]
    if not added:
        raise InputError("the note has no signature but the ledger's own")
    return added


def _expect_copy(given: Note, last: Signed) -> None:
    if given.text == parse_note(last.note).text:
        return
    raise ConflictError(
        f"it cosigns another checkpoint than the last one, of {last.checkpoint.tree_size} blocks",
        hint="run `indelible checkpoint`, have that one cosigned, and add it before the next is signed",
    )
