"""Blocks that are not valid in themselves, each named by the one thing that was changed.

All would follow block 3 of `a_chain`. The chain's tests and the published vectors share them.
"""

from typing import Final, NamedTuple

from journal.block import TIMESTAMP_MAX
from journal.codec import Entry, Operation
from tests.support.builders import (
    Parts,
    a_block,
    a_chain,
    a_revision,
    a_transaction,
    an_id,
    with_entries,
    with_header,
)


class Mutation(NamedTuple):
    """The bytes, a part of the fault that `check` reports, and what was changed."""

    value: bytes
    fault: str
    description: str


CHAIN: Final = a_chain(6)
_LAST, _NEXT = CHAIN[3], CHAIN[4]
_FIRST = a_transaction(a_revision({"a": 1}, transaction_id=an_id(1), document_id=an_id(11)))
_SECOND = a_transaction(a_revision({"a": 2}, transaction_id=an_id(2), document_id=an_id(12)))
_BIG = a_block(_FIRST, _SECOND, after=_LAST)
_E1, _E2, _E3, _E4 = _BIG.entries
_DELETING = a_block(a_transaction(a_revision(operation=Operation.DELETE, version=1)), after=_LAST)


def _block(*parts: Parts) -> bytes:
    return a_block(list(parts), after=_LAST).encode()


def _with_payload(part: Parts, payload: bytes) -> Parts:
    return Entry(part[0].body, payload), part[1]


def _with_body(part: Parts, body: bytes) -> Parts:
    return Entry(body, part[0].payload), part[1]


def _payload_encoding(number: int) -> bytes:
    """The next block with another encoding of its one payload."""
    payload = _NEXT.entries[1].payload
    tail = bytes((len(payload) << 1,)) + payload
    data = _NEXT.encode()
    assert data.count(b"\x02" + tail) == 1
    return data.replace(b"\x02" + tail, bytes((number << 1,)) + tail)


