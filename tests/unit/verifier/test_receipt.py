import dataclasses
import json
from base64 import b64encode
from hashlib import sha256
from itertools import pairwise
from types import MappingProxyType

import pytest

from journal.codec import Entry, Operation, RevisionEntry, encode_header, encode_revision_entry
from journal.errors import InputError, ProofRejectedError
from journal.ids import id_text
from tests.support.builders import (
    STRAND_ID,
    a_block,
    a_genesis,
    a_revision,
    a_salt,
    a_transaction,
    an_id,
)
from tests.support.receipts import (
    KEY,
    ORIGIN,
    SignedLedger,
    a_private_key,
    a_varied_chain,
    every_receipt,
)
from verifier.checkpoint import WitnessPolicy
from verifier.keys import (
    cosignature_signer,
    ed25519_signer,
    format_verifier_key,
    parse_verifier_key,
    verifier_key_of,
)
from verifier.note import add_signature, parse_note, signature_line
from verifier.receipt import RECEIPT_SIZE_MAX, STEPS, build_receipt, read_receipt, verify_receipt
from verifier.rotation import format_rotation

LEDGER = SignedLedger(a_varied_chain(20))
TRANSACTION = LEDGER.receipt(4, 0)
INSERT = LEDGER.receipt(4, 1)
UPDATE = LEDGER.receipt(4, 2)
DELETE = LEDGER.receipt(4, 3)


def refused_in(step: int):
    """The error of a receipt that is refused in this step."""
    return pytest.raises(ProofRejectedError, match=rf"in step \({step}\), {STEPS[step]}: ")


@pytest.mark.parametrize("tree_size", range(1, 21))
def test_every_entry_of_every_block_has_a_receipt_that_verifies(tree_size):
    for receipt in every_receipt(LEDGER, tree_size):
        verify_receipt(receipt, KEY)
        verify_receipt(receipt.to_bytes(), KEY)


def test_a_receipt_reads_back_from_its_text_and_its_values():
    for receipt in every_receipt(LEDGER, 20):
        assert read_receipt(receipt.to_bytes()) == receipt
        assert read_receipt(receipt.to_bytes().decode()) == receipt
        assert read_receipt(MappingProxyType(receipt.to_json())) == receipt
        assert json.loads(receipt.to_bytes()) == receipt.to_json()


def test_what_is_readable_of_a_revision():
    assert {
        "format": "indelible-receipt/1",
        "kind": "revision",
        "block_address": {"strand_id": id_text(STRAND_ID), "sequence_number": 4},
        "timestamp": "2026-09-21T14:13:24.938268Z",
        "transaction_id": id_text(an_id(0x1004)),
        "table_id": id_text(an_id(0xB000)),
        "document_id": id_text(an_id(0xD400)),
        "version": 0,
        "operation": "INSERT",
        "document": {"block": 4, "entry": 0, "paid": 0.5, "note": "Zoë 😀", "tags": [True, None]},
    } == {
        name: value
        for name, value in INSERT.to_json().items()
        if name not in {"entry", "header", "ledger", "checkpoint"}
    }


def test_what_is_readable_of_a_transaction():
    found = TRANSACTION.to_json()

    assert (found["kind"], found["principal"]) == ("transaction", "ann")
    assert found["statements"] == ["INSERT INTO vehicles ?"]
    assert found["labels"] == {"reason": "rent", "request": "4"}
    assert "document" not in found
    assert "payload" not in found["entry"]


def test_a_deletion_has_neither_document_nor_payload():
    found = DELETE.to_json()

    assert found["operation"] == "DELETE"
    assert "document" not in found
    assert "payload" not in found["entry"]


def test_the_tags_of_a_document_stay_as_they_are_stored():
    data = {"n": 2.0, "$ref": 10**20, "small": 1.5e-7}
    block = a_block(a_transaction(a_revision(data)), after=LEDGER.blocks[-1])
    receipt = SignedLedger([*LEDGER.blocks, block]).receipt(20, 1)

    verify_receipt(receipt.to_bytes(), KEY)
    assert receipt.to_json()["document"] == {
        "$$ref": {"$int": "100000000000000000000"},
        "n": {"$float": "2.0"},
        "small": 1.5e-7,
    }


