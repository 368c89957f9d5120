"""Writes the vectors of this folder: `python -m tests.vectors.make_vectors`, from the repository's root.

The output depends on nothing but this code, so a second run gives the same bytes (a test holds it to
that). What the cases must give stands here by hand where a reader can judge it; bytes and hashes come
from the code, and are compared with other implementations elsewhere (README.md says where).
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from journal import document
from journal.block import Block
from journal.codec import RevisionEntry
from tests.support.builders import (
    LEDGER_NAME,
    STRAND_ID,
    Operation,
    a_block,
    a_genesis,
    a_revision,
    a_transaction,
    an_id,
    with_header,
)
from tests.support.mutations import CHAIN, INVALID

FOLDER = Path(__file__).parent
OTHER_STRAND = an_id(0xFFFF)


def main() -> None:
    """Write every file."""
    for name, content in files().items():
        (FOLDER / name).write_text(text_of(content))


def text_of(content: dict[str, Any]) -> str:
    """A vector file's text: ASCII, so that no tool changes what is meant."""
    return json.dumps(content, indent=1) + "\n"


def files() -> dict[str, dict[str, Any]]:
    """Path below this folder -> content."""
    return {
        "document/canonical.json": canonical_documents(),
        "document/refused.json": refused_documents(),
        "document/not-canonical.json": other_bytes(),
        "block/chain.json": chain(),
        "block/judged.json": judged(),
    }


def canonical_documents() -> dict[str, Any]:
    """JSON texts and the bytes they are stored as."""
    cases = {
        "fields-sorted": '{"b": 1, "a": {"d": 2, "c": 3}}',
        "spaces-dropped": ' { "a" : [ 1 , 2 , [ ] , { } ] } \n',
        "escapes-shortest": '{"a":"\\u0041\\/\\u001f\\u000a\\"\\\\\\u007f\\u20ac\\u2028"}',
        "surrogate-pair-as-utf-8": '{"\\ud83d\\ude00":"\\ud83d\\ude00"}',
        "keys-in-utf-16-order": '{"\\ufb33":1,"\\ud83d\\ude00":2,"a":3,"":4}',
        "unicode-not-normalised": '{"e\\u0301":1,"\\u00e9":2}',
        "int-largest-plain": '{"a":[9007199254740991,-9007199254740991]}',
        "int-tagged-beyond": '{"a":[9007199254740992,-9007199254740992,123456789012345678901234567890]}',
        "int-tag-not-needed": '{"a":{"$int":"7"}}',
        "int-minus-zero": "[-0]",
        "float-plain": "[0.5,-1234.5678,0.30000000000000004,1.5e-5,1.5e-7,5e-324,1234567890123456.5]",
        "float-integral": "[1.0,0.0,-0.0,1e5,1e16,1e21,1.7976931348623157e308]",
        "float-not-a-number": '[{"$float":"NaN"},{"$float":"Infinity"},{"$float":"-Infinity"}]',
        "float-tag-not-needed": '{"$float":"0.5"}',
        "float-other-digits": '[{"$float":"1"},{"$float":"10e-1"},0.10,5e-1]',
        "decimal-digits-kept": '[{"$decimal":"10.50"},{"$decimal":"-0.00"},{"$decimal":"1E+3"}]',
        "decimal-exponent-normal-form": '[{"$decimal":"1e3"},{"$decimal":"0.0000001"},'
        '{"$decimal":"12e-1"}]',
        "timestamp": '[{"$timestamp":"2026-11-23T18:00:00.123456Z"},'
        '{"$timestamp":"2026-11-23T18:00:00.120+01:00"}]',
        "timestamp-precisions": '[{"$timestamp":"2026T"},{"$timestamp":"2026-11T"},'
        '{"$timestamp":"2026-11-23"},{"$timestamp":"2026-11-23T18:00-00:00"}]',
        "date-and-time": '[{"$date":"2026-11-23"},{"$time":"18:00:00"},{"$time":"18:00:00.12+01:00"}]',
        "bytes": '[{"$bytes":""},{"$bytes":"AP/+"},{"$bytes":"YQ=="}]',
        "ion": '[{"$symbol":"x"},{"$ion":"(a b)"}]',
        "dollar-doubled": '{"$$int":"1","$$":2,"$$$a":3,"a$":4}',
        "dollar-escaped-in-json": '{"\\u0024int":"9007199254740993"}',
        "nested-64-deep": "[" * 64 + "]" * 64,
        "tag-below-64-levels": "[" * 64 + '{"$decimal":"1.0"}' + "]" * 64,
    }
    return {
        "description": "A JSON text, tags included, and the canonical bytes of the document it means.",
        "cases": [
            {
                "name": name,
                "json": text,
                "canonical": stored.decode(),
                "sha256": sha256(stored).hexdigest(),
            }
            for name, text in cases.items()
            for stored in [document.encode(document.parse_json(text, size_max=10_000))]
        ],
    }


