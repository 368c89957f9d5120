"""Checkpoints: what a ledger's whole tree was at one size, signed by the ledger.

```
indelible/registry/7n42DGM5Tflk9n8mt7Fhc7        origin: which ledger; also the name of its key
70000                                            tree size: how many blocks
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     root hash of the tree of that size
                                                 (more lines: extensions, kept and not understood)
— indelible/registry/7n42DGM5Tflk9n8mt7Fhc7 ...  the ledger's signature
— witness.example.com/w1 ...                     cosignatures of witnesses, if any
```

One checkpoint anchors everything before it. Two of one ledger must agree: the smaller tree is how the
larger begins. If they do not, the pair is the evidence that the ledger shows different histories.

Source: C2SP tlog-checkpoint. Bytes: docs/formats/checkpoint.md.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from journal.errors import InconsistentCheckpointError, InputError, ProofRejectedError
from journal.hashing import EMPTY_ROOT, HASH_SIZE
from journal.values import is_utf8
from verifier.encoding import read_base64, read_decimal, write_base64
from verifier.keys import COSIGNATURE, VerifierKey, ed25519_verifier, parse_verifier_key
from verifier.keys import cosignature_verifier as witness_verifier
from verifier.merkle import verify_consistency
from verifier.note import Signer, open_note, sign_note

EXTENSIONS_MAX: Final = 100


class Checkpoint(NamedTuple):
    """The tree of one ledger at one size. `root_hash` is 32 bytes, extensions are lines without LF."""

    origin: str
    tree_size: int
    root_hash: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The lines that are signed.

        >>> Checkpoint("example.com/log", 1, bytes(32)).text().splitlines()[:2]
        ['example.com/log', '1']
        """
        lines = (
            self.origin,
            str(self.tree_size),
            write_base64(self.root_hash),
            *self.extensions,
            "",
        )
        return "\n".join(lines)


class WitnessPolicy(NamedTuple):
    """How many of which witnesses must have cosigned. `keys` are vkeys of type 04."""

    keys: tuple[str, ...]
    threshold: int


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint note; who signed it is not looked at.

    Raises:
        ProofRejectedError: Not the text of a checkpoint.
    """
    if not text.endswith("\n"):
        raise ProofRejectedError("the last line of the checkpoint does not end")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise ProofRejectedError("a checkpoint has three lines or more, and no empty one")
    origin, size, root, *extensions = lines
    if len(extensions) > EXTENSIONS_MAX:
        raise ProofRejectedError(f"a checkpoint has at most {EXTENSIONS_MAX} extension lines")
    tree_size = read_decimal(size, "the tree size of the checkpoint")
    root_hash = read_base64(root, "the root hash of the checkpoint", size=HASH_SIZE)
    if not tree_size and root_hash != EMPTY_ROOT:
        raise ProofRejectedError(
            "the checkpoint names a root of the empty tree that it cannot have"
        )
    return Checkpoint(origin, tree_size, root_hash, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note.

    Decides nothing: that no two checkpoints contradict each other is up to who calls this.

    Raises:
        InputError: The signer has another name than the origin, or the checkpoint cannot be written.
    """
    if signer.name != checkpoint.origin:
        raise InputError(f"the key of {signer.name} cannot sign for {checkpoint.origin}")
    text = checkpoint.text()
    try:
        same = parse_checkpoint(text) == checkpoint and is_utf8(text)
    except ProofRejectedError as error:
        raise InputError(f"this checkpoint cannot be written: {error}") from None
    if not same:
        raise InputError("this checkpoint cannot be written: it would be read as another one")
    return sign_note(text, signer)


