"""Keys, signers and witnesses for tests; the same each time.

>>> a_key("first") == a_key("first") != a_key("second")
True
"""

from tests.support.receipts import a_private_key
from verifier.checkpoint import Checkpoint, sign_checkpoint
from verifier.keys import COSIGNATURE, cosignature_signer, ed25519_signer, verifier_key_of
from verifier.note import Signer

ORIGIN = "indelible/registry/7n42DGM5Tflk9n8mt7Fhc7"
NOON = 1_700_000_000


def a_key(of: str = "ledger", name: str = ORIGIN) -> str:
    """The vkey of a ledger's key."""
    return verifier_key_of(a_private_key(of), name)


def a_signer(of: str = "ledger", name: str = ORIGIN) -> Signer:
    """The signer that belongs to `a_key`."""
    return ed25519_signer(a_private_key(of), name)


def a_witness_key(name: str = "witness.example/w1") -> str:
    """The vkey of a witness."""
    return verifier_key_of(a_private_key(name), name, signature_type=COSIGNATURE)


def a_witness(name: str = "witness.example/w1", seconds: int = NOON) -> Signer:
    """The signer that belongs to `a_witness_key`."""
    return cosignature_signer(a_private_key(name), name, lambda: seconds * 1_000_000 + 999_999)


def a_checkpoint(tree_size: int = 7, root_hash: bytes = bytes(range(32))) -> Checkpoint:
    """A checkpoint of the ledger of this module; its root is the root of nothing."""
    return Checkpoint(ORIGIN, tree_size, root_hash)


def a_signed_checkpoint(tree_size: int = 7, root_hash: bytes = bytes(range(32))) -> str:
    """Its note."""
    return sign_checkpoint(a_checkpoint(tree_size, root_hash), a_signer())
