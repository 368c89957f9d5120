"""Why a record is no valid block, as exactly as its bytes still tell."""

import re
from hashlib import sha256
from typing import Final

from journal.codec import (
    DecodeError,
    Entry,
    Operation,
    RevisionEntry,
    decode_body,
    decode_entries,
    split_envelope,
)

_ENTRY: Final = re.compile(r"entry (\d+): (.*)", re.DOTALL)


def diagnose(value: bytes, fault: str) -> str:
    """`fault`, which `journal.chain.check` reported; or a fault of one entry, where one can be found.

    A root that does not fit says only that some entry was changed. An entry whose body cannot be read, or
    whose payload has another hash, is the one.
    """
    if _ENTRY.match(fault):
        return fault
    try:
        _, at = split_envelope(value)
        entries = decode_entries(value, at)
    except DecodeError:
        return fault
    for index, entry in enumerate(entries):
        if found := _entry_fault(entry):
            return f"entry {index}: {found}"
    return fault


def entry_of(detail: str) -> tuple[int | None, str]:
    """Entry index and reason of a fault's text; None where it is the whole block's.

    >>> entry_of("entry 3: a payload without a document")
    (3, 'a payload without a document')
    """
    match = _ENTRY.match(detail)
    return (int(match[1]), match[2]) if match else (None, detail)


def _entry_fault(entry: Entry) -> str:
    try:
        content = decode_body(entry.body)
    except DecodeError as error:
        return f"its body cannot be read: {error}"
    if isinstance(content, RevisionEntry):
        if (content.payload_hash is None) != (content.operation is Operation.DELETE):
            return "a payload hash goes with an insert or update, and only with them"
        if content.payload_hash and sha256(entry.payload).digest() != content.payload_hash:
            return "payload_hash is not the hash of the payload"
    return ""
