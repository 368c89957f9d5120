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
from verifier.evidence import format_evidence
from verifier.keys import (
    COSIGNATURE,
    cosignature_signer,
    new_private_key,
    parse_verifier_key,
    verifier_key_of,
)
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

    def cosign(self, ledger: Ledger) -> str:
        """The ledger's newest checkpoint with this witness's cosignature, if it continues the last one.

        What was seen is durable before the cosignature leaves.

        Raises:
            InconsistentCheckpointError: It contradicts what was seen; the evidence is in a file beside
                the key, which the error names.
            IntegrityError, LedgerError: See `Ledger.checkpoint`.
        """
        with self._locked():
            state = self._state()
            checkpoint = ledger.checkpoint()
            before = state.seen.get(checkpoint.origin)
            proof: tuple[bytes, ...] = ()
            if before is not None and 0 < before.checkpoint.tree_size < checkpoint.tree_size:
                size = before.checkpoint.tree_size
                proof = tuple(ledger.consistency(size, checkpoint.tree_size))
            try:
                decision = decide(state, checkpoint.key, checkpoint.note, proof)
            except InconsistentCheckpointError as error:
                raise self._with_evidence(error, checkpoint) from error
            self._write(".state", format_state(decision.state).encode())
            return cosign(checkpoint.note, self._signer)

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
        path = self._write(f".evidence-{sha256(data).hexdigest()[:16]}.json", data)
        return InconsistentCheckpointError(
            f"{error.message}; evidence is in {path}",
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
