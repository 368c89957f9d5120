import dataclasses
import json
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.errors import ProofRejectedError
from journal.hashing import leaf_hash
from tests.support import reference_merkle
from tests.support.receipts import (
    KEY,
    ORIGIN,
    SignedLedger,
    a_private_key,
    a_varied_chain,
    every_receipt,
)
from tests.support.strategies import examples
from verifier.checkpoint import open_checkpoint
from verifier.keys import ed25519_signer, verifier_key_of
from verifier.merkle import verify_inclusion
from verifier.receipt import verify_receipt
from verifier.rotation import format_rotation
from verifier.tlog_proof import SIZE_MAX, format_tlog_proof, parse_tlog_proof

LEDGER = SignedLedger(a_varied_chain(20))
RECEIPT = LEDGER.receipt(7, 1)
TEXT = format_tlog_proof(RECEIPT)
LINES = TEXT.split("\n")


@pytest.mark.parametrize("tree_size", [1, 2, 3, 7, 8, 20])
def test_every_receipt_comes_back_from_its_text(tree_size):
    for receipt in every_receipt(LEDGER, tree_size):
        text = format_tlog_proof(receipt)

        assert parse_tlog_proof(text) == receipt
        assert parse_tlog_proof(text.encode()) == receipt
        verify_receipt(parse_tlog_proof(text), KEY)


def test_a_receipt_with_a_key_chain_and_without_payload_comes_back():
    new = a_private_key("second")
    note = format_rotation(verifier_key_of(new, ORIGIN), ed25519_signer(a_private_key(), ORIGIN))
    receipt = SignedLedger(LEDGER.blocks, new).receipt(7, 1, key_chain=[note])
    receipt = dataclasses.replace(receipt, payload=None)

    assert parse_tlog_proof(format_tlog_proof(receipt)) == receipt
    verify_receipt(parse_tlog_proof(format_tlog_proof(receipt)), KEY, require_payload=False)


def test_the_lines_are_those_of_the_specification():
    """C2SP tlog-proof: what a reader does that knows nothing of blocks, written from its text."""
    head, _, checkpoint = TEXT.partition("\n\n")
    first, extra, index, *proof = head.split("\n")

    assert first == "c2sp.org/tlog-proof@v1"
    assert index == "index 7"
    leaves = [block.header_bytes for block in LEDGER.blocks]
    assert [b64decode(line) for line in proof] == reference_merkle.inclusion_proof(7, leaves)
    header = b64decode(json.loads(b64decode(extra.removeprefix("extra ")))["header"])
    opened = open_checkpoint(checkpoint, KEY)
    verify_inclusion(
        leaf_hash(header),
        7,
        opened.tree_size,
        [b64decode(line) for line in proof],
        opened.root_hash,
    )


def test_the_extra_line_is_the_receipt_without_what_stands_outside():
    extra = json.loads(b64decode(LINES[1].removeprefix("extra ")))

    assert {
        name: value
        for name, value in RECEIPT.to_json().items()
        if name not in {"ledger", "checkpoint"}
    } == extra


def test_a_tree_of_one_block_has_a_proof_without_hashes():
    text = format_tlog_proof(LEDGER.receipt(0, 1, tree_size=1))

    assert text.split("\n")[2:4] == ["index 0", ""]
    verify_receipt(parse_tlog_proof(text), KEY)


def extra_of(value: object) -> str:
    return "extra " + b64encode(json.dumps(value).encode()).decode()


EXTRA = json.loads(b64decode(LINES[1].removeprefix("extra ")))


def with_line(number: int, *lines: str) -> str:
    """The text with other lines instead of one."""
    return "\n".join([*LINES[:number], *lines, *LINES[number + 1 :]])


REFUSED: dict[str, str | bytes] = {
    "empty": "",
    "not-utf-8": TEXT.encode().replace(b"index", b"ind\xffx"),
    "another-version": with_line(0, "c2sp.org/tlog-proof@v2"),
    "line-breaks-of-windows": TEXT.replace("\n", "\r\n"),
    "head-alone": TEXT.partition("\n\n")[0],
    "head-and-empty-line": TEXT.partition("\n\n")[0] + "\n\n",
    "extra-missing": with_line(1),
    "extra-twice": with_line(1, LINES[1], LINES[1]),
    "extra-empty": with_line(1, "extra "),
    "extra-not-base64": with_line(1, "extra {}"),
    "extra-base64-with-a-space-behind": with_line(1, LINES[1] + " "),
    "extra-not-json": with_line(1, "extra AAAA"),
    "extra-a-list": with_line(1, extra_of([])),
    "extra-an-empty-object": with_line(1, extra_of({})),
    "extra-with-an-unknown-field": with_line(1, extra_of(EXTRA | {"more": 1})),
    "extra-with-a-ledger": with_line(1, extra_of(RECEIPT.to_json())),
    "extra-of-another-format": with_line(1, extra_of(EXTRA | {"format": "indelible-receipt/2"})),
    "extra-too-deep": with_line(
        1, "extra " + b64encode(b'{"a":' + b"[" * 500_000).decode()),
    "index-missing": with_line(2),
    "index-plus-one": with_line(2, "index 8"),
    "index-with-leading-zero": with_line(2, "index 07"),
    "index-negative": with_line(2, "index -7"),
    "index-not-ascii": with_line(2, "index ٧"),
    "index-of-5000-digits": with_line(2, "index " + "7" * 5000),
    "index-without-number": with_line(2, "index "),
    "hash-missing": with_line(3),
    "hash-twice": with_line(3, LINES[3], LINES[3]),
    "hash-of-33-bytes": with_line(3, "A" * 44),
    "hashes-without-end": with_line(3, *[LINES[3]] * 100_000),
    "hash-of-another-spelling": with_line(3, LINES[3].rstrip("=")),
    "checkpoint-of-another-size": TEXT.replace("\n20\n", "\n21\n"),
    "checkpoint-size-zero": TEXT.replace("\n20\n", "\n0\n"),
    "checkpoint-without-signature": TEXT.partition("\n— ")[0],
    "trailing-line": TEXT + "more\n",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_text_is_refused_with(name):
    with pytest.raises(ProofRejectedError):
        verify_receipt(parse_tlog_proof(REFUSED[name]), KEY)


def test_a_text_that_is_too_long_is_not_looked_at():
    with pytest.raises(ProofRejectedError, match="more than 134217728 bytes"):
        parse_tlog_proof(TEXT + "\n" * SIZE_MAX)


@examples(500)
@given(st.data())
def test_any_change_of_the_text_is_refused_or_says_the_same(data):
    place = data.draw(st.integers(0, len(TEXT) - 1))
    letter = data.draw(st.one_of(st.just(""), st.characters(), st.sampled_from("\n A=+/")))
    try:
        receipt = parse_tlog_proof(TEXT[:place] + letter + TEXT[place + 1 :])
        verify_receipt(receipt, KEY)
    except ProofRejectedError:
        return

    assert receipt == RECEIPT
