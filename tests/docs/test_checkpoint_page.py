"""The examples of docs/formats/checkpoint.md are what the code writes, and its tables are true."""

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from journal.hashing import leaf_hash
from verifier import evidence, rotation
from verifier.checkpoint import (
    EXTENSIONS_MAX,
    Checkpoint,
    WitnessPolicy,
    open_checkpoint,
    sign_checkpoint,
)
from verifier.encoding import NUMBER_MAX, read_base64
from verifier.evidence import format_evidence, verify_evidence
from verifier.keys import COSIGNATURE, cosignature_signer, ed25519_signer, verifier_key_of
from verifier.merkle import Leaves, tree_root
from verifier.note import NOTE_SIZE_MAX, SIGNATURES_MAX, parse_note
from verifier.rotation import current_key, format_rotation
from verifier.tiles import format_path, tiles_of
from verifier.witness import cosign

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "checkpoint.md"
ORIGIN = "indelible/registry/7n42DGM5Tflk9n8mt7Fhc7"
WITNESS = "witness.example/w1"
TIME = 1_790_000_000


def private_key(start: int) -> bytes:
    """The key of the bytes `start`, `start` + 1, ..."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(start, start + 32))).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def a_tree(last: bytes) -> Checkpoint:
    leaves = [leaf_hash(block) for block in (b"block 0", b"block 1", last)]
    return Checkpoint(ORIGIN, 3, tree_root(3, Leaves(leaves)))


KEY = verifier_key_of(private_key(0), ORIGIN)
NEXT_KEY = verifier_key_of(private_key(0x20), ORIGIN)
WITNESS_KEY = verifier_key_of(private_key(0x40), WITNESS, signature_type=COSIGNATURE)
SIGNER = ed25519_signer(private_key(0), ORIGIN)
TREE = a_tree(b"block 2")
NOTE = cosign(
    sign_checkpoint(TREE, SIGNER),
    cosignature_signer(private_key(0x40), WITNESS, lambda: TIME * 1_000_000),
)
OTHER = sign_checkpoint(a_tree(b"another block"), SIGNER)
EVIDENCE = format_evidence(sign_checkpoint(TREE, SIGNER), OTHER, KEY, reason="two roots")

TEXT = {
    "vkey": f"{KEY}\n{WITNESS_KEY}\n",
    "checkpoint": NOTE,
    "cosigned": f"cosignature/v1\ntime {TIME}\n{TREE.text()}",
    "rotation": format_rotation(NEXT_KEY, SIGNER),
    "evidence": EVIDENCE,
    "tiles": "".join(f"{format_path(tile)}\n" for tile in list(tiles_of(70_000))[272:]),
}
HEX = {
    "text": TREE.text().encode(),
    "cosignature": read_base64(NOTE.splitlines()[-1].split(" ")[2], "the cosignature"),
}


def fenced(language: str) -> dict[str, str]:
    found = re.finditer(
        rf"^```{language} (\w+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    return {match[1]: match[2] for match in found}


def bytes_of(text: str) -> bytes:
    """The bytes of an annotated hex dump: what stands before each `#`."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


@pytest.mark.parametrize("name", TEXT)
def test_a_text_example_is_what_the_code_writes(name):
    assert fenced("text")[name] == TEXT[name]


@pytest.mark.parametrize("name", HEX)
def test_a_hex_example_is_what_the_code_writes(name):
    assert bytes_of(fenced("hex")[name]).hex() == HEX[name].hex()


def test_every_example_is_checked():
    assert (set(fenced("text")), set(fenced("hex"))) == (set(TEXT), set(HEX))
    assert PAGE.read_text().count("\n```") == 2 * (len(TEXT) + len(HEX))


def test_the_examples_verify_as_a_reader_of_the_page_would_do_it():
    examples = fenced("text")
    key, witness = examples["vkey"].splitlines()

    assert open_checkpoint(examples["checkpoint"], key, WitnessPolicy((witness,), 1)) == TREE
    assert current_key(key, [examples["rotation"]]) == NEXT_KEY
    assert verify_evidence(examples["evidence"], key).proven


def test_the_dump_of_the_cosignature_is_the_second_signature_line():
    line = parse_note(fenced("text")["checkpoint"]).signatures[1]

    assert bytes_of(fenced("hex")["cosignature"]) == line.key_id + line.signature


def test_the_page_has_the_limits_and_names_of_the_code():
    text = PAGE.read_text()

    assert f"at most {NOTE_SIZE_MAX:,} bytes and {SIGNATURES_MAX} signature lines" in text
    assert f"at most {EXTENSIONS_MAX};" in text
    assert f"at most\n{NUMBER_MAX}." in text
    assert f"oldest first, at most {rotation.CHAIN_LENGTH_MAX}." in text
    assert f"Each has at most {rotation.ROTATION_SIZE_MAX:,} bytes." in text
    assert f"`{rotation.FORMAT}`" in text
    assert f"`{evidence.FORMAT}`" in text


def test_the_table_of_evidence_has_its_fields():
    section = PAGE.read_text().split("## 6.", 1)[1].split("\n## ", 1)[0]
    fields = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)

    assert fields == [*re.findall(r'^ "(\w+)":', EVIDENCE, re.MULTILINE), "key_chain"]
