"""A witness: remembers the last tree of each ledger that it saw, and cosigns what continues it.

```
KEY        private key (PEM)
KEY.pub    its public key (vkey, type 04), which also has the witness's name
KEY.state  the newest tree of each ledger that it cosigned
```
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from indelible.client.ledger import Ledger
from indelible.client.proofs import Checkpoint
from indelible.files import locked, replace_file
from journal.ambient import Clock
from journal.errors import (
    ConfigurationError,
    InconsistentCheckpointError,
    InputError,
    ProofRejectedError,
)
from verifier.checkpoint import Checkpoint as Tree
from verifier.checkpoint import check_consistent, open_checkpoint, parse_checkpoint
from verifier.evidence import format_evidence
from verifier.keys import (
    COSIGNATURE,
    cosignature_signer,
    new_private_key,
    parse_verifier_key,
    verifier_key_of,
)
from verifier.note import parse_note
from verifier.witness import STATE_SIZE_MAX, WitnessState, cosign, decide, format_state, parse_state

_KEY_SIZE_MAX: Final = 64 * 1024


def new_witness_key(path: Path, name: str, passphrase: bytes | None) -> str:
    """Make a witness's key pair in `path` and `path`.pub; returns the public key.

    Raises:
        InputError: A name that notes cannot carry, or there is a file already.
        ConfigurationError: A file cannot be written.
    """
    if path.exists():
        raise InputError(f"there is a file {path} already")
    pem = new_private_key(passphrase)
    public = verifier_key_of(pem, name, passphrase, signature_type=COSIGNATURE)
    try:
        replace_file(path, pem)
        replace_file(_beside(path, ".pub"), f"{public}\n".encode())
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    return public


class Witness:
    """A witness whose key, and what it remembers, are files of its own."""

    def __init__(self, path: Path, *, passphrase: bytes | None, clock: Clock) -> None:
        """Read the key.

        Args:
            path: The private key's file; see the module for those beside it.
            passphrase: Of the private key, if it is encrypted.
            clock: What cosignatures say as their time.

        Raises:
            InputError: The files are no key pair of a witness.
        """
        self._path = path
        pem, public = _read(path), _read(_beside(path, ".pub")).decode(errors="replace").strip()
        name = parse_verifier_key(public).name
        needed = passphrase if b"ENCRYPTED" in pem else None
        if verifier_key_of(pem, name, needed, signature_type=COSIGNATURE) != public:
            raise InputError(f"{path} and {_beside(path, '.pub')} are not one key pair")
        self._signer = cosignature_signer(pem, name, clock, needed)
        self.public_key = public

    def cosign(self, ledger: Ledger, note: str | None = None) -> str:
        """A checkpoint of the ledger with this witness's cosignature, if it continues the last one.

        What was seen is durable before the cosignature leaves.

        Args:
            ledger: Where the newest checkpoint and proofs come from.
            note: Cosign this checkpoint, say one that another witness has cosigned; None: the newest.

        Raises:
            InputError: This witness has cosigned a larger tree than that of `note`.
            ProofRejectedError: `note` is not signed by the ledger's current key.
            InconsistentCheckpointError: It contradicts what was seen; the evidence is in a file beside
                the key, which the error names.
            IntegrityError, LedgerError: See `Ledger.checkpoint`.
        """
        with self._locked():
            state = self._state()
            newest = ledger.checkpoint()
            given = newest.note if note is None else note
            tree = open_checkpoint(given, newest.key)
            before = state.seen.get(tree.origin)
            if note is not None and before is not None:
                _expect_not_smaller(tree, before.checkpoint)
            try:
                if note is not None:
                    whole = parse_checkpoint(parse_note(newest.note).text)
                    shown = sorted(
                        [(tree, given), (whole, newest.note)], key=lambda each: each[0][1]
                    )
                    (one, older), (two, newer) = shown
                    check_consistent(one, two, _proof(ledger, one, two), evidence=(older, newer))
                proof = () if before is None else _proof(ledger, before.checkpoint, tree)
                decision = decide(state, newest.key, given, proof)
            except InconsistentCheckpointError as error:
                raise self._with_evidence(error, newest) from error
            self._write(".state", format_state(decision.state).encode())
            return cosign(given, self._signer)

    def _with_evidence(
        self, error: InconsistentCheckpointError, checkpoint: Checkpoint
    ) -> InconsistentCheckpointError:
        data = format_evidence(
            older=error.older,
            newer=error.newer,
            key=checkpoint.key,
            proof=error.proof,
            reason=error.message,
            key_chain=checkpoint.key_chain,
        ).encode()
        try:
            path = self._write(f".evidence-{sha256(data).hexdigest()[:16]}.json", data)
            saved = f"evidence is in {path}"
        except ConfigurationError as failure:  # the alarm comes first
            saved = f"the evidence could not be saved, keep this error's notes: {failure.message}"
        return InconsistentCheckpointError(
            f"{error.message}; {saved}",
            older=error.older,
            newer=error.newer,
            proof=error.proof,
            hint="nothing was cosigned; `indelible verify` judges the evidence",
        )

    def _state(self) -> WitnessState:
        path = _beside(self._path, ".state")
        if not path.exists():
            return WitnessState()
        try:
            return parse_state(_read(path, STATE_SIZE_MAX))
        except ProofRejectedError as error:
            raise ConfigurationError(
                f"{path} is damaged: {error.message}",
                hint="restore it: a witness that forgets is none",
            ) from error

    def _write(self, suffix: str, data: bytes) -> Path:
        path = _beside(self._path, suffix)
        try:
            replace_file(path, data)
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
        return path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = _beside(self._path, ".lock")
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(path))
            except OSError as error:
                raise ConfigurationError(f"cannot lock {path}: {error.strerror}") from error
            yield


def _proof(ledger: Ledger, older: Tree, newer: Tree) -> tuple[bytes, ...]:
    if not 0 < older.tree_size < newer.tree_size:
        return ()
    return tuple(ledger.consistency(older.tree_size, newer.tree_size))


def _expect_not_smaller(tree: Tree, before: Tree) -> None:
    if tree.tree_size < before.tree_size:
        raise InputError(
            f"this witness has cosigned a tree of {before.tree_size} blocks, "
            f"so it does not cosign one of {tree.tree_size}",
            hint="give it a newer checkpoint",
        )


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _read(path: Path, size_max: int = _KEY_SIZE_MAX) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size_max)
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}",
            hint="`indelible key new FILE --name NAME` makes a witness's key pair",
        ) from error
