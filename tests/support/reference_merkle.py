"""RFC 6962 section 2.1 as it is written there: recursive, slow, obviously right.

Only to cross-check the fast code. Leaves are given as the data that is hashed, not as hashes.
"""

from collections.abc import Sequence
from hashlib import sha256


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n])."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]): the leaf's sibling first, the root's child last."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*inclusion_proof(index, leaves[:k]), tree_hash(leaves[k:])]
    return [*inclusion_proof(index - k, leaves[k:]), tree_hash(leaves[:k])]


def consistency_proof(size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n]), for 0 < m < n; empty for m = n."""
    return _subproof(size, leaves, complete=True)


def _subproof(size: int, leaves: Sequence[bytes], *, complete: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if size == len(leaves):
        return [] if complete else [tree_hash(leaves)]
    k = split(len(leaves))
    if size <= k:
        return [*_subproof(size, leaves[:k], complete=complete), tree_hash(leaves[k:])]
    return [*_subproof(size - k, leaves[k:], complete=False), tree_hash(leaves[:k])]


def split(n: int) -> int:
    """The largest power of two below n.

    >>> [split(n) for n in range(2, 10)]
    [1, 2, 2, 4, 4, 4, 4, 8]
    """
    k = 1
    while k * 2 < n:
        k *= 2
    return k