def refused_documents() -> dict[str, Any]:
    """Texts that are no document, with the error's code and place."""
    cases: list[tuple[str, str, bytes, str, str | int]] = [
        ("key-twice", "A field name stands twice.", b'{"a":1,"a":2}', "position", 7),
        ("key-twice-escaped", "The same name, once escaped.", b'{"a":1,"\\u0061":2}', "position", 7),
        ("key-twice-deep", "Twice in a struct inside a list.", b'[{"x":{"a":[],"a":{}}}]',
         "position", 14),
        ("tag-twice", "A tag stands twice.", b'{"$int":"1","$int":"2"}', "position", 12),
        ("utf-8-cut", "A letter's last byte is missing.", b'{"a":"\xc3"}', "position", 6),
        ("utf-8-overlong", "An overlong slash.", b'"\xc0\xaf"', "position", 1),
        ("utf-8-surrogate", "A surrogate in UTF-8.", b'"\xed\xa0\x80"', "position", 1),
        ("utf-8-beyond-unicode", "A letter above U+10FFFF.", b'"\xf4\x90\x80\x80"', "position", 1),
        ("lone-surrogate-escaped", "Half a surrogate pair.", b'"\\ud800"', "position", 1),
        ("nan-bare", "NaN is no JSON.", b'{"a":NaN}', "position", 5),
        ("empty", "No text at all.", b"", "position", 0),
        ("trailing-comma", "A comma before the bracket.", b"[1,]", "position", 2),
        ("second-value", "Something follows the value.", b"1 1", "position", 2),
        ("byte-order-mark", "A byte order mark.", b"\xef\xbb\xbf1", "position", 0),
        ("number-too-large", "A number beyond every double.", b"1e400", "position", 0),
        ("tag-unknown", "No such tag.", b'{"a":[0,{"$foo":"x"}]}', "path", "$.a[1]"),
        ("tag-empty", "A dollar alone.", b'{"$":1}', "path", "$"),
        ("tag-beside-a-field", "A tag beside a field.", b'{"$int":"1","b":2}', "path", "$"),
        ("tag-beside-a-tag", "Two tags.", b'{"a":{"$int":"1","$float":"1.5"}}', "path", "$.a"),
        ("tag-of-a-number", "A tag's value is text.", b'{"$int":1}', "path", "$"),
        ("int-leading-zero", "An int with a leading zero.", b'{"$int":"01"}', "path", "$"),
        ("float-unknown-word", "Not how NaN is written.", b'{"$float":"nan"}', "path", "$"),
        ("float-overflow", "A float beyond every double.", b'{"$float":"1e999"}', "path", "$"),
        ("decimal-nan", "Decimals are finite.", b'{"$decimal":"NaN"}', "path", "$"),
        ("decimal-exponent", "An exponent beyond 100000.", b'{"$decimal":"1e100001"}', "path", "$"),
        ("timestamp-without-offset", "A time of day needs an offset.",
         b'{"$timestamp":"2026-11-23T18:00:00"}', "path", "$"),
        ("timestamp-no-such-day", "There is no such day.", b'{"$timestamp":"2026-02-30"}', "path", "$"),
        ("date-shortened", "A date has a day.", b'{"$date":"2026-11"}', "path", "$"),
        ("time-without-seconds", "A time has seconds.", b'{"$time":"18:00"}', "path", "$"),
        ("bytes-url-alphabet", "The other base64 alphabet.", b'{"$bytes":"AP_-"}', "path", "$"),
        ("bytes-without-padding", "Base64 without its padding.", b'{"$bytes":"YQ"}', "path", "$"),
        ("nested-65-deep", "One level too deep.", b"[" * 65 + b"]" * 65, "path", "$" + "[0]" * 64),
        ("struct-65-deep", "One level too deep.", b'{"a":' * 65 + b"1" + b"}" * 65, "path",
         "$" + ".a" * 64),
    ]  # fmt: skip
    return {
        "description": "Bytes (hex) that are no document. `position` is the byte at fault, give or"
        " take one for JSON syntax; `path` the place in the value.",
        "cases": [
            {
                "name": name,
                "description": why,
                "hex": data.hex(),
                "error": "invalid_document",
                kind: place,
            }
            for name, why, data, kind, place in cases
        ],
    }