def test_a_document_nested_as_deeply_as_documents_may_be_has_a_receipt():
    data: object = 1
    for _ in range(63):
        data = [data]
    block = a_block(a_transaction(a_revision({"a": data})), after=LEDGER.blocks[-1])
    receipt = SignedLedger([*LEDGER.blocks, block]).receipt(20, 1)

    verify_receipt(receipt.to_bytes(), KEY)


# Payloads


def test_a_receipt_without_its_payload_needs_permission():
    receipt = dataclasses.replace(INSERT, payload=None)

    with refused_in(1):
        verify_receipt(receipt, KEY)
    with refused_in(1):
        verify_receipt(receipt.to_bytes(), KEY)
    verify_receipt(receipt, KEY, require_payload=False)
    verify_receipt(receipt.to_bytes(), KEY, require_payload=False)
    assert "document" not in receipt.to_json()


def test_a_payload_that_is_there_is_checked_even_if_it_need_not_be():
    with refused_in(1):
        verify_receipt(
            dataclasses.replace(INSERT, payload=UPDATE.payload), KEY, require_payload=False
        )


@pytest.mark.parametrize("require_payload", [True, False])
@pytest.mark.parametrize("receipt", [TRANSACTION, DELETE], ids=["transaction", "deletion"])
def test_a_payload_where_none_belongs_is_refused(receipt, require_payload):
    receipt = dataclasses.replace(receipt, payload=INSERT.payload)

    with refused_in(1):
        verify_receipt(receipt, KEY, require_payload=require_payload)
    with refused_in(1):
        verify_receipt(receipt.to_json(), KEY, require_payload=require_payload)


def receipt_of(content: RevisionEntry, payload: bytes):
    """The receipt of an entry that no honest writer writes, in a block that is signed all the same."""
    transaction = a_transaction(transaction_id=content.transaction_id, revision_count=1)[0]
    revision = Entry(encode_revision_entry(content), payload), content
    block = a_block([transaction, revision], after=LEDGER.blocks[-1])
    return SignedLedger([*LEDGER.blocks, block]).receipt(20, 1)


def with_payload(document: bytes):
    """The receipt of a signed INSERT of these bytes."""
    payload = a_salt("x") + document
    _, content = a_revision({})
    return receipt_of(content._replace(payload_hash=sha256(payload).digest()), payload)


SIGNED_BUT_NO_DOCUMENT = {
    "empty": b"",
    "not-json": b"{",
    "not-utf-8": b'{"a":"\xff"}',
    "list": b"[1]",
    "text": b'"a"',
    "space": b'{"a": 1}',
    "keys-not-sorted": b'{"b":1,"a":2}',
    "key-twice": b'{"a":1,"a":1}',
    "float-without-tag": b'{"a":1.0}',
    "unknown-tag": b'{"a":{"$x":"1"}}',
    "too-long": b'{"a":"%s"}' % (b"x" * 1_048_576),
    "nested-65-deep": b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
    "nested-500-deep": b'{"a":' + b"[" * 500 + b"]" * 500 + b"}",
    "nested-500000-deep": b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
}


@pytest.mark.parametrize("name", SIGNED_BUT_NO_DOCUMENT)
def test_a_signed_payload_that_is_no_canonical_document_is_refused(name):
    receipt = with_payload(SIGNED_BUT_NO_DOCUMENT[name])

    with refused_in(1):
        verify_receipt(receipt, KEY)


@pytest.mark.parametrize("name", SIGNED_BUT_NO_DOCUMENT)
def test_such_a_payload_is_refused_in_json_too(name):
    value = INSERT.to_json()
    receipt = with_payload(SIGNED_BUT_NO_DOCUMENT[name])
    value["entry"]["payload"] = b64encode(receipt.payload or b"").decode()
    value["entry"]["body"] = b64encode(receipt.entry_body).decode()

    with refused_in(1):
        verify_receipt(value, KEY)


@pytest.mark.parametrize("require_payload", [True, False])
def test_a_payload_hash_of_a_deletion_is_refused(require_payload):
    _, content = a_revision({}, operation=Operation.DELETE)
    receipt = receipt_of(content._replace(payload_hash=bytes(32)), b"")

    with refused_in(1):
        verify_receipt(receipt, KEY, require_payload=require_payload)


@pytest.mark.parametrize("require_payload", [True, False])
def test_an_insert_without_a_payload_hash_is_refused(require_payload):
    _, content = a_revision({})
    receipt = receipt_of(content._replace(payload_hash=None), b"")

    with refused_in(1):
        verify_receipt(receipt, KEY, require_payload=require_payload)


