"""What the journal's own bytes cannot prove: that it is all there, and that it is the ledger meant.

Whoever can write a journal can write it anew, hashes and all, or cut its tail. What finds that is a
checkpoint from elsewhere, signed by a key from elsewhere (pinned):

(1) the journal's key chain is whole: each rotation is signed by the key before
(2) the pinned key is one of that chain
(3) each checkpoint is signed by a key of the chain
(4) no two checkpoints contradict each other
(5) the journal reaches each checkpoint's tree size, and has its root there
(6) anchored is what the largest checkpoint of the pinned key, or of one that follows it, covers
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from journal.errors import (
    InconsistentCheckpointError,
    InputError,
    IntegrityError,
    ProofRejectedError,
)
from verifier.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from verifier.keys import parse_verifier_key
from verifier.note import parse_note
from verifier.rotation import CHAIN_LENGTH_MAX, open_rotation


class Anchor(NamedTuple):
    """A checkpoint that the journal must agree with.

    Attributes:
        note: Signed.
        source: Where it comes from, for people: a file's name.
        needs_pin: It lies beside the journal, so it anchors only if the key was pinned. (Where no key
            was, nothing but the journal says whose signature is right.)
    """

    note: str
    source: str


class KeyChain(NamedTuple):
    """The key that the genesis names, and the notes that lead from it to the newest one."""

    first: str
    rotations: tuple[str, ...]


class Anchored(NamedTuple):
    """What the checkpoints proved.

    Attributes:
        checkpoints: Opened, by tree size.
        blocks: The first so many blocks are anchored, if the key is pinned.
    """

    checkpoints: tuple[Checkpoint, ...]
    blocks: int


def tree_sizes(anchors: Sequence[Anchor]) -> list[int]:
    """The tree sizes whose roots will be needed.

    Raises:
        ProofRejectedError: One is no checkpoint; names its source.
    """
    return [_parsed(anchor).tree_size for anchor in anchors]


def check_keys(keys: Sequence[str], rotations: Sequence[str], pinned: str | None) -> int:
    """Steps (1) and (2): the place of the pinned key in the chain; 0 if none is pinned.

    Raises:
        IntegrityError: The pinned key is not the ledger's, or the chain is broken.
        InputError: The pinned key is none.
    """
    try:
        parse_verifier_key(keys[0])
    except InputError as error:
        raise IntegrityError(f"the first block names no key of a ledger: {error}") from error
    if len(rotations) > CHAIN_LENGTH_MAX:
        raise IntegrityError(f"the ledger's key was rotated more than {CHAIN_LENGTH_MAX} times")
    for number, note in enumerate(rotations):  # (1)
        try:
            follower = open_rotation(note, keys[number])
        except (ProofRejectedError, InputError) as error:
            raise IntegrityError(f"key rotation {number + 1} of the ledger: {error}") from error
        if follower != keys[number + 1]:
            raise IntegrityError(
                f"key rotation {number + 1} of the ledger: its note names another key than its document"
            )
    if pinned is None:
        return 0
    wanted = parse_verifier_key(pinned)
    for number, key in enumerate(keys):  # (2)
        if parse_verifier_key(key) == wanted:
            return number
    raise IntegrityError(
        f"the journal is of a ledger with the key {keys[0]}, not with the pinned key {pinned}",
        hint="it is another ledger, or a forged one; do not trust it",
    )


def check_anchors(
    anchors: Sequence[Anchor],
    *,
    keys: Sequence[str],
    pinned_at: int,
    roots: Mapping[int, bytes],
    tree_size: int,
    suspect: str = "",
) -> Anchored:
    """Steps (3) to (6).

    Args:
        anchors: Checkpoints.
        keys, pinned_at: The key chain, and where in it the pinned key is.
        roots: Of the journal's tree, at each size that it reaches.
        tree_size: Blocks of the journal.
        suspect: What may be left of a block that is missing at the end.

    Raises:
        ProofRejectedError: One is signed by none of these keys.
        InconsistentCheckpointError: Two contradict each other.
        IntegrityError: The journal contradicts one: it was cut or changed.
    """
    opened = sorted(
        ((*_opened(anchor, keys), anchor) for anchor in anchors), key=lambda one: one[0].tree_size
    )
    anchored, agreed = 0, 0
    before: tuple[Checkpoint, Anchor] | None = None
    for checkpoint, key_number, anchor in opened:
        if before is not None:
            _expect_consistent(*before, checkpoint, anchor)  # (4)
        if checkpoint.tree_size > tree_size:  # (5)
            raise _cut(checkpoint, anchor, tree_size, suspect)
        root = roots[checkpoint.tree_size]
        if root != checkpoint.root_hash:
            raise IntegrityError(
                f"{anchor.source} was signed for {checkpoint.tree_size} blocks with root "
                f"{checkpoint.root_hash.hex()}, but the journal's first {checkpoint.tree_size} blocks "
                f"have root {root.hex()}: "
                f"{_blocks(agreed, checkpoint.tree_size)} changed since",
                hint="the journal was written anew from there on; restore it from an export",
            )
        agreed = checkpoint.tree_size
        if key_number >= pinned_at:  # (6)
            anchored = checkpoint.tree_size
        before = checkpoint, anchor
    return Anchored(tuple(checkpoint for checkpoint, _, _ in opened), anchored)


def _opened(anchor: Anchor, keys: Sequence[str]) -> tuple[Checkpoint, int]:
    """Step (3): the checkpoint, and the number of the newest key that signed it."""
    problem = ProofRejectedError("it is signed by nobody")
    for number in range(len(keys) - 1, -1, -1):
        try:
            return open_checkpoint(anchor.note, keys[number]), number
        except ProofRejectedError as error:
            problem = error
    raise ProofRejectedError(f"{anchor.source} is no checkpoint of this ledger: {problem}")


def _parsed(anchor: Anchor) -> Checkpoint:
    try:
        return parse_checkpoint(parse_note(anchor.note).text)
    except ProofRejectedError as error:
        raise ProofRejectedError(f"{anchor.source} is no checkpoint: {error}") from error


def _expect_consistent(
    older: Checkpoint, older_anchor: Anchor, newer: Checkpoint, newer_anchor: Anchor
) -> None:
    """Sizes that differ are compared with the journal itself; one size has one root."""
    if older.tree_size == newer.tree_size and older.root_hash != newer.root_hash:
        raise InconsistentCheckpointError(
            f"{older_anchor.source} and {newer_anchor.source} name two roots for "
            f"{older.tree_size} blocks: the ledger's key signed two histories",
            older=older_anchor.note,
            newer=newer_anchor.note,
            hint="keep both notes: they are the evidence; ask the ledger's operator to explain",
        )


def _cut(checkpoint: Checkpoint, anchor: Anchor, tree_size: int, suspect: str) -> IntegrityError:
    end = f"; {suspect}" if suspect else ""
    return IntegrityError(
        f"{anchor.source} was signed for {checkpoint.tree_size} blocks, but the journal has only "
        f"{tree_size}: its tail was cut from block {tree_size} on{end}",
        hint="restore it from a replica or an export",
    )


def _blocks(start: int, end: int) -> str:
    last: Final = end - 1
    return f"block {last}" if start == last else f"one of the blocks {start} to {last}"
