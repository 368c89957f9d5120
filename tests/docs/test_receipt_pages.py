"""docs/formats/receipt.md shows what the code writes; the verifier of docs/guide/verify.md verifies."""

import copy
import dataclasses
import json
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from journal.hashing import leaf_hash, node_hash
from tests.support.receipts import (
    KEY,
    ORIGIN,
    SignedLedger,
    a_private_key,
    a_varied_chain,
    every_receipt,
    with_every_byte_flipped,
)
from tests.vectors.make_vectors import example_chain
from verifier.checkpoint import open_checkpoint
from verifier.command import main
from verifier.keys import ed25519_signer, verifier_key_of
from verifier.receipt import STEPS
from verifier.rotation import format_rotation
from verifier.tlog_proof import format_tlog_proof

DOCS = Path(__file__).parents[2] / "docs"
FORMAT = (DOCS / "formats" / "receipt.md").read_text()
GUIDE = (DOCS / "guide" / "verify.md").read_text()
EXAMPLE = SignedLedger(example_chain()).receipt(1, 1)
LEDGER = SignedLedger(a_varied_chain(12))


def fenced(page: str, opening: str) -> str:
    """The text of the one fenced block of a page that opens with these words."""
    (text,) = re.findall(rf"^```{opening}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return str(text)


# The format


def test_the_example_is_what_the_code_writes():
    assert EXAMPLE.to_bytes().decode() == fenced(FORMAT, "json receipt")
    assert format_tlog_proof(EXAMPLE) == fenced(FORMAT, "text tlog_proof")
    assert fenced(FORMAT, "text key").strip() == KEY


def test_the_hashes_of_the_example_lead_to_the_signed_root():
    shown = "".join(line.partition("#")[0] for line in fenced(FORMAT, "hex hashes").splitlines())
    data = bytes.fromhex(shown)
    hashes = [data[at : at + 32] for at in range(0, len(data), 32)]

    entry, header = leaf_hash(EXAMPLE.entry_body), leaf_hash(EXAMPLE.header)
    left = node_hash(EXAMPLE.ledger_proof[0], header)
    assert [
        sha256(EXAMPLE.payload or b"").digest(),
        entry,
        node_hash(EXAMPLE.entry_proof[0], entry),
        header,
        left,
        node_hash(left, EXAMPLE.ledger_proof[1]),
    ] == hashes
    assert EXAMPLE.entry_body.endswith(hashes[0])
    assert hashes[2] in EXAMPLE.header
    assert hashes[5] == open_checkpoint(EXAMPLE.checkpoint, KEY).root_hash


def fields_of(section: str) -> set[str]:
    """The names in the tables of a section of the format's page."""
    text = re.split(r"^##", FORMAT.split(f"## {section}", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def test_the_tables_have_the_fields_of_receipts():
    value = {}
    entry = {}
    for index in range(4):
        found = rotated().receipt(4, index, key_chain=CHAIN).to_json()
        value |= found
        entry |= found["entry"]

    assert value.keys() == fields_of("2. Fields")
    assert entry.keys() == fields_of("2.1 The entry")
    for name in [*value["ledger"], *value["block_address"]]:
        assert f"`{name}`" in FORMAT


CHAIN = [
    format_rotation(
        verifier_key_of(a_private_key("second"), ORIGIN), ed25519_signer(a_private_key(), ORIGIN)
    )
]


def rotated() -> SignedLedger:
    """The ledger after its key was rotated once, by `CHAIN`."""
    return dataclasses.replace(LEDGER, private_key=a_private_key("second"))


# The guide


def test_the_guide_shows_what_the_command_prints(tmp_path, capsys):
    good, forged = tmp_path / "good", tmp_path / "forged"
    good.write_bytes(EXAMPLE.to_bytes())
    forged.write_text(EXAMPLE.to_bytes().decode().replace('"balance":10', '"balance":1000'))

    assert main([str(good), "--key", KEY]) == 0
    assert capsys.readouterr().out == fenced(GUIDE, "text good")
    assert main([str(forged), "--key", KEY]) == 7
    assert capsys.readouterr().err == fenced(GUIDE, "text forged")
    for number, step in enumerate(STEPS):
        assert f"({number}) {step}" in GUIDE


PROGRAM = fenced(GUIDE, "python")


def refusal_of(value: Any, key: str = KEY) -> str:
    """What the guide's program says against a receipt; nothing if it verifies it."""
    names: dict[str, Any] = {"__name__": "independent"}
    functions, _, _ = PROGRAM.partition("\nverify(json.load(sys.stdin)")
    exec(compile(functions, "verify.md", "exec"), names)
    try:
        names["verify"](json.loads(json.dumps(value)), key)
    except SystemExit as ended:
        return str(ended.code)
    except Exception as error:  # noqa: BLE001 - a traceback is a refusal as well
        return repr(error)
    return ""


def test_the_independent_verifier_is_short_and_uses_nothing_of_ours():
    lines = [line for line in PROGRAM.splitlines() if line.strip()]
    imported = re.findall(r"^(?:import|from) (.+?)(?: import .*)?$", PROGRAM, re.MULTILINE)

    assert len(lines) < 60
    assert max(map(len, lines)) <= 106
    assert imported == [
        "json, string, sys, datetime as dt", "base64", "hashlib",
        "cryptography.hazmat.primitives.asymmetric.ed25519",
    ]  # fmt: skip


@pytest.mark.parametrize("tree_size", [1, 2, 3, 5, 8, 12])
def test_the_independent_verifier_accepts_every_good_receipt(tree_size):
    for receipt in every_receipt(LEDGER, tree_size):
        assert refusal_of(receipt.to_json()) == ""


def test_the_independent_verifier_follows_a_rotated_key():
    receipt = rotated().receipt(4, 1, key_chain=CHAIN).to_json()

    assert refusal_of(receipt) == ""
    assert "(4)" in refusal_of(receipt | {"key_chain": []})


def test_the_independent_verifier_runs_as_a_program(tmp_path):
    path = tmp_path / "verify.py"
    path.write_text(PROGRAM)
    for text, expected in (
        (EXAMPLE.to_bytes(), (0, "verified\n", "")),
        (
            EXAMPLE.to_bytes().replace(b'"balance":10', b'"balance":1000'),
            (1, "", "REFUSED: (1) the document\n"),
        ),
    ):
        done = subprocess.run(
            [sys.executable, "-I", str(path), KEY],
            input=text.decode(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == expected


@pytest.mark.slow
@pytest.mark.parametrize("entry_index", range(4))
def test_the_independent_verifier_refuses_every_flipped_byte(entry_index):
    value = LEDGER.receipt(4, entry_index).to_json()
    accepted = [what for what, forged in with_every_byte_flipped(value) if not refusal_of(forged)]

    assert accepted == []


def forgeries(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A receipt with each readable thing, number and note in it changed, one at a time."""
    for name, other in {
        "kind": "transaction" if value["kind"] == "revision" else "revision",
        "timestamp": "2026-09-21T14:13:24.938269Z",
        "transaction_id": "0000000000000000000009",
        "table_id": "0000000000000000000009",
        "document_id": "0000000000000000000009",
        "version": 7,
        "operation": "DELETE" if value.get("operation") == "INSERT" else "INSERT",
        "principal": "bob",
        "statements": ["DELETE FROM vehicles"],
        "labels": {"reason": "rent"},
        "header": b64encode(LEDGER.blocks[5].header_bytes).decode(),
        "checkpoint": LEDGER.checkpoint(11),
    }.items():
        if name in value:
            yield name, value | {name: other}
    for document in ({"a": 1}, True, "x", [1]):
        if document != value.get("document"):
            yield f"document {document!r}", value | {"document": document}
    for path in (
        ("block_address", "sequence_number"), ("entry", "index"), ("entry", "count"),
        ("ledger", "index"), ("ledger", "tree_size"),
    ):  # fmt: skip
        for delta in (-1, 1):
            forged = copy.deepcopy(value)
            forged[path[0]][path[1]] += delta
            yield f"{path} {delta:+}", forged
    for outer in ("entry", "ledger"):
        proof = value[outer]["proof"]
        for other in (proof[:-1], proof[::-1], [*proof, proof[0]], []):
            yield f"{outer} proof of {len(other)}", value | {outer: value[outer] | {"proof": other}}
    address = value["block_address"] | {"strand_id": "0000000000000000000009"}
    yield "strand_id", value | {"block_address": address}
    extra = b64encode(bytes(16) + b'{"a":1}').decode()
    entry = value["entry"] | {"payload": extra}
    yield "payload and document", value | {"entry": entry, "document": {"a": 1}}
    without = {name: item for name, item in value["entry"].items() if name != "payload"}
    if without != value["entry"]:
        rest = {name: item for name, item in value.items() if name != "document"}
        yield "payload left out", rest | {"entry": without}


@pytest.mark.parametrize("entry_index", range(4))
def test_the_independent_verifier_refuses_every_forgery(entry_index):
    value = LEDGER.receipt(4, entry_index).to_json()
    accepted = [what for what, forged in forgeries(value) if not refusal_of(forged)]

    assert accepted == []
    assert refusal_of(value) == ""


def test_the_independent_verifier_refuses_another_key():
    value = LEDGER.receipt(4, 1).to_json()

    assert "(4)" in refusal_of(value, verifier_key_of(a_private_key("another"), ORIGIN))
    assert refusal_of(value, verifier_key_of(a_private_key(), f"{ORIGIN}x"))


def test_the_independent_verifier_refuses_every_changed_letter_of_the_checkpoint():
    value = LEDGER.receipt(4, 1).to_json()
    note = value["checkpoint"]
    accepted = []
    for place, letter in enumerate(note[:-1]):
        forged = value | {"checkpoint": note[:place] + chr(ord(letter) ^ 1) + note[place + 1 :]}
        if not refusal_of(forged):
            accepted.append(place)

    decoded = b64decode(note.rstrip("\n").rpartition(" ")[2])
    assert len(decoded) == 68
    assert accepted == []
