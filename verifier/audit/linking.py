"""The one thread of an audit: parts of the journal in order, linked into a chain and a tree.

```
Part -> journal.chain.link(tip) -> accepted: tree, catalog, key chain     -> ignored: reported, or damage
```

A segment whose first block is accepted is accepted whole: its blocks were checked to be each other's
successors, which is all that the reader rule asks of the next ones. `journal.chain` decides on every
other record.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from journal import catalog as journal_catalog
from journal import document
from journal.block import Block, document_of
from journal.catalog import SYSTEM_TABLE_IDS, TABLES_TABLE_ID, Catalog, CatalogError
from journal.chain import Checked, Ignored, Origin, Reason, Refused, Tip, check, link
from journal.codec import FORMAT_VERSION, BlockHeader, FrozenHeader, Operation
from journal.errors import BrokenLinkError, CorruptBlockError, InvalidDocumentError
from journal.hashing import HASH_SIZE
from verifier.audit.blocks import SystemRevision, place_of
from verifier.audit.diagnosis import entry_of
from verifier.audit.neighbours import Lifetime
from verifier.audit.sources import Beginning, Part, RangeResult, Segment, Unfit
from verifier.merkle import CompactRange

OnIgnored = Callable[[Ignored], None]

IGNORED_LISTED_MAX: Final = 10_000
"""Ignored records that a report lists; more are counted, and handed to whoever listens."""


@dataclass(slots=True)
class Chain:
    """What an audit knows of the chain so far. Used by one thread.

    Attributes:
        exclusive: The log has one writer and no strangers: what is not accepted is damage.
        tip: The last accepted block.
        offset: Its place in the log.
        catalog: Ledger, tables and indexes as of the tip.
        keys, rotations: The ledger's keys, oldest first, and the notes that lead from each to the next.
        tables: When each table was there.
        leaves: A file of the block hashes, from which the roots of smaller trees can be had.
        ignored, ignored_counts: Records that are no part of the ledger, by reason.
        dead: Offsets (8 bytes each) of those that are valid in themselves.
    """

    tip: Tip | Origin
    exclusive: bool
    leaves: Path
    on_ignored: OnIgnored | None = None
    offset: int = -1
    started_at: int = 0
    catalog: Catalog = field(default_factory=Catalog)
    keys: list[str] = field(default_factory=list)
    rotations: list[str] = field(default_factory=list)
    tables: dict[bytes, Lifetime] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)
    ignored_counts: dict[str, int] = field(default_factory=dict)
    dead: set[bytes] = field(default_factory=set)
    transactions: int = 0
    revisions: int = 0
    tree_size: int = 0
    _tree: list[bytes] = field(default_factory=list)
    _wanted: list[int] = field(default_factory=list)
    _roots: dict[int, bytes] = field(default_factory=dict)
    _suspect: Ignored | None = None

    @property
    def tree(self) -> CompactRange:
        """The ledger's tree over the blocks so far."""
        return CompactRange(self.tree_size, self._tree)

    def ask_for_roots(self, tree_sizes: Iterable[int]) -> None:
        """Keep the roots at these sizes when they are reached."""
        sizes = {size for size in tree_sizes if size > self.tree_size}
        self._wanted = sorted(sizes, reverse=True)

    def roots_at(self, tree_sizes: Iterable[int]) -> dict[int, bytes]:
        """The roots at these sizes, where the tree is as large; cheap where they were asked for."""
        for size in tree_sizes:
            if size <= self.tree_size and size not in self._roots:
                self._roots[size] = self._root_again(size)
        return self._roots

    def take(self, result: RangeResult) -> None:
        """Go on by what a range of the log holds.

        Raises:
            BrokenLinkError, CorruptBlockError: The journal is damaged; names the block.
            UnsupportedError: A newer release wrote it.
        """
        system = iter(result.system)
        pending = next(system, None)
        for part in result.parts:
            first = self._take(part)
            while pending is not None and pending.offset <= _last_offset(part):
                if first is not None and pending.offset >= first:
                    self._fold(pending)
                pending = next(system, None)
            if first is not None and isinstance(part, Segment | Beginning):
                self._count(part, first, result.counts)

    def _take(self, part: Part) -> int | None:
        """The offset from which on the part was accepted; None if none of it was."""
        try:
            match part:
                case Segment():
                    return self._take_segment(part)
                case Beginning(genesis):
                    return genesis.offset if self._decide(check(genesis), valid=True) else None
                case Unfit(offset, frozen, detail):
                    refused = Refused(offset, detail)
                    record = Checked(offset, frozen, None, detail) if frozen else refused
                    self._decide(record, valid=False)
                    return None
        except BrokenLinkError as error:
            raise self._explained(error) from None

    def _take_segment(self, segment: Segment) -> int | None:
        previous = segment.previous_block_hash
        for index, block_hash in enumerate(segment.block_hashes):
            header = BlockHeader(
                FORMAT_VERSION,
                segment.strand_id,
                segment.sequence_number + index,
                previous,
                b"",
                0,
                segment.timestamps[index],
                "",
            )
            frozen = FrozenHeader(*header[:4])
            block = Block(header, b"", block_hash, (), (), ())
            checked = Checked(segment.offsets[index], frozen, block, "")
            if self._decide(checked, valid=True):
                self._accept_rest(segment, index + 1)
                return segment.offsets[index]
            previous = block_hash
        return None

    def _accept_rest(self, segment: Segment, start: int) -> None:
        hashes = segment.block_hashes
        if start == len(hashes):
            return
        self._grow(hashes[start:])
        last = len(hashes) - 1
        self.offset = segment.offsets[last]
        self.tip = Tip(
            segment.strand_id,
            segment.sequence_number + last,
            hashes[last],
            segment.timestamps[last],
        )

    def _decide(self, checked: Checked | Refused, *, valid: bool) -> bool:
        """Whether the record is the next block; if so it is the tip now."""
        outcome = link(self.tip, checked)
        if isinstance(outcome, Ignored):
            self._ignore(outcome, valid=valid)
            return False
        if isinstance(self.tip, Origin):
            self.started_at = outcome.tip.timestamp
        self.tip, self.offset, self._suspect = outcome.tip, outcome.offset, None
        self._grow([outcome.tip.block_hash])
        return True

    def _grow(self, leaf_hashes: list[bytes]) -> None:
        while self._wanted and self._wanted[-1] <= self.tree_size + len(leaf_hashes):
            wanted = self._wanted.pop()
            count = wanted - self.tree_size
            self._append(leaf_hashes[:count])
            leaf_hashes = leaf_hashes[count:]
            self._roots[wanted] = self.tree.root()
        self._append(leaf_hashes)

    def _append(self, leaf_hashes: list[bytes]) -> None:
        _extend(self._tree, self.tree_size, leaf_hashes)
        self.tree_size += len(leaf_hashes)
        with self.leaves.open("ab") as file:
            file.write(b"".join(leaf_hashes))

    def _root_again(self, tree_size: int) -> bytes:
        """The root of a smaller tree, from its leaves."""
        tree: list[bytes] = []
        with self.leaves.open("rb") as file:
            for start in range(0, tree_size, _LEAVES_AT_ONCE):
                data = file.read(HASH_SIZE * min(_LEAVES_AT_ONCE, tree_size - start))
                leaf_hashes = [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]
                _extend(tree, start, leaf_hashes)
        return CompactRange(tree_size, tree).root()

    def _ignore(self, ignored: Ignored, *, valid: bool) -> None:
        if self.exclusive:
            raise _damaged(ignored, self._next_number())
        if valid:
            self.dead.add(ignored.offset.to_bytes(8, "big"))
        if ignored.reason in _SUSPECT:
            self._suspect = self._suspect or ignored
        self.ignored_counts[ignored.reason] = self.ignored_counts.get(ignored.reason, 0) + 1
        if len(self.ignored) < IGNORED_LISTED_MAX:
            self.ignored.append(ignored)
        if self.on_ignored is not None:
            self.on_ignored(ignored)

    def _next_number(self) -> int:
        return self.tip.sequence_number + 1 if isinstance(self.tip, Tip) else 0

    def _explained(self, error: BrokenLinkError) -> BrokenLinkError:
        """With the record that may be what is left of the missing block."""
        suspect = self.suspect()
        if not suspect:
            return error
        return BrokenLinkError(
            f"{error.reason}; {suspect}",
            sequence_number=error.sequence_number,
            offset=error.offset,
        )

    def suspect(self) -> str:
        """The first record above the tip that looks like a damaged block of it; "" if there is none."""
        if self._suspect is None:
            return ""
        return f"the record at offset {self._suspect.offset} is damaged: {self._suspect.detail}"

    def _fold(self, revision: SystemRevision) -> None:
        if revision.table_id not in SYSTEM_TABLE_IDS:
            return
        before = self.catalog
        try:
            value = document.decode(document_of(revision.payload)) if revision.payload else None
            self.catalog = journal_catalog.fold(
                self.catalog,
                revision.table_id,
                revision.document_id,
                Operation(revision.operation),
                value,
            )
        except (CatalogError, InvalidDocumentError) as error:
            raise _corrupt(revision, str(error)) from error
        if revision.table_id == TABLES_TABLE_ID:
            self._follow_table(revision, before)
        elif revision.table_id == journal_catalog.LEDGER_TABLE_ID:
            self._follow_ledger(revision, before)

    def _follow_table(self, revision: SystemRevision, before: Catalog) -> None:
        """Note when a table was made, dropped, brought back."""
        table_id = revision.document_id
        was = before.tables.get(table_id)
        if self.catalog.tables[table_id].dropped != (was is None or was.dropped):
            place = place_of(revision.offset, revision.entry_index)
            self.tables[table_id] = (*self.tables.get(table_id, ()), place)

    def _follow_ledger(self, revision: SystemRevision, before: Catalog) -> None:
        """Note a key and the rotation that leads to it; who pins a key checks the notes."""
        ledger, was = self.catalog.ledger, before.ledger
        if ledger is None:
            return
        if was is not None and (ledger.name, ledger.strand_id) != (was.name, was.strand_id):
            raise _corrupt(revision, "a ledger document with another name or strand")
        if self.keys and ledger.checkpoint_key == self.keys[-1]:
            return
        if self.keys:
            if not ledger.key_rotation:
                raise _corrupt(revision, "another checkpoint key without a rotation note")
            self.rotations.append(ledger.key_rotation)
        self.keys.append(ledger.checkpoint_key)

    def _count(
        self, part: Segment | Beginning, first: int, counts: dict[int, tuple[int, int]]
    ) -> None:
        offsets = [part.record.offset] if isinstance(part, Beginning) else part.offsets
        for offset in offsets:
            if offset >= first:
                transactions, revisions = counts.get(offset, (1, 1))
                self.transactions += transactions
                self.revisions += revisions