def other_bytes() -> dict[str, Any]:
    """Readable, but not as a writer writes it."""
    cases = {
        "fields-unsorted": ("Fields out of order.", b'{"b":1,"a":2}'),
        "space": ("A space after the colon.", b'{"a": 1}'),
        "line-feed": ("A line feed at the end.", b"{}\n"),
        "letter-escaped": ("An escape that is not needed.", b'"\\u0041"'),
        "slash-escaped": ("An escape that is not needed.", b'"\\/"'),
        "escape-upper-case": ("Hexadecimal digits are lower case.", b'"\\u001F"'),
        "float-without-tag": ("An integral float has a tag.", b"1.0"),
        "float-other-digits": ("Not the shortest digits.", b"0.50"),
        "float-other-exponent": ("Not how the number is written.", b"5e-1"),
        "float-tag-not-needed": ("A tag that is not needed.", b'{"$float":"0.5"}'),
        "float-tag-other-digits": ("Not the digits of the tag.", b'{"$float":"1"}'),
        "int-without-tag": ("An int beyond 2^53 - 1 has a tag.", b"9007199254740992"),
        "int-tag-not-needed": ("A tag that is not needed.", b'{"$int":"1"}'),
        "int-minus-zero": ("An int zero has no sign.", b"-0"),
        "decimal-small-e": ("The exponent's letter is E.", b'{"$decimal":"1e+3"}'),
        "decimal-leading-zero": ("A digit too many.", b'{"$decimal":"01"}'),
        "base64-loose-bits": ("Bits that no byte uses are not zero.", b'{"$bytes":"YR=="}'),
        "tag-escaped": ("The dollar is escaped.", b'{"\\u0024int":"9007199254740992"}'),
    }
    return {
        "description": "Bytes (hex) that can be read but are not canonical: a writer never writes them.",
        "cases": [
            {
                "name": name,
                "description": why,
                "hex": data.hex(),
                "canonical": document.encode(document.decode(data)).decode(),
            }
            for name, (why, data) in cases.items()
        ],
    }


def example_chain() -> list[Block]:
    """A genesis, an insert, two transactions in one block, a deletion."""
    ann, bob = an_id(0xD001), an_id(0xD002)
    blocks = [a_genesis()]
    insert = a_revision(
        {"name": "Ann", "balance": 10}, transaction_id=an_id(0x1001), document_id=ann
    )
    blocks.append(
        a_block(
            a_transaction(insert, labels={"request": "42", "reason": "opening"}), after=blocks[-1]
        )
    )
    first = a_revision({"name": "Ann", "balance": 5}, transaction_id=an_id(0x1002), document_id=ann,
                       version=1, operation=Operation.UPDATE)  # fmt: skip
    second = a_revision(
        {"name": "Bob", "balance": 5}, transaction_id=an_id(0x1002), document_id=bob
    )
    third = a_revision({"name": "Bob", "balance": 6}, transaction_id=an_id(0x1003), document_id=bob,
                       version=1, operation=Operation.UPDATE)  # fmt: skip
    blocks.append(
        a_block(
            a_transaction(
                first, second, statements=("UPDATE a SET balance = ?", "INSERT INTO a ?")
            ),
            a_transaction(third, principal="", statements=()),
            after=blocks[-1],
        )
    )
    gone = a_revision(
        transaction_id=an_id(0x1004), document_id=bob, version=2, operation=Operation.DELETE
    )
    blocks.append(
        a_block(a_transaction(gone, statements=("DELETE FROM a WHERE name = ?",)), after=blocks[-1])
    )
    return blocks


