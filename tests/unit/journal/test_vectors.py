"""Our own vectors: that they are what their script writes, and that this implementation agrees."""

import io
import json
from hashlib import sha256
from pathlib import Path

import fastavro
import pytest
import rfc8785

import journal.codec
from journal.chain import Accepted, Origin, Tip, check, link
from journal.document import decode, encode, is_canonical, parse_json
from journal.errors import InvalidDocumentError, LedgerError
from journal.log import Record
from tests.support import reference_merkle
from tests.support.strategies import is_same
from tests.vectors.make_vectors import FOLDER, files, text_of


def cases(name: str) -> list:
    return [
        pytest.param(case, id=case["name"])
        for case in json.loads((FOLDER / name).read_text())["cases"]
    ]


@pytest.mark.parametrize("name", files())
def test_a_vector_file_is_byte_for_byte_what_the_script_writes(name):
    """If this fails, the format changed: think twice, then `python -m tests.vectors.make_vectors`."""
    assert text_of(files()[name]) == (FOLDER / name).read_text()


def test_no_vector_file_is_left_over():
    present = {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*.json")}

    assert set(files()) <= present
    for folder in ("document", "block"):
        assert {name for name in present if name.startswith(folder)} <= set(files())


@pytest.mark.parametrize("case", cases("document/canonical.json"))
def test_a_document_has_its_canonical_bytes(case):
    value = parse_json(case["json"], size_max=10_000)
    stored = case["canonical"].encode()

    assert stored == encode(value)
    assert is_same(value, decode(stored))
    assert is_canonical(stored)
    assert sha256(stored).hexdigest() == case["sha256"]


@pytest.mark.parametrize("case", cases("document/refused.json"))
def test_a_text_that_is_no_document_is_refused(case):
    with pytest.raises(InvalidDocumentError) as caught:
        parse_json(bytes.fromhex(case["hex"]), size_max=10_000)

    assert case["error"] == caught.value.code
    if "path" in case:
        assert case["path"] == caught.value.path or case["path"].startswith(caught.value.path[:200])
    else:
        assert caught.value.position is not None
        assert abs(case["position"] - caught.value.position) <= 1


@pytest.mark.parametrize("case", cases("document/not-canonical.json"))
def test_readable_bytes_that_are_not_canonical_are_told_apart(case):
    data = bytes.fromhex(case["hex"])

    assert not is_canonical(data)
    assert encode(decode(data)) == case["canonical"].encode()


def test_the_chain_is_accepted_block_by_block():
    chain = json.loads((FOLDER / "block/chain.json").read_text())
    tip = Origin(chain["ledger"], bytes.fromhex(chain["strand_id"]))
    for offset, case in enumerate(chain["blocks"]):
        result = link(tip, check(Record(offset, bytes.fromhex(case["hex"]))))

        assert isinstance(result, Accepted)
        assert case["block_hash"] == result.tip.block_hash.hex()
        assert case["header_hex"] == result.block.header_bytes.hex()
        assert case["header"]["entries_root"] == result.block.header.entries_root.hex()
        assert [entry["leaf_hash"] for entry in case["entries"]] == [
            leaf.hex() for leaf in result.block.leaf_hashes
        ]
        tip = result.tip


@pytest.mark.parametrize("case", cases("block/judged.json"))
def test_a_record_gets_its_verdict(case):
    fields = json.loads((FOLDER / "block/judged.json").read_text())["tip"]
    tip = Tip(
        bytes.fromhex(fields["strand_id"]),
        fields["sequence_number"],
        bytes.fromhex(fields["block_hash"]),
        fields["timestamp"],
    )
    try:
        result = link(tip, check(Record(0, bytes.fromhex(case["hex"]))))
        verdict = "accepted" if isinstance(result, Accepted) else f"ignored:{result.reason}"
    except LedgerError as error:
        verdict = f"stop:{error.code}"

    assert case["verdict"] == verdict


@pytest.mark.parametrize("case", cases("document/canonical.json"))
def test_canonical_bytes_are_rfc_8785_by_another_implementation(case):
    text = case["canonical"]

    assert rfc8785.dumps(json.loads(text)) == text.encode()


def test_the_chain_is_right_by_fastavro_and_hashlib_alone():
    schemas = Path(journal.codec.__file__).parent / "schemas"
    block, header, body = (
        fastavro.parse_schema(json.loads((schemas / f"{name}.avsc").read_text()))
        for name in ("Block", "BlockHeader", "EntryBody")
    )
    previous = bytes(32)
    for case in json.loads((FOLDER / "block/chain.json").read_text())["blocks"]:
        data = bytes.fromhex(case["hex"])
        envelope = fastavro.schemaless_reader(io.BytesIO(data[10:]), block, None)
        fields = fastavro.schemaless_reader(io.BytesIO(envelope["header"]), header, None)
        bodies = [entry["body"] for entry in envelope["entries"]]

        assert case["header"] == {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in fields.items()
        }
        assert previous == fields["previous_block_hash"]
        assert reference_merkle.tree_hash(bodies) == fields["entries_root"]
        for entry, expected in zip(envelope["entries"], case["entries"], strict=True):
            content = fastavro.schemaless_reader(io.BytesIO(entry["body"]), body, None)
            assert sha256(b"\x00" + entry["body"]).hexdigest() == expected["leaf_hash"]
            for name, value in content.items():
                assert expected[name] == (value.hex() if isinstance(value, bytes) else value)
            if content.get("payload_hash"):
                assert sha256(entry["payload"]).digest() == content["payload_hash"]
        previous = sha256(b"\x00" + envelope["header"]).digest()

        assert case["block_hash"] == previous.hex()
