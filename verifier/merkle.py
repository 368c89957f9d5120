"""The ledger's Merkle tree: which nodes there are, how it grows, and what proves something about it.

```
level 2          [0,4)                      position of a node at level l: the leaves
level 1     [0,2)     [2,4)                   [position << l, (position + 1) << l)
level 0     0    1    2    3    4           complete subtrees only; leaf n = hash of block n
```

A tree of n leaves is the sequence of its largest complete subtrees, one for each bit of n: the
`CompactRange`. Appending a leaf needs only these, and makes the nodes that are then complete.

A proof is a list of hashes, each that of a range of leaves. Making one takes three steps: say which
ranges (`_inclusion_ranges`, `_consistency_ranges`), read the complete subtrees that they consist of, all
at once, and fold those of a range into one hash. Checking one is the reverse walk, from the leaf to the
root.

Source: RFC 6962 sections 2.1, 2.1.1, 2.1.2; checking as in RFC 9162 sections 2.1.3.2 and 2.1.4.2; the
compact range as in transparency-dev's `merkle/compact`.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple, Protocol

from journal.errors import InputError, ProofRejectedError
from journal.hashing import EMPTY_ROOT, HASH_SIZE, node_hash

TREE_SIZE_MAX: Final = (1 << 63) - 1
PROOF_LENGTH_MAX: Final = 64


class NodeId(NamedTuple):
    """A complete subtree: the leaves `[position << level, (position + 1) << level)`."""

    level: int
    position: int


def compact_node_ids(tree_size: int) -> list[NodeId]:
    """The largest complete subtrees of a tree, left to right; one for each 1-bit of its size.

    >>> compact_node_ids(5)
    [NodeId(level=2, position=0), NodeId(level=0, position=4)]
    """
    ids, start = [], 0
    for level in range(tree_size.bit_length() - 1, -1, -1):
        if tree_size >> level & 1:
            ids.append(NodeId(level, start >> level))
            start += 1 << level
    return ids


class CompactRange:
    """A tree by its largest complete subtrees; grows by one leaf at a time. Immutable."""

    __slots__ = ("hashes", "tree_size")

    def __init__(self, tree_size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """A tree of `tree_size` leaves; `hashes` of `compact_node_ids(tree_size)`, 32 bytes each."""
        if len(hashes) != tree_size.bit_count():
            raise ValueError(f"{len(hashes)} hashes for a tree of {tree_size}")
        self.tree_size = tree_size
        self.hashes = tuple(hashes)

    def append(self, leaf: bytes) -> tuple["CompactRange", list[tuple[NodeId, bytes]]]:
        """The tree with one more leaf, and the nodes that it completes, the leaf itself first."""
        position, level = self.tree_size, 0
        hashes, node = list(self.hashes), leaf
        completed = [(NodeId(0, position), leaf)]
        while position & 1:
            node = node_hash(hashes.pop(), node)
            position, level = position >> 1, level + 1
            completed.append((NodeId(level, position), node))
        hashes.append(node)
        return CompactRange(self.tree_size + 1, hashes), completed

    def root(self) -> bytes:
        """The root hash, 32 bytes."""
        return _folded(self.hashes) if self.hashes else EMPTY_ROOT


class HashReader(Protocol):
    """Where the hashes of complete subtrees come from."""

    def read(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """The hashes of `nodes` (32 bytes each), in that order; all of them, or an error."""
        ...


class Leaves:
    """A `HashReader` over leaf hashes that are all at hand; makes n - 1 node hashes at the start."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        """A tree of `leaf_hashes`, 32 bytes each."""
        level = list(leaf_hashes)
        self._levels = [level]
        while len(level) > 1:
            level = [
                sha256(b"\x01" + level[i] + level[i + 1]).digest()
                for i in range(0, len(level) - 1, 2)
            ]
            self._levels.append(level)

    def read(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """The hashes of `nodes`.

        Raises:
            InputError: A node that these leaves do not complete.
        """
        try:
            return [self._levels[level][position] for level, position in nodes]
        except IndexError:
            leaves = len(self._levels[0])
            raise InputError(f"a proof in a larger tree than the {leaves} leaves") from None


def tree_root(tree_size: int, reader: HashReader) -> bytes:
    """The root hash (32 bytes) of the first `tree_size` leaves; one read of at most 63 hashes.

    >>> tree_root(0, Leaves([])) == EMPTY_ROOT
    True

    Raises:
        InputError: No such size.
    """
    _check_size(tree_size, least=0)
    return _folded(reader.read(compact_node_ids(tree_size))) if tree_size else EMPTY_ROOT


def prove_inclusion(index: int, tree_size: int, reader: HashReader) -> list[bytes]:
    """The hashes (32 bytes each) which show that leaf `index` is in the tree of `tree_size` leaves.

    The leaf's sibling first, the root's child last; one read of at most 63 + log2(tree_size) hashes.
    (RFC 6962 section 2.1.1 calls this a Merkle audit path.)

    Raises:
        InputError: No such leaf, or no such size.
    """
    _check_size(tree_size, least=1)
    if type(index) is not int or not 0 <= index < tree_size:
        raise InputError(f"no leaf {index} in a tree of {tree_size} leaves")
    return _hashes_of(_inclusion_ranges(index, tree_size), reader)


def verify_inclusion(
    leaf_hash: bytes, leaf_index: int, tree_size: int, proof: Sequence[bytes], root_hash: bytes
) -> None:
    """Check that the leaf at `leaf_index` of the tree with this size and root has this hash.

    Says nothing about who vouches for the root: open the checkpoint first. All arguments may be
    untrusted; hashes are 32 bytes. At most 64 node hashes. (RFC 9162 section 2.1.3.2)

    Raises:
        ProofRejectedError: The proof implies another root, is too long or too short, or an argument is
            no hash, no size or no index in it.
    """
    _check_untrusted(leaf_index, tree_size, proof, (leaf_hash, root_hash))
    if leaf_index >= tree_size:
        raise ProofRejectedError(f"no leaf {leaf_index} in a tree of {tree_size} leaves")
    place, last, computed = leaf_index, tree_size - 1, leaf_hash
    for sibling in proof:
        if not last:
            raise ProofRejectedError("the inclusion proof has hashes left over")
        if place & 1 or place == last:
            computed = sha256(b"\x01" + sibling + computed).digest()
            while not place & 1 and place:  # no sibling on the right: these levels have no hash
                place, last = place >> 1, last >> 1
        else:
            computed = sha256(b"\x01" + computed + sibling).digest()
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRejectedError("the inclusion proof ends before the root")
    if computed != root_hash:
        raise ProofRejectedError(
            f"the inclusion proof of leaf {leaf_index} implies the root {computed.hex()}, "
            f"not {root_hash.hex()}"
        )


def prove_consistency(size_1: int, size_2: int, reader: HashReader) -> list[bytes]:
    """The hashes which show that the tree of `size_1` leaves is how the tree of `size_2` begins.

    Empty for equal sizes. One read of at most 63 + log2(size_2) hashes. (RFC 6962 section 2.1.2)

    Raises:
        InputError: Not 0 < size_1 <= size_2. (Every tree begins with the empty one: nothing to prove.)
    """
    _check_size(size_2, least=1)
    if type(size_1) is not int or not 0 < size_1 <= size_2:
        raise InputError(f"no consistency proof from a tree of {size_1} to one of {size_2} leaves")
    return _hashes_of(_consistency_ranges(size_1, size_2), reader)


def verify_consistency(
    size_1: int, root_1: bytes, size_2: int, root_2: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree (size_1, root_1) is how the tree (size_2, root_2) begins.

    All arguments may be untrusted. At most 128 node hashes. A proof from the empty tree shows nothing and
    is refused. For equal sizes the roots are compared as they are, of whatever length. (RFC 9162 section
    2.1.4.2)

    Raises:
        ProofRejectedError: The proof implies other roots, is too long or too short, or an argument is no
            hash or no size.
    """
    implied_1, implied_2 = implied_roots(size_1, root_1, size_2, proof)
    for size, implied, root in ((size_1, implied_1, root_1), (size_2, implied_2, root_2)):
        if type(root) is not bytes or type(implied) is not bytes:
            raise ProofRejectedError("a root is no hash")
        if implied != root:
            raise ProofRejectedError(
                f"the consistency proof implies the root {implied[:HASH_SIZE].hex()} at {size}, "
                f"not {root[:HASH_SIZE].hex()}"
            )