_SUSPECT: Final = frozenset((Reason.FOREIGN, Reason.OTHER_STRAND, Reason.INVALID))


_LEAVES_AT_ONCE: Final = 10_000


def _extend(tree: list[bytes], tree_size: int, leaf_hashes: Iterable[bytes]) -> None:
    """`CompactRange.append` for many leaves, in place."""
    for size, leaf in enumerate(leaf_hashes, tree_size):
        node, position = leaf, size
        while position & 1:
            node = sha256(b"\x01" + tree.pop() + node).digest()
            position >>= 1
        tree.append(node)


def _last_offset(part: Part) -> int:
    match part:
        case Segment():
            return part.offsets[-1]
        case Beginning(record):
            return record.offset
        case Unfit(offset):
            return offset


def _damaged(ignored: Ignored, sequence_number: int) -> CorruptBlockError:
    entry_index, detail = entry_of(ignored.detail)
    what = "is damaged" if ignored.reason in _SUSPECT else "does not belong there"
    return CorruptBlockError(
        f"the record at offset {ignored.offset} {what}: {detail}",
        sequence_number=sequence_number,
        entry_index=entry_index,
    )


def _corrupt(revision: SystemRevision, reason: str) -> CorruptBlockError:
    return CorruptBlockError(
        f"{reason} (offset {revision.offset})",
        sequence_number=revision.sequence_number,
        entry_index=revision.entry_index,
    )
