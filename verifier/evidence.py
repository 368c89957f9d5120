"""Evidence of a fork as a file: two signed checkpoints which cannot both be of one ledger.

What such a file proves depends on what is in it. `older` is the note of the smaller tree.

* Same size, two roots: a fork, proven. The ledger signed two histories.
* Sizes m < n, and a proof that leads to the root at n, but from another root at m: a fork, proven. The
  tree of n blocks began otherwise than the one of m.
* Sizes m < n, and no proof that leads to the root at n: not proven.
* Sizes m < n, and a proof from the one root to the other, or the same tree twice: no fork; refused.

The second case holds because each hash of a consistency proof has a fixed place in the larger tree: what
leads to that tree's root is that tree. It needs an m that is no power of two, since the proof leaves the
smaller root out otherwise. A ledger that shows two clients a history each, with honest proofs in each,
gives this kind of evidence away.

In the third case anybody could have made the file from two good notes. It says that somebody asked for a
proof and got none that is valid; ask the ledger for one, and keep the notes. A smaller tree signed after
a larger one is of this kind too: notes carry no time, so they do not show which was signed first.

Source: own format. Bytes: docs/formats/checkpoint.md.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from journal.errors import ProofRejectedError
from verifier.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from verifier.encoding import read_hashes, read_json_object, write_base64
from verifier.merkle import PROOF_LENGTH_MAX, implied_roots
from verifier.note import NOTE_SIZE_MAX, parse_note
from verifier.rotation import CHAIN_LENGTH_MAX, ROTATION_SIZE_MAX, keys_along

FORMAT: Final = "indelible-fork-evidence/1"
FILE_SIZE_MAX: Final = 4 * NOTE_SIZE_MAX + 2 * CHAIN_LENGTH_MAX * ROTATION_SIZE_MAX + 65536
"""Two notes and a chain, each as large as it may be: JSON takes two bytes for a quotation mark."""

_TEXTS: Final = {"format", "older", "newer", "key", "reason"}
_FIELDS: Final = _TEXTS | {"proof"}


class Verdict(NamedTuple):
    """What evidence shows; `sentence` says it in words. `proven` is False where it only claims."""

    proven: bool
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def format_evidence(
    older: str,
    newer: str,
    key: str,
    proof: Sequence[bytes] = (),
    reason: str = "",
    key_chain: Sequence[str] = (),
) -> str:
    """The text of an evidence file, JSON with one field a line.

    `older` and `newer` are the signed notes, verbatim; they are put in order of their tree sizes. `key`
    (a vkey) and `reason` are for the reader and prove nothing. `key_chain` holds the rotation notes from
    that key on, where a note is signed by a later one.

    Raises:
        ProofRejectedError: One of the two is no checkpoint.
    """
    notes = sorted(
        (older, newer), key=lambda note: parse_checkpoint(parse_note(note).text).tree_size
    )
    fields: dict[str, Any] = {
        "format": FORMAT,
        "older": notes[0],
        "newer": notes[1],
        "key": key,
        "proof": [write_base64(one) for one in proof],
        "reason": reason,
    }
    if key_chain:
        fields["key_chain"] = list(key_chain)
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"


def verify_evidence(data: bytes | str, key: str) -> Verdict:
    """Say what an evidence file proves against the owner of `key` (a vkey, pinned by the reader).

    1. The file has exactly the fields of its format.
    2. Both notes are checkpoints, each signed by `key` or by one that the file's key chain leads to.
    3. The notes and the proof are judged by the table above.

    Raises:
        ProofRejectedError: It proves nothing: not such a file, not signed, or no fork at all.
        InputError: `key` is no ledger's key.
    """
    fields = read_json_object(data, "the evidence", FILE_SIZE_MAX)
    if fields.get("format") != FORMAT or fields.keys() - {"key_chain"} != _FIELDS:  # (1)
        raise ProofRejectedError(f"the evidence does not have the fields of {FORMAT!r}")
    chain = fields.get("key_chain", [])
    if not isinstance(chain, list) or not all(
        isinstance(text, str) for text in [*(fields[name] for name in _TEXTS), *chain]
    ):
        raise ProofRejectedError("the evidence has a field of another type")
    proof = read_hashes(fields["proof"], "the proof of the evidence", PROOF_LENGTH_MAX)
    keys = keys_along(key, chain)  # (2)
    older = _opened(fields["older"], keys, "older")
    newer = _opened(fields["newer"], keys, "newer")
    if older.tree_size > newer.tree_size:
        raise ProofRejectedError("the older checkpoint of the evidence has the larger tree")
    return judge(older, newer, proof)  # (3)


def judge(older: Checkpoint, newer: Checkpoint, proof: Sequence[bytes]) -> Verdict:
    """What two opened checkpoints of one ledger and a consistency proof show; `older` is not larger.

    Raises:
        ProofRejectedError: No fork.
    """
    origin, sizes = older.origin, (older.tree_size, newer.tree_size)
    if sizes[0] == sizes[1]:
        if older.root_hash == newer.root_hash:
            raise ProofRejectedError("both checkpoints name the same tree: no fork")
        return Verdict(True, f"fork: {origin} signed two roots for {sizes[0]} blocks")
    if not sizes[0]:
        raise ProofRejectedError("every tree continues the empty one: no fork")
    try:
        before, after = implied_roots(sizes[0], older.root_hash, sizes[1], proof)
    except ProofRejectedError as error:
        return _unproven(origin, sizes, str(error))
    if after != newer.root_hash:
        return _unproven(origin, sizes, "it does not lead to the larger tree's root")
    if before == older.root_hash:
        raise ProofRejectedError("the larger tree continues the smaller one: no fork")
    return Verdict(
        True,
        f"fork: {origin} signed a tree of {sizes[1]} blocks whose first {sizes[0]} have another root "
        f"than the one that it signed for {sizes[0]} blocks",
    )


def _unproven(origin: str, sizes: tuple[int, int], reason: str) -> Verdict:
    return Verdict(
        False,
        f"not proven: {origin} signed trees of {sizes[0]} and {sizes[1]} blocks, was asked for a proof "
        f"and did not give a valid one ({reason}); anyone can claim so: ask the ledger for a proof",
    )


def _opened(note: str, keys: Sequence[str], which: str) -> Checkpoint:
    """The checkpoint, by the first key that has signed it."""
    for number, key in enumerate(keys, start=1):
        try:
            return open_checkpoint(note, key)
        except ProofRejectedError as error:
            if number == len(keys):
                raise ProofRejectedError(
                    f"the {which} checkpoint of the evidence: {error}"
                ) from None
    raise AssertionError("a chain has its first key at least")