def implied_roots(
    size_1: int, root_1: bytes, size_2: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The roots at `size_1` and `size_2` that a consistency proof implies.

    If the second is the root of the larger tree, then the first is what that tree had at `size_1`: each
    hash of the proof has a fixed place in it. Where `size_1` is a power of two, the proof leaves `root_1`
    out, so the first is `root_1` itself.

    Raises:
        ProofRejectedError: Not 0 < size_1 <= size_2, or not as many hashes as these sizes need.
    """
    _check_untrusted(size_1, size_2, proof, ())
    if not 0 < size_1 <= size_2:
        raise ProofRejectedError(
            f"there is no consistency proof from a tree of {size_1} to one of {size_2} leaves"
        )
    if size_1 == size_2:
        if proof:
            raise ProofRejectedError("a consistency proof between equal sizes is empty")
        return root_1, root_1
    _check_hashes((root_1,))
    place, last = size_1 - 1, size_2 - 1
    while place & 1:  # up to the largest complete subtree that ends the smaller tree
        place, last = place >> 1, last >> 1
    hashes = iter(proof)
    start = next(hashes, None) if place else root_1
    if start is None:
        raise ProofRejectedError("the consistency proof is empty")
    old = new = start
    for sibling in hashes:
        if not last:
            raise ProofRejectedError("the consistency proof has hashes left over")
        if place & 1 or place == last:
            old = sha256(b"\x01" + sibling + old).digest()
            new = sha256(b"\x01" + sibling + new).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = sha256(b"\x01" + new + sibling).digest()
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRejectedError("the consistency proof ends before the root")
    return old, new


class _Range(NamedTuple):
    """Leaves `[lo, hi)`. `lo` is a multiple of the largest power of two in `hi - lo`."""

    lo: int
    hi: int

    def nodes(self) -> list[NodeId]:
        """The complete subtrees that it consists of, left to right."""
        return [
            NodeId(level, (self.lo >> level) + position)
            for level, position in compact_node_ids(self.hi - self.lo)
        ]


def _inclusion_ranges(index: int, tree_size: int) -> list[_Range]:
    """PATH of RFC 6962, walked from the root down: at each split the side without the leaf."""
    lo, hi, ranges = 0, tree_size, []
    while hi - lo > 1:
        middle = lo + _split(hi - lo)
        if index < middle:
            ranges.append(_Range(middle, hi))
            hi = middle
        else:
            ranges.append(_Range(lo, middle))
            lo = middle
    return ranges[::-1]


def _consistency_ranges(size_1: int, size_2: int) -> list[_Range]:
    """PROOF of RFC 6962, walked from the root down until the smaller tree ends with the range."""
    lo, hi, ranges = 0, size_2, []
    while hi != size_1:
        middle = lo + _split(hi - lo)
        if size_1 <= middle:
            ranges.append(_Range(middle, hi))
            hi = middle
        else:
            ranges.append(_Range(lo, middle))
            lo = middle
    if lo:  # where it is the whole smaller tree, the verifier has its hash
        ranges.append(_Range(lo, hi))
    return ranges[::-1]


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _hashes_of(ranges: Sequence[_Range], reader: HashReader) -> list[bytes]:
    """One hash for each range, after a single read."""
    nodes = [one.nodes() for one in ranges]
    read = iter(reader.read([node for some in nodes for node in some]))
    return [_folded([next(read) for _ in some]) for some in nodes]


def _folded(hashes: Sequence[bytes]) -> bytes:
    """The hash of a range from those of its largest complete subtrees, left to right."""
    folded = hashes[-1]
    for left in hashes[-2::-1]:
        folded = node_hash(left, folded)
    return folded


def _check_size(tree_size: int, *, least: int) -> None:
    if type(tree_size) is not int or not least <= tree_size <= TREE_SIZE_MAX:
        raise InputError(f"no proof in a tree of {tree_size} leaves")


def _check_untrusted(
    low: int, high: int, proof: Sequence[bytes], hashes: tuple[bytes, ...]
) -> None:
    """What both kinds of proof need: numbers that are numbers, hashes that are hashes, not too many."""
    for number in (low, high):
        if type(number) is not int or not 0 <= number <= TREE_SIZE_MAX:
            raise ProofRejectedError("a tree size or leaf index is no number from 0 to 2^63 - 1")
    if not isinstance(proof, list | tuple):
        raise ProofRejectedError("the proof is not a list of hashes")
    if len(proof) > PROOF_LENGTH_MAX:
        raise ProofRejectedError(f"a proof has at most {PROOF_LENGTH_MAX} hashes")
    _check_hashes(hashes)
    _check_hashes(proof)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for one in hashes:
        if type(one) is not bytes or len(one) != HASH_SIZE:
            raise ProofRejectedError(f"a hash has {HASH_SIZE} bytes")
