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

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Root by size, from the same repository's `testonly/constants.go`."""
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