# What leads from the entry to the signature

OTHER = SignedLedger(LEDGER.blocks, a_private_key("another"))

CHANGES = {
    "kind-of-the-other": (5, {"kind": "transaction"}),
    "kind-unknown": (5, {"kind": "block"}),
    "body-cut": (0, {"entry_body": INSERT.entry_body[:-1]}),
    "body-longer": (0, {"entry_body": INSERT.entry_body + b"\x00"}),
    "body-empty": (0, {"entry_body": b""}),
    "body-of-the-next-entry": (1, {"entry_body": UPDATE.entry_body}),
    "body-and-payload-of-the-next-entry": (
        2, {"entry_body": UPDATE.entry_body, "payload": UPDATE.payload}),
    "payload-of-the-next-entry": (1, {"payload": UPDATE.payload}),
    "payload-longer": (1, {"payload": (INSERT.payload or b"") + b" "}),
    "payload-empty": (1, {"payload": b""}),
    "payload-salt-alone": (1, {"payload": (INSERT.payload or b"")[:16]}),
    "entry-index-plus-one": (2, {"entry_index": 2}),
    "entry-index-negative": (0, {"entry_index": -1}),
    "entry-index-huge": (0, {"entry_index": 2**63}),
    "entry-index-of-the-count": (0, {"entry_index": 4}),
    "entry-count-plus-one": (2, {"entry_count": 5}),
    "entry-count-minus-one": (2, {"entry_count": 3}),
    "entry-count-huge": (0, {"entry_count": 2**64}),
    "entry-proof-empty": (2, {"entry_proof": ()}),
    "entry-proof-reversed": (2, {"entry_proof": INSERT.entry_proof[::-1]}),
    "entry-proof-trailing-hash": (2, {"entry_proof": (*INSERT.entry_proof, bytes(32))}),
    "entry-proof-of-65": (0, {"entry_proof": (bytes(32),) * 65}),
    "entry-proof-hash-short": (0, {"entry_proof": (INSERT.entry_proof[0][:31], INSERT.entry_proof[1])}),
    "entry-proof-boundary-moved": (
        0, {"entry_proof": (INSERT.entry_proof[0] + INSERT.entry_proof[1][:1],
                            INSERT.entry_proof[1][1:])}),
    "header-cut": (0, {"header": INSERT.header[:-1]}),
    "header-longer": (0, {"header": INSERT.header + b"\x00"}),
    "header-empty": (0, {"header": b""}),
    "header-of-another-version": (0, {"header": b"\x04" + INSERT.header[1:]}),
    "header-of-the-next-block": (2, {"header": LEDGER.blocks[5].header_bytes}),
    "block-index-plus-one": (3, {"block_index": 5}),
    "block-index-negative": (0, {"block_index": -4}),
    "block-index-of-the-size": (0, {"block_index": 20}),
    "tree-size-plus-one": (3, {"tree_size": 21}),
    "tree-size-zero": (0, {"tree_size": 0}),
    "tree-size-huge": (0, {"tree_size": 2**63}),
    "ledger-proof-empty": (3, {"ledger_proof": ()}),
    "ledger-proof-reversed": (3, {"ledger_proof": INSERT.ledger_proof[::-1]}),
    "ledger-proof-trailing-hash": (3, {"ledger_proof": (*INSERT.ledger_proof, bytes(32))}),
    "ledger-proof-of-65": (0, {"ledger_proof": (bytes(32),) * 65}),
    "ledger-proof-hash-long": (
        0, {"ledger_proof": (*INSERT.ledger_proof[:-1], bytes(33))}),
    "checkpoint-smaller": (3, {"checkpoint": LEDGER.checkpoint(19)}),
    "checkpoint-before-the-block": (3, {"checkpoint": LEDGER.checkpoint(4)}),
    "checkpoint-of-another-key": (4, {"checkpoint": OTHER.checkpoint()}),
    "checkpoint-unsigned": (4, {"checkpoint": parse_note(INSERT.checkpoint).text}),
    "checkpoint-empty": (4, {"checkpoint": ""}),
    "checkpoint-size-edited": (4, {"checkpoint": INSERT.checkpoint.replace("\n20\n", "\n21\n")}),
    "checkpoint-origin-edited": (4, {"checkpoint": INSERT.checkpoint.replace("registry", "registri")}),
    "checkpoint-with-a-surrogate": (4, {"checkpoint": "\ud800" + INSERT.checkpoint}),
    "checkpoint-with-a-line-too-many": (4, {"checkpoint": INSERT.checkpoint + "\n"}),
    "key-chain-of-nonsense": (4, {"key_chain": ("nonsense",)}),
    "key-chain-empty-text": (4, {"key_chain": ("",)}),
    "key-chain-of-101": (0, {"key_chain": ("nonsense",) * 101}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_receipt_is_refused_with(name):
    step, changes = CHANGES[name]

    with refused_in(step):
        verify_receipt(dataclasses.replace(INSERT, **changes), KEY)


@pytest.mark.parametrize("name", CHANGES)
def test_a_receipt_in_json_is_refused_with(name):
    _, changes = CHANGES[name]

    with pytest.raises(ProofRejectedError, match=r"in step \(\d\)"):
        verify_receipt(json_of(dataclasses.replace(INSERT, **changes)), KEY)


def json_of(receipt):
    """The JSON of the honest receipt with the parts of another one."""
    value = INSERT.to_json()
    value |= {
        "kind": receipt.kind,
        "header": b64encode(receipt.header).decode(),
        "checkpoint": receipt.checkpoint,
        "entry": {
            "body": b64encode(receipt.entry_body).decode(),
            "payload": b64encode(receipt.payload).decode(),
            "index": receipt.entry_index,
            "count": receipt.entry_count,
            "proof": [b64encode(node).decode() for node in receipt.entry_proof],
        },
        "ledger": {
            "index": receipt.block_index,
            "tree_size": receipt.tree_size,
            "proof": [b64encode(node).decode() for node in receipt.ledger_proof],
        },
    }
    return value | ({"key_chain": list(receipt.key_chain)} if receipt.key_chain else {})


def test_the_changes_above_begin_at_a_receipt_that_verifies():
    verify_receipt(json_of(INSERT), KEY)


def test_a_receipt_of_another_strand_under_this_ledgers_checkpoint_is_refused():
    foreign = [a_genesis(strand_id=an_id(7))]
    foreign.append(a_block(after=foreign[0], strand_id=an_id(7)))
    receipt = SignedLedger(foreign).receipt(1, 1)

    with refused_in(5):
        verify_receipt(receipt, KEY)
    with refused_in(5):
        verify_receipt(receipt.to_bytes(), KEY)


@pytest.mark.parametrize(
    "origin",
    [f"{ORIGIN}x", f"x{id_text(STRAND_ID)}", f"a/x{id_text(STRAND_ID)}", f"{ORIGIN}/", "registry"],
)
def test_the_origin_must_end_in_the_strand_id(origin):
    receipt = SignedLedger(LEDGER.blocks, origin=origin).receipt(4, 1)

    with refused_in(5):
        verify_receipt(receipt, verifier_key_of(a_private_key(), origin))


def test_a_header_at_another_leaf_than_its_own_is_refused():
    blocks = [*LEDGER.blocks[:4], LEDGER.blocks[5], LEDGER.blocks[4]]
    receipt = dataclasses.replace(SignedLedger(blocks).receipt(5, 1), block_index=5)

    with refused_in(3):
        verify_receipt(receipt, KEY)


@pytest.mark.parametrize("timestamp", [-1, 253_402_300_800_000_000, 2**63 - 1])
def test_a_timestamp_that_no_block_has_is_refused(timestamp):
    block = a_block(after=LEDGER.blocks[-1], timestamp=timestamp)
    receipt = SignedLedger([*LEDGER.blocks, block]).receipt(20, 1)

    with refused_in(0):
        verify_receipt(receipt, KEY)


def test_an_entry_count_that_the_header_states_and_the_tree_has_not_is_refused():
    block = a_block(after=LEDGER.blocks[-1])
    receipt = SignedLedger([*LEDGER.blocks, block]).receipt(20, 1)
    header = block.header._replace(entry_count=3)

    with refused_in(2):
        verify_receipt(
            dataclasses.replace(receipt, header=encode_header(header), entry_count=3), KEY
        )


# Keys


def test_another_ledgers_key_is_refused():
    with refused_in(4):
        verify_receipt(INSERT, verifier_key_of(a_private_key("another"), ORIGIN))
    with refused_in(4):
        verify_receipt(INSERT, verifier_key_of(a_private_key(), f"{ORIGIN}x"))


@pytest.mark.parametrize("key", ["", "nonsense", KEY[:-4], KEY + "\n"])
def test_a_key_that_is_none_is_the_callers_fault(key):
    with pytest.raises(InputError):
        verify_receipt(INSERT, key)


def rotated(*names: str, origin: str = ORIGIN) -> list[str]:
    """The notes by which each of these keys gives way to the next."""
    pems = [a_private_key(name) for name in names]
    return [
        format_rotation(verifier_key_of(new, origin), ed25519_signer(old, origin))
        for old, new in pairwise(pems)
    ]


def test_a_key_chain_leads_from_the_first_key_to_the_signing_one():
    ledger = dataclasses.replace(LEDGER, private_key=a_private_key("third"))
    receipt = ledger.receipt(4, 1, key_chain=rotated("first", "second", "third"))

    verify_receipt(receipt, KEY)
    verify_receipt(receipt.to_bytes(), KEY)
    verify_receipt(receipt, verifier_key_of(a_private_key("second"), ORIGIN))
    verify_receipt(receipt, verifier_key_of(a_private_key("third"), ORIGIN))
    assert read_receipt(receipt.to_bytes()).key_chain == receipt.key_chain


@pytest.mark.parametrize(
    "chain",
    [
        [],
        rotated("first", "second"),
        rotated("second", "third"),
        rotated("first", "second", "third")[::-1],
        rotated("first", "second", "third", "fourth"),
        rotated("first", "second", "third", origin=f"{ORIGIN}x"),
        [*rotated("first", "second"), LEDGER.checkpoint()],
    ],
    ids=[
        "missing", "too-short", "without-its-beginning", "backwards", "too-long", "another-origin",
        "a-checkpoint-in-it",
    ],
)  # fmt: skip
def test_a_key_chain_that_does_not_lead_there_is_refused(chain):
    ledger = dataclasses.replace(LEDGER, private_key=a_private_key("third"))

    with refused_in(4):
        verify_receipt(ledger.receipt(4, 1, key_chain=chain), KEY)


def witness(name: str):
    """A witness's signer, at a fixed time."""
    return cosignature_signer(a_private_key(name), f"{name}.example", lambda: 1_790_000_000_000_000)


def test_a_policy_counts_witnesses():
    note = INSERT.checkpoint
    names = ("w1", "w2")
    for name in names:
        note = add_signature(note, signature_line(parse_note(note).text, witness(name)))
    receipt = dataclasses.replace(INSERT, checkpoint=note)
    keys = tuple(
        format_verifier_key(
            f"{name}.example", public_key_of(name), signature_type=b"\x04"
        )
        for name in (*names, "w3")
    )  # fmt: skip

    verify_receipt(receipt, KEY)
    verify_receipt(receipt.to_bytes(), KEY, policy=WitnessPolicy(keys, 2))
    with refused_in(4):
        verify_receipt(receipt, KEY, policy=WitnessPolicy(keys, 3))
    with refused_in(4):
        verify_receipt(INSERT, KEY, policy=WitnessPolicy(keys, 1))


def public_key_of(name: str) -> bytes:
    return parse_verifier_key(verifier_key_of(a_private_key(name), "a")).public_key


# Building


@pytest.mark.parametrize("change", [{"header": b"x"}, {"entry": Entry(b"x", b"")}])
def test_no_receipt_is_built_of_other_bytes(change):
    block = LEDGER.blocks[4]
    parts = {
        "header": block.header_bytes,
        "entry": block.entries[1],
        "entry_index": 1,
        "entry_proof": INSERT.entry_proof,
        "tree_size": 20,
        "ledger_proof": INSERT.ledger_proof,
        "checkpoint": INSERT.checkpoint,
    }
    assert build_receipt(**parts) == INSERT

    with pytest.raises(InputError):
        build_receipt(**(parts | change))


def test_the_text_of_a_receipt_has_a_line_for_each_field():
    lines = INSERT.to_bytes().decode().splitlines()

    assert (lines[0], lines[-1]) == ("{", "}")
    assert len(lines) == 2 + len(INSERT.to_json())


def test_a_receipt_of_the_largest_entry_is_not_too_long():
    worst = 8 * 1024 * 1024  # of U+0001, which JSON writes in six bytes

    assert worst * 4 // 3 + worst * 6 + 1_000_000 < RECEIPT_SIZE_MAX
