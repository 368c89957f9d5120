"""What a client remembers of one checkpoint that it verified, as text: JSON with one field a line.

```
note       the signed note, verbatim
key_chain  rotation notes that lead from the ledger's first key to the one that signed; absent if none
```
"""

import json
from typing import Any, Final, NamedTuple

from journal.errors import ProofRejectedError
from verifier.checkpoint import Checkpoint, parse_checkpoint
from verifier.encoding import read_json_object
from verifier.fields import Fields
from verifier.note import parse_note

_SIZE_MAX: Final = 16 * 1024 * 1024


class Seen(NamedTuple):
    """A verified checkpoint, and the rotation notes that came with it."""

    tree: Checkpoint
    note: str
    chain: tuple[str, ...] = ()


def format_seen(seen: Seen) -> str:
    """The text that `parse_seen` reads."""
    fields: dict[str, Any] = {"note": seen.note}
    if seen.chain:
        fields["key_chain"] = list(seen.chain)
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"


def parse_seen(text: str) -> Seen:
    """What was remembered; the client's own word, so its signatures are not verified again.

    Raises:
        ProofRejectedError: Not such a text.
    """
    fields = Fields.of(read_json_object(text, "the file", _SIZE_MAX), "the file")
    note = fields.text("note")
    chain = fields.texts("key_chain") if fields.has("key_chain") else ()
    if extra := fields.values.keys() - {"note", "key_chain"}:
        raise ProofRejectedError(f"the file has a field that has no place: {min(extra)!r:.60}")
    return Seen(parse_checkpoint(parse_note(note).text), note, chain)
