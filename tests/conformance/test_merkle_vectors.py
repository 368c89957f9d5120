"""Published Merkle proofs, good and bad: transparency-dev/merkle, `testdata/{inclusion,consistency}`.

External compatibility, not self-consistency. The cases are read from `../shared/vectors/merkle` beside
the repository, or from `$INDELIBLE_VECTORS/merkle`; without them only the published roots are checked.
"""

import json
import os
from base64 import b64decode
from pathlib import Path

import pytest

from journal.errors import ProofRejectedError
from journal.hashing import leaf_hash
from tests.support.published_tree import LEAVES, ROOTS
from verifier.merkle import (
    Leaves,
    prove_consistency,
    prove_inclusion,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

DEFAULT = Path(__file__).parents[3] / "shared" / "vectors"
FOLDER = Path(os.environ.get("INDELIBLE_VECTORS", DEFAULT)) / "merkle"

READER = Leaves([leaf_hash(leaf) for leaf in LEAVES])


def cases(name: str) -> list:
    path = FOLDER / f"{name}.jsonl"
    if not path.is_file():
        mark = pytest.mark.skip(reason=f"no {path}; see the docstring")
        return [pytest.param(None, id=name, marks=mark)]
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [pytest.param(case, id=case["id"]) for case in found]


def proof_of(case: dict) -> list[bytes]:
    return [b64decode(one) for one in case["proof"] or []]


def is_refused(verify, *arguments) -> bool:
    try:
        verify(*arguments)
    except ProofRejectedError:
        return True
    return False


@pytest.mark.parametrize("case", cases("inclusion"))
def test_an_inclusion_proof_has_the_published_verdict(case):
    leaf, root = b64decode(case["leafHash"]), b64decode(case["root"])

    refused = is_refused(
        verify_inclusion, leaf, case["leafIdx"], case["treeSize"], proof_of(case), root
    )

    assert case["wantErr"] == refused


@pytest.mark.parametrize("case", cases("consistency"))
def test_a_consistency_proof_has_the_published_verdict(case):
    root_1, root_2 = b64decode(case["root1"]), b64decode(case["root2"])

    refused = is_refused(
        verify_consistency, case["size1"], root_1, case["size2"], root_2, proof_of(case)
    )

    assert case["wantErr"] == refused


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_a_tree_of_the_published_leaves_has_the_published_root(size):
    assert ROOTS[size] == tree_root(size, READER).hex()


def test_proofs_of_our_own_verify_against_the_published_roots():
    for size in range(1, len(ROOTS)):
        root = bytes.fromhex(ROOTS[size])
        for index in range(size):
            proof = prove_inclusion(index, size, READER)
            verify_inclusion(leaf_hash(LEAVES[index]), index, size, proof, root)
        for before in range(1, size + 1):
            proof = prove_consistency(before, size, READER)
            verify_consistency(before, bytes.fromhex(ROOTS[before]), size, root, proof)
