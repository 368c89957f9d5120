"""Key rotation: the old key says which key comes after it.

```
indelible-key-rotation/1
indelible/registry/7n42DGM5Tflk9n8mt7Fhc7                              origin
indelible/registry/7n42DGM5Tflk9n8mt7Fhc7+6f1c2a90+AWlu...             new key, a vkey

— indelible/registry/7n42DGM5Tflk9n8mt7Fhc7 ...                        signature of the OLD key
```

A ledger's notes make a chain, oldest first. Who pinned any key of the chain follows it from there to the
current key, and trusts no more than that key's owner. Whoever steals an old key can write another chain:
rotation serves keys that are retired, not keys that are lost. After a theft, pin the new key by hand.

Source: own format, carried in a C2SP signed-note. Bytes: docs/formats/checkpoint.md.
"""

from collections.abc import Sequence
from typing import Final

from journal.errors import InputError, ProofRejectedError
from verifier.keys import ED25519, ed25519_verifier, parse_verifier_key
from verifier.note import Signer, open_note, parse_note, sign_note

FORMAT: Final = "indelible-key-rotation/1"
CHAIN_LENGTH_MAX: Final = 100
ROTATION_SIZE_MAX: Final = 16 * 1024
"""Bytes of a rotation note; one of usual names has some 400."""


def format_rotation(new_key: str, signer: Signer) -> str:
    """The note by which the old key (`signer`) hands over to `new_key` (a vkey).

    Raises:
        InputError: The new key is no ledger's key, has another name, or is the old one.
    """
    key = parse_verifier_key(new_key)
    if key.signature_type != ED25519 or key.name != signer.name:
        raise InputError(f"the key of {signer.name} can only be followed by one of the same name")
    if key.key_id == signer.key_id:
        raise InputError("the new key is the old one")
    return sign_note(f"{FORMAT}\n{key.name}\n{new_key}\n", signer)


def open_rotation(note: str | bytes, key: str) -> str:
    """The key (a vkey) that follows `key`, if `key` has signed that.

    Raises:
        ProofRejectedError: Not a rotation note of this key.
        InputError: `key` is no ledger's key.
    """
    old = parse_verifier_key(key)
    opened, _ = open_note(note, [ed25519_verifier(old)])
    origin, new_key = _read_text(opened.text)
    try:
        new = parse_verifier_key(new_key)
    except InputError as error:
        raise ProofRejectedError(f"the rotation note names no key: {error}") from None
    if new.signature_type != ED25519 or not origin == new.name == old.name:
        raise ProofRejectedError(f"the rotation note hands {old.name} over to another name")
    if new.public_key == old.public_key:
        raise ProofRejectedError("the rotation note hands the key over to itself")
    return new_key


def current_key(pinned: str, chain: Sequence[str]) -> str:
    """The newest key (a vkey) of a chain of rotation notes, followed from the pinned one.

    Raises:
        ProofRejectedError: The chain does not lead on from the pinned key, or is too long.
        InputError: The pinned key is no ledger's key.
    """
    return keys_along(pinned, chain)[-1]


def keys_along(pinned: str, chain: Sequence[str]) -> list[str]:
    """The pinned key (a vkey) and those that follow it in a chain of rotation notes, oldest first.

    The signatures of notes before the pinned key are not looked at: nothing depends on them.

    Raises:
        ProofRejectedError: The chain does not lead on from the pinned key, or is too long, or a note is.
        InputError: The pinned key is no ledger's key.
    """
    if len(chain) > CHAIN_LENGTH_MAX:
        raise ProofRejectedError(f"a chain of more than {CHAIN_LENGTH_MAX} rotation notes")
    keys, start = [pinned], 0
    ed25519_verifier(pinned)
    for number, note in enumerate(chain, start=1):  # untrusted: says only where to begin
        text = parse_note(note).text
        if len(note.encode()) > ROTATION_SIZE_MAX:
            raise ProofRejectedError(
                f"rotation note {number} is larger than {ROTATION_SIZE_MAX} bytes"
            )
        if _read_text(text)[1] == pinned:
            start = number
    for number, note in enumerate(chain[start:], start + 1):
        try:
            keys.append(open_rotation(note, keys[-1]))
        except ProofRejectedError as error:
            raise ProofRejectedError(f"rotation note {number}: {error}") from None
    return keys


def _read_text(text: str) -> tuple[str, str]:
    """Origin and new key of the text of a rotation note."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[0] != FORMAT or lines[3]:
        raise ProofRejectedError(f"not a rotation note: three lines, the first {FORMAT!r}")
    return lines[1], lines[2]