def chain() -> dict[str, Any]:
    """Blocks that are accepted one after another, taken apart."""
    return {
        "description": "The blocks of one ledger, in order: each is accepted above the one before it.",
        "ledger": LEDGER_NAME,
        "strand_id": STRAND_ID.hex(),
        "blocks": [
            {
                "hex": block.encode().hex(),
                "block_hash": block.block_hash.hex(),
                "header_hex": block.header_bytes.hex(),
                "header": _plain(block.header._asdict()),
                "entries": [
                    {
                        "type": type(content).__name__,
                        "leaf_hash": leaf.hex(),
                        **_plain(content._asdict()),
                        "body_hex": entry.body.hex(),
                        **(
                            {"payload_hex": entry.payload.hex()}
                            if isinstance(content, RevisionEntry)
                            else {}
                        ),
                    }
                    for entry, content, leaf in zip(
                        block.entries, block.contents, block.leaf_hashes, strict=True
                    )
                ],
            }
            for block in example_chain()
        ],
    }


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Bytes as hex, enums by name; everything else is JSON already."""
    plain = {}
    for name, value in fields.items():
        if isinstance(value, bytes):
            plain[name] = value.hex()
        elif isinstance(value, Operation):
            plain[name] = value.name
        else:
            plain[name] = value
    return plain


def judged() -> dict[str, Any]:
    """Records, each placed above the same tip, and the verdict of the reader rule."""
    tip, following, later = CHAIN[3], CHAIN[4], CHAIN[5]
    cases: dict[str, tuple[str, bytes, str]] = {
        "next-block": ("Links to the tip.", following.encode(), "accepted"),
        "one-microsecond-later": (
            "The earliest time that is accepted.",
            a_block(after=tip, timestamp=tip.header.timestamp + 1).encode(), "accepted"),
        "empty": ("A record without bytes.", b"", "ignored:foreign"),
        "text": ("Not a block at all.", b"hello", "ignored:foreign"),
        "other-schema": ("Another fingerprint.",
         following.encode()[:2] + bytes(8) + following.encode()[10:],
                         "ignored:foreign"),
        "cut-in-the-header": ("It ends within the header.", following.encode()[:60], "ignored:foreign"),
        "version-two-to-the-31": ("The version does not fit 32 bits.",
                                  with_header(following, format_version=1 << 31), "ignored:foreign"),
        "other-strand": ("Of another ledger.", a_block(after=tip, strand_id=OTHER_STRAND).encode(),
                         "ignored:other_strand"),
        "newer-version-of-another-strand": (
            "Rule 1 comes before rule 3.",
            with_header(following, format_version=2, strand_id=OTHER_STRAND), "ignored:other_strand"),
        "copy-of-the-tip": ("The tip once more.", tip.encode(), "ignored:late"),
        "rival-of-the-tip": ("Another block for the tip's height.",
                             a_block(after=CHAIN[2], writer="rival").encode(), "ignored:late"),
        "newer-version-at-the-tip": ("Rule 2 comes before rule 3.",
                                     with_header(tip, format_version=2), "ignored:late"),
        "newer-version": ("A later release wrote it.", with_header(following, format_version=2),
                          "stop:unsupported"),
        "newer-version-above-a-hole": ("Rule 3 comes before rule 5.",
                                       with_header(later, format_version=2), "stop:unsupported"),
        "newer-version-with-another-tail": (
            "Nothing behind the frozen fields is looked at.",
            with_header(following, format_version=2)[:-20] + b"anything else in here",
             "stop:unsupported"),
        "sequence-plus-one": ("A block in between is missing.", later.encode(), "stop:broken_link"),
        "sequence-plus-one-on-the-tip": (
            "The tip's hash, but a height too far.", with_header(following, sequence_number=5),
            "stop:broken_link"),
        "another-previous-hash": (
            "It follows a block that nobody has.",
            a_block(sequence_number=4, previous_block_hash=bytes(32)).encode(), "stop:broken_link"),
        "early-above-a-hole": ("Rule 5 comes before rule 6.", with_header(later, timestamp=0),
                               "stop:broken_link"),
        "invalid-above-a-hole": ("Rule 4 comes before rule 5.", with_header(later, entry_count=9),
                                 "ignored:invalid"),
        "timestamp-of-the-tip": ("Time must move on.",
                                 a_block(after=tip, timestamp=tip.header.timestamp).encode(),
                                 "ignored:early_timestamp"),
    }  # fmt: skip
    cases |= {
        name: (mutation.description, mutation.value, "ignored:invalid")
        for name, mutation in INVALID.items()
    }
    return {
        "description": "Records (hex), each placed above the same tip. The verdict is `accepted`,"
        " `ignored:<reason>`, or `stop:<error code>`.",
        "tip": {
            "strand_id": STRAND_ID.hex(),
            "sequence_number": tip.sequence_number,
            "block_hash": tip.block_hash.hex(),
            "timestamp": tip.header.timestamp,
        },
        "cases": [
            {"name": name, "description": why, "hex": value.hex(), "verdict": verdict}
            for name, (why, value, verdict) in cases.items()
        ],
    }


if __name__ == "__main__":
    main()
