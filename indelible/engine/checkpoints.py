"""Checkpoints: which trees were signed, and signing the newest.

```
read view: tip, tree ----> same root as `last-signed` at its size? --> sign --> replace the file --> note
                                    (all of this under a lock of its own)
cosigned note ----> signed by our key, root of our tree at its size? --> replace or extend `last-cosigned`
```

What was signed last is in a file of its own beside the key, outside the state store that can be made
anew: a note that left this machine is on this disk before. So there are never two roots signed for one
size, and never a smaller tree after a larger one, whatever crashes in between and however many processes
of this machine hold the key.

The newest checkpoint that witnesses have cosigned is in a second file: a ledger signs every second, and
witnesses take longer.

Only what the state store has committed is signed: accepted blocks.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from indelible.client.transport import SignedCheckpoint
from indelible.engine.keys import KeyFolder
from indelible.engine.limits import bound
from indelible.engine.note_files import NoteFile, Signed, open_own
from indelible.engine.rotation import RotateKey
from indelible.files import locked
from journal.errors import (
    ConfigurationError,
    ConflictError,
    InputError,
    IntegrityError,
    ProofRejectedError,
    StaleReadError,
    StoreUnavailableError,
    UnavailableError,
    UnsupportedError,
)
from journal.events import event_logger
from materializer.store.ledger_keys import LedgerKeys, ledger_keys
from materializer.store.view import StoreView
from verifier.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from verifier.keys import parse_verifier_key
from verifier.note import Note, Signer, add_signature, format_note, parse_note
from verifier.rotation import CHAIN_LENGTH_MAX, format_rotation

LAST_SIGNED_FILE: Final = "last-signed"
LAST_COSIGNED_FILE: Final = "last-cosigned"
LOCK_FILE: Final = "last-signed.lock"
COSIGNATURES_MAX: Final = 15
COSIGNED_SIZE_MAX: Final = 64 * 1024
"""Bytes of a note with its cosignatures."""

HOW_TO_COSIGN: Final = (
    "`indelible witness --key FILE > cosigned`, then `indelible checkpoint --cosign cosigned`"
)

_logger = event_logger("indelible.engine")

OpenView = Callable[[], AbstractContextManager[StoreView]]


class Checkpoints:
    """The checkpoints of one ledger's folder. Thread-safe; several processes may share the folder."""

    def __init__(self, folder: Path, view: OpenView, *, follows: bool) -> None:
        """Of the ledger in `folder`.

        Args:
            folder: Where the key, `last-signed` and `last-cosigned` are.
            view: Opens a read view of the state store.
            follows: Somebody else keeps the store: it may be behind what was signed.
        """
        self.keys = KeyFolder(folder)
        self._folder, self._view, self._follows = folder, view, follows
        self._lock = threading.Lock()
        self._signed = NoteFile(
            folder / LAST_SIGNED_FILE,
            "it says what this node signed last; restore it, or delete it if that is known otherwise",
        )
        self._cosigned = NoteFile(
            folder / LAST_COSIGNED_FILE,
            "delete it, and have a checkpoint cosigned anew",
        )
        self._known: LedgerKeys | None = None
        self._signer: tuple[str, Signer] | None = None

    def start(self) -> None:
        """Compare what was signed and cosigned last with the ledger as it is, and finish a rotation.

        Raises:
            IntegrityError: The ledger is shorter, or another one.
        """
        with self._view() as view:
            known = self.known_keys(view)
            for file in (self._signed, self._cosigned):
                if (last := file.read(known)) is not None:
                    self._check_same(view, last, _here(file))
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
                last, size = self._signed.read(known), view.newest_block()[0] + 1
                if last is not None:
                    self._check_same(view, last, _here(self._signed))
                    if last.checkpoint.tree_size == size and last.key == known.current:
                        return SignedCheckpoint(last.note, known.chain)
                root = view.tree(size).root()
            checkpoint = Checkpoint(parse_verifier_key(known.current).name, size, root)
            note = sign_checkpoint(checkpoint, signer)
            open_checkpoint(note, known.current)  # or the key file holds another key of this id
            self._signed.write(note)
        return SignedCheckpoint(note, known.chain)

    def witnessed(self) -> SignedCheckpoint:
        """The newest checkpoint that has cosignatures; needs no private key.

        Raises:
            UnsupportedError: There is none, or none since the key was rotated.
            IntegrityError, StaleReadError, StoreUnavailableError: See `sign`.
        """
        with self._view() as view:
            cosigned = self._newest_cosigned(view)
            self._check_same(view, cosigned, _here(self._cosigned))
            return SignedCheckpoint(cosigned.note, self.known_keys(view).chain)

    def covering(
        self, view: StoreView, sequence_number: int, *, witnessed: bool = False
    ) -> Signed | None:
        """The last checkpoint, if it is signed by the current key and has this block in its tree.

        Raises:
            UnsupportedError: (with `witnessed`) The newest one with cosignatures has not.
        """
        if witnessed:
            cosigned = self._newest_cosigned(view)
            if cosigned.checkpoint.tree_size <= sequence_number:
                raise UnsupportedError(
                    f"the newest cosigned checkpoint is of {cosigned.checkpoint.tree_size} blocks, "
                    f"so it does not cover block {sequence_number}",
                    hint=f"have a newer one cosigned: {HOW_TO_COSIGN}",
                )
            return cosigned
        known = self.known_keys(view)
        last = self._signed.read(known)
        if last is None or last.key != known.current:
            return None
        return last if last.checkpoint.tree_size > sequence_number else None

    def cosign(self, note: str) -> SignedCheckpoint:
        """Keep a checkpoint of this ledger with its cosignatures, if it is not older than the one kept.

        Cosignatures of the same checkpoint add up. Returns it with all of them. Who the witnesses are is
        for clients to judge.

        Raises:
            InputError: Not a checkpoint of this ledger, or without a cosignature, or with too many.
            ConflictError: A newer one is cosigned already, or the key was rotated since.
            IntegrityError: The ledger's key has signed a tree that is not the ledger's.
            StaleReadError, StoreUnavailableError: See `sign`.
        """
        with self._locked(), self._view() as view:
            known = self.known_keys(view)
            given = _cosigned_note(note, known)
            self._check_same(view, given, "by its key, as the note shows")
            kept = self._cosigned.read(known)
            if kept is not None and kept.checkpoint.tree_size > given.checkpoint.tree_size:
                raise ConflictError(
                    f"a checkpoint of {kept.checkpoint.tree_size} blocks is cosigned already, and this "
                    f"one is of {given.checkpoint.tree_size}",
                    hint="let all witnesses cosign the same checkpoint: `indelible witness --checkpoint`",
                )
            combined = given.note
            if kept is not None and kept.checkpoint == given.checkpoint:
                combined = _added(kept.note, given.note)
            _check_size(combined)
            if kept is None or combined != kept.note:
                self._cosigned.write(combined)
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

    def _newest_cosigned(self, view: StoreView) -> Signed:
        known = self.known_keys(view)
        cosigned = self._cosigned.read(known)
        if cosigned is None:
            raise UnsupportedError(
                "no checkpoint of this ledger has cosignatures", hint=f"first: {HOW_TO_COSIGN}"
            )
        if cosigned.key != known.current:
            raise UnsupportedError(
                "no checkpoint has cosignatures since the ledger's key was rotated",
                hint=f"have one cosigned: {HOW_TO_COSIGN}",
            )
        return cosigned

    def _check_same(self, view: StoreView, last: Signed, place: str) -> None:
        """Our tree, at a size that was signed, must have the root that was signed then."""
        signed, size = last.checkpoint, view.newest_block()[0] + 1
        if signed.tree_size > size:
            message = (
                f"a checkpoint of {signed.tree_size} blocks was signed "
                f"{place}, but the state store has {size}"
            )
            if self._follows:
                raise StaleReadError(message, hint="open the ledger for writing once")
            raise IntegrityError(
                message, hint="the journal was cut: find the blocks that are missing"
            )
        if signed.tree_size and view.tree(signed.tree_size).root() != signed.root_hash:
            raise IntegrityError(
                f"the tree of {signed.tree_size} blocks has another root than the checkpoint "
                f"signed {place}",
                hint="the journal, or the state store, is not the one that was signed",
            )

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


