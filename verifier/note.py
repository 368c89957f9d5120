"""Signed notes: a text, an empty line, signatures.

```
text, lines ended by LF             <- signed, with its last LF
                                    <- empty line; the last one of the note
— <key name> <base64(key id || signature)>       one or more signature lines, each ended by LF
```

Name and key id (4 bytes) together say which key made a line. Lines of unknown keys are passed over: so
new keys and witnesses can be added without breaking old readers. A line of a known key has to be right.

Nothing here knows a signature scheme: those come in as `SignatureVerifier` and `Signer`.

Source: C2SP signed-note.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

from journal.errors import InputError, ProofRejectedError
from journal.values import is_utf8
from verifier.encoding import read_base64, shown, write_base64

NOTE_SIZE_MAX: Final = 1_000_000
SIGNATURES_MAX: Final = 100
KEY_ID_SIZE: Final = 4

_LF: Final = "\n"
_DASH: Final = "— "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class SignatureLine(NamedTuple):
    """Who signed, and the signature; `key_id` is 4 bytes, `signature` at least 1."""

    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """A note taken apart. `text` ends in LF and is untrusted until a signature is verified."""

    text: str
    signatures: tuple[SignatureLine, ...]


class SignatureVerifier(Protocol):
    """A known key."""

    @property
    def name(self) -> str:
        """The name in its signature lines."""
        ...

    @property
    def key_id(self) -> bytes:
        """4 bytes."""
        ...

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the key signed this text. Any bytes may come; never raises."""
        ...


class Signer(Protocol):
    """A private key."""

    @property
    def name(self) -> str:
        """The name for its signature lines."""
        ...

    @property
    def key_id(self) -> bytes:
        """4 bytes."""
        ...

    def sign(self, text: bytes) -> bytes:
        """The signature of a note's text."""
        ...


def parse_note(data: str | bytes) -> Note:
    """Take a note apart. Verifies nothing: see `open_note`.

    Raises:
        ProofRejectedError: Not a note; names the line.
    """
    content = _content_of(data)
    if fault := _CONTROL.search(content):
        raise ProofRejectedError(
            f"line {content.count(_LF, 0, fault.start()) + 1} of the note holds the control character "
            f"0x{ord(fault[0]):02x}"
        )
    text, empty_line, signed_by = content.rpartition("\n\n")
    if not empty_line:
        raise ProofRejectedError("the note has no empty line before its signatures")
    if not signed_by.endswith(_LF):
        raise ProofRejectedError("the last line of the note does not end, or has no signature")
    lines = signed_by[:-1].split(_LF)
    if len(lines) > SIGNATURES_MAX:
        raise ProofRejectedError(
            f"the note has {len(lines)} signature lines; at most {SIGNATURES_MAX} are read"
        )
    first = text.count(_LF) + 3
    signatures = tuple(_read_line(line, number) for number, line in enumerate(lines, first))
    return Note(text + _LF, signatures)


def format_note(note: Note) -> str:
    """The note as text; `parse_note` reads it back.

    Raises:
        InputError: Something that a note cannot carry.
    """
    lines = [
        f"{_DASH}{name} {write_base64(key_id + signature)}\n"
        for name, key_id, signature in note.signatures
    ]
    whole = f"{note.text}\n{''.join(lines)}"
    try:
        same = parse_note(whole) == note
    except ProofRejectedError as error:
        raise InputError(f"this cannot be a signed note: {error}") from None
    if not same:
        raise InputError("this cannot be a signed note: it would be read as another one")
    return whole


def signature_line(text: str, signer: Signer) -> SignatureLine:
    """The line that a signer adds to a note of this text (which ends in LF)."""
    return SignatureLine(signer.name, signer.key_id, signer.sign(text.encode()))


def sign_note(text: str, signer: Signer) -> str:
    """A note of `text`, signed.

    Raises:
        InputError: A text that a note cannot carry; it must end in LF.
    """
    if not text.endswith(_LF) or not is_utf8(text):
        raise InputError("the text of a note is UTF-8 and ends with a line break")
    return format_note(Note(text, (signature_line(text, signer),)))


def add_signature(note: str, line: SignatureLine) -> str:
    """The note with one more line; an earlier one of the same name and key id gives way to it.

    Verifies nothing: whoever keeps the result opens it first.

    Raises:
        ProofRejectedError: The note is none.
        InputError: A line that a note cannot carry.
    """
    text, signatures = parse_note(note)
    kept = [one for one in signatures if one[:2] != line[:2]]
    return format_note(Note(text, (*kept, line)))


def open_note(
    data: str | bytes, verifiers: Iterable[SignatureVerifier]
) -> tuple[Note, tuple[SignatureLine, ...]]:
    """Take a note apart and verify the lines of known keys: the note and the verified lines.

    Raises:
        ProofRejectedError: Not a note, no line of a known key, or a false one.
        InputError: Two keys of the same name and id, so that nobody can say which made a line.
    """
    known: dict[tuple[str, bytes], SignatureVerifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) is not verifier:
            raise InputError(f"two keys have the name {verifier.name!r} and the same id")
    note = parse_note(data)
    signed, verified = note.text.encode(), []
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        if not key.verify(signed, line.signature):
            raise ProofRejectedError(
                f"the signature of {line.name} (key {line.key_id.hex()}) is not one of this text"
            )
        verified.append(line)
    if not verified:
        raise ProofRejectedError(f"the note is not signed by {_names_of(known)}")
    return note, tuple(verified)


def is_key_name(name: str) -> bool:
    """Whether notes can carry this name: not empty, no Unicode space, no plus, no control character.

    >>> is_key_name("example.com/log"), is_key_name("a b")
    (True, False)
    """
    return bool(name) and not any(
        letter in "+\x7f" or letter < " " or letter.isspace() or "\ud800" <= letter <= "\udfff"
        for letter in name
    )


def _content_of(data: object) -> str:
    if not isinstance(data, str | bytes):
        raise ProofRejectedError("the note is not a text")
    size = len(data)
    if isinstance(data, str) and size <= NOTE_SIZE_MAX:
        if not is_utf8(data):
            raise ProofRejectedError("the note is not UTF-8")
        size = len(data.encode())
    if size > NOTE_SIZE_MAX:
        raise ProofRejectedError(f"the note is larger than {NOTE_SIZE_MAX} bytes")
    if isinstance(data, str):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProofRejectedError(f"line {line} of the note is not UTF-8") from None


def _read_line(line: str, number: int) -> SignatureLine:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not is_key_name(name):
        raise ProofRejectedError(f"line {number} of the note is no signature: {shown(line)}")
    material = read_base64(encoded, f"the signature in line {number} of the note")
    if len(material) <= KEY_ID_SIZE:
        raise ProofRejectedError(f"the signature in line {number} of the note is too short")
    return SignatureLine(name, material[:KEY_ID_SIZE], material[KEY_ID_SIZE:])


def _names_of(known: Iterable[tuple[str, bytes]]) -> str:
    names = [f"{name} (key {key_id.hex()})" for name, key_id in known]
    return " or ".join(names) or "any known key"