INVALID: Final = {
    "entries-swapped": Mutation(
        with_entries(_BIG, [_E1, _E4, _E3, _E2]),
        "entries_root",
        "Two entries changed places under an unchanged header.",
    ),
    "entry-dropped": Mutation(
        with_entries(_BIG, [_E1, _E2, _E3]),
        "entry_count 4, but 3",
        "The last entry is missing; the header counts it.",
    ),
    "entry-doubled": Mutation(
        with_entries(_BIG, [_E1, _E2, _E3, _E4, _E4]),
        "entry_count 4, but 5",
        "The last entry stands there twice; the header counts it once.",
    ),
    "entries-root-zero": Mutation(
        with_header(_BIG, entries_root=bytes(32)), "entries_root", "entries_root is 32 zero bytes."
    ),
    "entry-count-plus-one": Mutation(
        with_header(_BIG, entry_count=5), "entry_count 5, but 4", "entry_count is one too many."
    ),
    "no-entries": Mutation(
        _block(),
        "does not begin with a transaction",
        "A block without any entry, root and count right.",
    ),
    "body-trailing-byte": Mutation(
        _block(_with_body(_FIRST[0], _FIRST[0][0].body + b"\x00"), _FIRST[1]),
        "1 bytes too many",
        "A body has one byte more; entries_root covers it.",
    ),
    "body-unknown-branch": Mutation(
        _block(_with_body(_FIRST[0], b"\x04" + _FIRST[0][0].body[1:]), _FIRST[1]),
        "unknown entry branch 2",
        "A body is of a third kind of entry.",
    ),
    "payload-changed": Mutation(
        with_entries(_BIG, [_E1, Entry(_E2.body, _E2.payload[:-1] + b"!"), _E3, _E4]),
        "entry 1: payload_hash",
        "The last byte of a payload is another one.",
    ),
    "payloads-swapped": Mutation(
        with_entries(_BIG, [_E1, Entry(_E2.body, _E4.payload), _E3, Entry(_E4.body, _E2.payload)]),
        "entry 1: payload_hash",
        "Two revisions have each other's payload.",
    ),
    "payload-removed": Mutation(
        with_entries(_BIG, [_E1, Entry(_E2.body, b""), _E3, _E4]),
        "entry 1: a payload without",
        "A payload is gone, its payload_encoding 0; the body has its hash.",
    ),
    "payload-of-a-transaction": Mutation(
        with_entries(_BIG, [Entry(_E1.body, b"x"), _E2, _E3, _E4]),
        "entry 0: a transaction entry with a payload",
        "A transaction entry carries a payload.",
    ),
    "payload-of-a-deletion": Mutation(
        with_entries(
            _DELETING, [_DELETING.entries[0], Entry(_DELETING.entries[1].body, b"x" * 20)]
        ),
        "entry 1: a payload without a payload hash",
        "A DELETE carries a payload.",
    ),
    "payload-is-salt-alone": Mutation(
        _block(_FIRST[0], _with_payload(_FIRST[1], _FIRST[1][0].payload[:16])),
        "entry 1: a payload without a document",
        "A payload ends after its salt.",
    ),
    "payload-encoding-none": Mutation(
        _payload_encoding(0),
        "payload of 28 bytes with encoding 0",
        "A payload with payload_encoding 0.",
    ),
    "payload-encoding-two": Mutation(
        _payload_encoding(2), "payload of 28 bytes with encoding 2", "A reserved payload_encoding."
    ),
    "revision-first": Mutation(
        _block(_FIRST[1], _FIRST[0]),
        "does not begin with a transaction",
        "A revision stands before its transaction.",
    ),
    "revision-count-plus-one": Mutation(
        a_block(a_transaction(a_revision(), revision_count=2), after=_LAST).encode(),
        "entry 0: revision_count 2, but 1",
        "revision_count is one too many.",
    ),
    "revision-count-minus-one": Mutation(
        a_block(a_transaction(a_revision(), revision_count=0), after=_LAST).encode(),
        "entry 0: revision_count 0, but 1",
        "revision_count is one too few.",
    ),
    "revision-count-negative": Mutation(
        a_block(a_transaction(a_revision(), revision_count=-1), after=_LAST).encode(),
        "entry 0: revision_count -1",
        "revision_count is -1.",
    ),
    "revision-count-of-the-second-transaction": Mutation(
        a_block(_FIRST, a_transaction(_SECOND[1], revision_count=7), after=_LAST).encode(),
        "entry 2: revision_count 7",
        "The second transaction of a block counts wrongly.",
    ),
    "revision-of-another-transaction": Mutation(
        _block(_FIRST[0], _SECOND[1]),
        "entry 1: a revision of another transaction",
        "A revision names another transaction than the one it follows.",
    ),
    "timestamp-negative": Mutation(
        a_block(after=_LAST, timestamp=-1).encode(), "timestamp -1", "A timestamp before 1970."
    ),
    "timestamp-after-year-9999": Mutation(
        a_block(after=_LAST, timestamp=TIMESTAMP_MAX + 1).encode(),
        "timestamp 2534",
        "A timestamp one microsecond after year 9999.",
    ),
    "trailing-byte": Mutation(
        _NEXT.encode() + b"\x00", "1 bytes too many", "One byte follows the block."
    ),
    "last-byte-missing": Mutation(
        _NEXT.encode()[:-1], "in more than one piece", "The zero after the entries is missing."
    ),
    "writer-of-256-bytes": Mutation(
        a_block(after=_LAST, writer="w" * 256).encode(),
        "writer of 256 bytes",
        "The writer's name is one byte too long.",
    ),
    "format-version-zero": Mutation(
        with_header(_NEXT, format_version=0),
        "format version 0",
        "A format version below the first one.",
    ),
}
"""Name -> what `link` must ignore with reason `invalid`, above block 3 of `a_chain`."""