def _here(file: NoteFile) -> str:
    return f"here ({file.path})"


def _cosigned_note(note: str, known: LedgerKeys) -> Signed:
    """A cosigned checkpoint of the ledger's current key, without lines of the ledger's older keys."""
    try:
        given, signed = parse_note(note), open_own(note, known)
    except ProofRejectedError as error:
        raise InputError(f"not a cosigned checkpoint of this ledger: {error.message}") from error
    if signed.key != known.current:
        raise ConflictError(
            "the ledger's key was rotated after this checkpoint was signed",
            hint=f"have a newer one cosigned: {HOW_TO_COSIGN}",
        )
    if signed.checkpoint.extensions or not signed.checkpoint.tree_size:
        raise InputError("this ledger signs no checkpoint with extensions, or of no blocks")
    own = {parse_verifier_key(key)[:2] for key in known.keys}
    current = parse_verifier_key(known.current)[:2]
    lines = {line[:2]: line for line in given.signatures}  # the last of each key
    added = [line for by, line in lines.items() if by not in own]
    if not added:
        raise InputError("the note has no signature but the ledger's own")
    cleaned = format_note(Note(given.text, (lines[current], *added)))
    return Signed(signed.checkpoint, cleaned, signed.key)


def _added(kept: str, given: str) -> str:
    """The note kept, with the lines of another copy; a witness's newer line replaces its older one."""
    for line in parse_note(given).signatures[1:]:  # the first is the ledger's own
        kept = add_signature(kept, line)
    return kept


def _check_size(note: str) -> None:
    if len(parse_note(note).signatures) > COSIGNATURES_MAX + 1:
        raise InputError(f"a checkpoint takes {COSIGNATURES_MAX} cosignatures at most")
    if len(note.encode()) > COSIGNED_SIZE_MAX:
        raise InputError(f"a cosigned checkpoint has at most {COSIGNED_SIZE_MAX} bytes")
