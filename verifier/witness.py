"""A witness: somebody who remembers what a ledger signed, and cosigns only what continues it.

```
state, note, proof -> decide -> a checkpoint to cosign and the next state | InconsistentCheckpointError
```

A cosignature says: at that time this was the largest consistent tree of that origin which the witness had
seen. A ledger that shows two histories has to find enough witnesses that forget; so the state is kept
durably before a cosignature leaves. Pure: whoever calls does the reading, writing and signing.

Source: C2SP tlog-cosignature; what a witness must check as in C2SP tlog-witness.
"""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from journal.errors import InputError, ProofRejectedError
from verifier.checkpoint import Checkpoint, check_consistent, open_checkpoint, parse_checkpoint
from verifier.encoding import read_json_object
from verifier.note import (
    NOTE_SIZE_MAX,
    Note,
    SignatureLine,
    Signer,
    add_signature,
    format_note,
    parse_note,
    signature_line,
)

FORMAT: Final = "indelible-witness/1"
STATE_SIZE_MAX: Final = 64 * NOTE_SIZE_MAX


class Seen(NamedTuple):
    """The newest tree of one ledger that was cosigned, and its note as it came."""

    checkpoint: Checkpoint
    note: str


class WitnessState(NamedTuple):
    """What a witness remembers: origin -> the newest tree it saw."""

    seen: Mapping[str, Seen] = MappingProxyType({})


class Decision(NamedTuple):
    """Cosign `checkpoint`, after `state` is kept."""

    checkpoint: Checkpoint
    state: WitnessState


def decide(state: WitnessState, key: str, note: str, proof: Sequence[bytes]) -> Decision:
    """Decide about a checkpoint that the ledger with `key` (a vkey) has signed.

    1. The ledger has signed it (`open_checkpoint`).
    2. The first tree of a ledger is taken as it is, with an empty proof: there is nothing to compare.
    3. A later one continues the tree seen before: not smaller, no other root, and `proof` shows it
       (empty if it is the same tree).

    Raises:
        ProofRejectedError: Not signed by the ledger, or a proof where there is nothing to prove.
        InconsistentCheckpointError: It contradicts what was seen: do not cosign; keep both notes.
        InputError: `key` is no ledger's key.
    """
    checkpoint = open_checkpoint(note, key)  # (1)
    before = state.seen.get(checkpoint.origin)
    if before is None:  # (2)
        if proof:
            raise ProofRejectedError("a consistency proof, but this ledger was not seen before")
    else:  # (3)
        check_consistent(before.checkpoint, checkpoint, proof, evidence=(before.note, note))
    seen = {**state.seen, checkpoint.origin: Seen(checkpoint, note)}
    return Decision(checkpoint, WitnessState(MappingProxyType(seen)))


def cosign(note: str, signer: Signer) -> str:
    """The checkpoint with a witness's line added; `decide` comes first.

    A line that this witness made before gives way.

    Raises:
        ProofRejectedError: Not a checkpoint.
    """
    text = parse_note(note).text
    parse_checkpoint(text)
    return add_signature(note, signature_line(text, signer))


def merge_cosignatures(note: str, cosigned: str) -> str:
    """The note with the lines which `cosigned`, a copy of the same checkpoint, has beyond it.

    A line of a key that both have is the one of `cosigned`. Verifies nothing.

    Raises:
        ProofRejectedError: One is no note.
        InputError: They are of different texts.
    """
    ours, theirs = parse_note(note), parse_note(cosigned)
    if ours.text != theirs.text:
        raise InputError("the cosigned checkpoint is another one: ask for cosignatures anew")
    lines: dict[tuple[str, bytes], SignatureLine] = {line[:2]: line for line in ours.signatures}
    lines |= {line[:2]: line for line in theirs.signatures}
    return format_note(Note(ours.text, tuple(lines.values())))


def format_state(state: WitnessState) -> str:
    """The state as JSON text: what `parse_state` reads."""
    fields = {
        "format": FORMAT,
        "seen": {origin: seen.note for origin, seen in sorted(state.seen.items())},
    }
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"


def parse_state(data: str | bytes) -> WitnessState:
    """Read a kept state. The file is the witness's own: its notes are read, not verified again.

    Raises:
        ProofRejectedError: Not such a file. A witness that starts anew forgets: repair it instead.
    """
    fields = read_json_object(data, "the witness's state", STATE_SIZE_MAX)
    notes = fields.get("seen")
    if fields.keys() != {"format", "seen"} or fields["format"] != FORMAT:
        raise ProofRejectedError(f"the witness's state does not have the fields of {FORMAT!r}")
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise ProofRejectedError("the witness's state holds something else than notes")
    seen = {}
    for origin, note in notes.items():
        checkpoint = parse_checkpoint(parse_note(note).text)
        if checkpoint.origin != origin:
            raise ProofRejectedError("the witness's state holds a checkpoint under another origin")
        seen[origin] = Seen(checkpoint, note)
    return WitnessState(MappingProxyType(seen))
