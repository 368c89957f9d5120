"""SHA-256 trees of RFC 6962: leaf and node hashes are never mixed up.

```
leaf_hash(x) = SHA-256(00 || x)        node_hash(l, r) = SHA-256(01 || l || r)
tree_hash of n leaves: split at the largest power of two below n, hash both sides, node_hash them
```

Source: RFC 6962 section 2.1.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """32 bytes that stand for `data` as a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """32 bytes that stand for two subtrees, each given by its 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def tree_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root over leaf hashes, in n - 1 node hashes.

    Pairing neighbours level by level, an odd last one moving up as it is, gives RFC 6962's tree: its
    left part always is the largest complete one.

    >>> tree_hash([]) == EMPTY_ROOT
    True
    """
    if not leaf_hashes:
        return EMPTY_ROOT
    level = list(leaf_hashes)
    while len(level) > 1:
        paired = [
            sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        if len(level) & 1:
            paired.append(level[-1])
        level = paired
    return level[0]