def open_checkpoint(note: str | bytes, key: str, policy: WitnessPolicy | None = None) -> Checkpoint:
    """Read a checkpoint and check who vouches for it.

    1. The note is well formed; each line of a known key (the ledger's, the policy's) verifies.
    2. The ledger's key `key` (a vkey) has signed.
    3. The text is a checkpoint, and its origin is the name of that key.
    4. With a policy: as many different witnesses have cosigned as it asks for.

    Raises:
        ProofRejectedError: One of these is not so.
        InputError: The key or the policy makes no sense.
    """
    own = parse_verifier_key(key)
    verifiers = [ed25519_verifier(own)]
    witnesses = _witnesses(policy, own)
    verifiers += [witness_verifier(one) for one in witnesses]
    opened, verified = open_note(note, verifiers)  # (1)
    signed = {line[:2] for line in verified}
    if own[:2] not in signed:  # (2)
        raise ProofRejectedError(f"the checkpoint is not signed by {own.name}")
    checkpoint = parse_checkpoint(opened.text)  # (3)
    if checkpoint.origin != own.name:
        raise ProofRejectedError(
            f"the checkpoint is one of {checkpoint.origin}, the key one of {own.name}"
        )
    if policy is not None:  # (4)
        _check_witnessed(witnesses, signed, policy.threshold)
    return checkpoint


def check_consistent(
    older: Checkpoint,
    newer: Checkpoint,
    proof: Sequence[bytes],
    *,
    evidence: tuple[str, str] = ("", ""),
) -> None:
    """Check that `newer` continues `older`: both opened before, `evidence` their notes.

    Every tree continues the empty one; that needs no proof, and has an empty one.

    Raises:
        InconsistentCheckpointError: The tree shrank, has two roots at one size, or the proof does not
            show that it only grew. Carries the notes and the proof.
        ProofRejectedError: They are of two ledgers; or a proof where there is nothing to prove.
    """
    if older.origin != newer.origin:
        raise ProofRejectedError(
            f"checkpoints of two ledgers: {older.origin} and {newer.origin}; nothing can be compared"
        )
    reason = _contradiction(older, newer, proof)
    if reason:
        raise InconsistentCheckpointError(
            f"{older.origin}: {reason}",
            older=evidence[0],
            newer=evidence[1],
            proof=tuple(proof),
            hint="keep both notes: they are the evidence; ask the ledger's operator to explain",
        )


def _contradiction(older: Checkpoint, newer: Checkpoint, proof: Sequence[bytes]) -> str:
    if newer.tree_size < older.tree_size:
        return f"the tree went back from {older.tree_size} to {newer.tree_size} blocks"
    if newer.tree_size == older.tree_size and newer.root_hash != older.root_hash:
        return (
            f"two roots for {older.tree_size} blocks, "
            f"{older.root_hash.hex()} and {newer.root_hash.hex()}"
        )
    if not older.tree_size or newer.tree_size == older.tree_size:
        if proof:
            raise ProofRejectedError("a consistency proof where there is nothing to prove")
        return ""
    try:
        verify_consistency(
            older.tree_size, older.root_hash, newer.tree_size, newer.root_hash, proof
        )
    except ProofRejectedError as error:
        return (
            f"no proof that the tree of {newer.tree_size} blocks continues that of "
            f"{older.tree_size}: {error}"
        )
    return ""


def _witnesses(policy: WitnessPolicy | None, own: VerifierKey) -> list[VerifierKey]:
    if policy is None:
        return []
    keys = [parse_verifier_key(key) for key in policy.keys]
    if any(key.signature_type != COSIGNATURE for key in keys):
        raise InputError("a witness's key is one for cosignatures (type 04)")
    if len({key.public_key for key in [own, *keys]}) != len(keys) + 1:
        raise InputError("two of the keys are one: each witness has a key of its own")
    if not 0 < policy.threshold <= len(keys):
        raise InputError(f"{policy.threshold} of {len(keys)} witnesses cannot be asked for")
    return keys


def _check_witnessed(
    witnesses: Sequence[VerifierKey], signed: set[tuple[str, bytes]], threshold: int
) -> None:
    count = sum((key.name, key.key_id) in signed for key in witnesses)
    if count < threshold:
        raise ProofRejectedError(
            f"the checkpoint is cosigned by {count} of {len(witnesses)} known witnesses, "
            f"and {threshold} are asked for"
        )
