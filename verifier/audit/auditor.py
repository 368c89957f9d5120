"""An audit: reads a journal, links it, compares it with what is known from elsewhere.

```
advance(end)   read ranges in several processes -> link them here, in order
report(...)    versions and transaction ids by sorted runs -> keys -> checkpoints -> Report
```

Both can be called again when the journal has grown; what was checked before is not read again.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from journal.chain import Checked, Origin, Tip, check
from journal.errors import (
    CorruptBlockError,
    IntegrityError,
    JournalReplacedError,
    LogUnavailableError,
    UnknownLedgerError,
)
from journal.log import Log, Position
from verifier.audit.anchors import Anchor, KeyChain, check_anchors, check_keys, tree_sizes
from verifier.audit.blocks import REVISION_KEY_SIZE, TRANSACTION_KEY_SIZE
from verifier.audit.linking import Chain, OnIgnored
from verifier.audit.neighbours import Fault, MergeTask, without
from verifier.audit.report import Report
from verifier.audit.runs import RUNS_MAX, merge_into, similar_in_size, splitters
from verifier.audit.sources import RangeResult, Source
from verifier.audit.workers import Crew
from verifier.keys import parse_verifier_key

Progress = Callable[[int, int], None]
"""Called with (next offset to read, end offset) after each range."""

WORKERS_MAX: Final = 16
_ONE_PROCESS_MAX: Final = 500
"""A log of fewer records is read in this process: others would take longer to start."""


def audit(
    source: Source,
    *,
    ledger_name: str,
    strand_id: bytes | None = None,
    exclusive: bool = False,
    key: str | None = None,
    anchors: Sequence[Anchor] = (),
    workers: int | None = None,
    on_progress: Progress | None = None,
    on_ignored: OnIgnored | None = None,
) -> Report:
    """Prove a journal from its bytes, as far as a key and checkpoints from elsewhere go.

    1. Every record is decoded and placed by the reader rule (`journal.chain`); all hashes are computed.
    2. Each document's versions are gap-free, in order, from an INSERT to at most one DELETE, in a table
       that was there; each transaction id is used once.
    3. The ledger's key chain holds, and the pinned key is one of it.
    4. The checkpoints are signed by that chain, agree with each other and with the journal.

    Needs memory of some dozen MB per process however long the journal is, and about 80 bytes of disk per
    revision in the temporary folder. Says nothing about what is inside documents.

    Args:
        source: Opens the log; called in each process, so it must be picklable.
        ledger_name: Whose genesis to look for.
        strand_id: The strand, if it is known.
        exclusive: The log has one writer and no strangers: whatever is not accepted is damage.
        key: The pinned key, from elsewhere.
        anchors: Checkpoints, from elsewhere.
        workers: Processes; by default one for each processor, and one alone for a short log.
        on_progress: Called now and then.
        on_ignored: Called for each record that is no part of the ledger.

    Raises:
        IntegrityError: Something is not as it must be; names block, offset and entry where there is one.
        UnknownLedgerError: No ledger of this name.
        InputError: The key is none.
        UnsupportedError: A newer release wrote the journal.
        LogUnavailableError: The log cannot be read.
    """
    with Auditor(
        source,
        ledger_name=ledger_name,
        strand_id=strand_id,
        exclusive=exclusive,
        workers=workers,
        on_ignored=on_ignored,
    ) as auditor:
        auditor.advance(anchors=anchors, key=key, on_progress=on_progress)
        return auditor.report(key=key, anchors=anchors)


class Auditor:
    """An audit that can go on. Used by one thread; a context manager."""

    def __init__(
        self,
        source: Source,
        *,
        ledger_name: str,
        strand_id: bytes | None = None,
        exclusive: bool = False,
        workers: int | None = None,
        on_ignored: OnIgnored | None = None,
    ) -> None:
        """Open the log; see `audit` for the arguments.

        Raises:
            JournalReplacedError: The beginning of the log was deleted.
            LedgerError: The log cannot be opened.
        """
        self._log = source()
        self.position = 0
        self._ledger_name = ledger_name
        self._size_bytes = 0
        self._fresh = _Runs()
        self._base = _Runs()
        self._source, self._workers = source, workers
        self._crew: Crew | None = None
        self._merges = 0
        self._temporary = tempfile.TemporaryDirectory(prefix="indelible-audit-")
        self._chain = Chain(
            Origin(ledger_name, strand_id),
            exclusive,
            Path(self._temporary.name) / "leaves",
            on_ignored,
        )
        try:
            _refuse_beheaded(self._log)
        except BaseException:
            self.close()
            raise

    @property
    def tip(self) -> Tip | None:
        """The last block so far."""
        tip = self._chain.tip
        return tip if isinstance(tip, Tip) else None

    @property
    def blocks(self) -> int:
        """How many blocks were linked so far."""
        return self._chain.tree_size

    @property
    def keys(self) -> KeyChain:
        """The ledger's keys so far; there is a genesis."""
        return KeyChain(self._chain.keys[0], tuple(self._chain.rotations))

    def identity(self) -> str:
        """Of the log that is there now: another one if it was deleted and made anew.

        Raises:
            UnknownLedgerError: It is gone.
            LogUnavailableError: It cannot be reached.
        """
        return self._log.identity()

    def root_at(self, tree_size: int) -> bytes:
        """The root of the tree of the first `tree_size` blocks, `tree_size` at most `blocks`."""
        return self._chain.roots_at([tree_size])[tree_size]

    def advance(
        self,
        end_offset: int | None = None,
        *,
        anchors: Sequence[Anchor] = (),
        key: str | None = None,
        on_progress: Progress | None = None,
    ) -> None:
        """Read and link everything below `end_offset`, by default up to where the log ends now.

        Args:
            end_offset: Where to stop.
            anchors, key: Roots are kept for these; and where the journal breaks, they are asked
                whether it was changed before that place already.
            on_progress: Called now and then.

        Raises:
            LedgerError: See `audit`.
        """
        self._chain.ask_for_roots(tree_sizes(anchors))
        end = self._log.end_offset() if end_offset is None else end_offset
        if end < self.position:
            raise JournalReplacedError(
                f"the journal ends at offset {end}, but was read to {self.position}: it was cut"
            )
        crew = self._open_crew(end - self.position)
        try:
            for position, result in crew.ranges(self.position, end):
                self._chain.take(result)
                self._keep(result)
                self.position = position
                if on_progress is not None:
                    on_progress(position, end)
        except IntegrityError:
            self._check_reached(anchors, key)
            raise

    def report(self, *, key: str | None = None, anchors: Sequence[Anchor] = ()) -> Report:
        """Check what needs the whole journal, and say what was found.

        Raises:
            LedgerError: See `audit`.
        """
        chain, tip = self._chain, self.tip
        if tip is None or chain.catalog.ledger is None:
            raise self._unknown(anchors)
        self._check_neighbours()
        pinned_at = check_keys(chain.keys, chain.rotations, key)
        anchored = check_anchors(
            anchors,
            keys=chain.keys,
            pinned_at=pinned_at,
            roots=chain.roots_at(tree_sizes(anchors)),
            tree_size=chain.tree_size,
            suspect=chain.suspect(),
        )
        return Report(
            ledger_name=chain.catalog.ledger.name,
            strand_id=tip.strand_id,
            origin=parse_verifier_key(chain.keys[0]).name,
            blocks=chain.tree_size,
            transactions=chain.transactions,
            revisions=chain.revisions,
            size_bytes=self._size_bytes,
            end_offset=self.position,
            tip_hash=tip.block_hash,
            root_hash=chain.tree.root(),
            first_timestamp=chain.started_at,
            last_timestamp=tip.timestamp,
            key=key or "",
            current_key=chain.keys[-1],
            key_rotations=len(chain.rotations),
            checkpoints=tuple(one.tree_size for one in anchored.checkpoints),
            anchored_blocks=anchored.blocks,
            ignored=tuple(chain.ignored),
            ignored_counts=dict(chain.ignored_counts),
        )

    def close(self) -> None:
        """Close the log, end the processes, delete the temporary files; closing twice is fine."""
        if self._crew is not None:
            self._crew.close()
            self._crew = None
        self._log.close()
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_crew(self, records: int) -> Crew:
        if self._crew is None:
            count = self._workers
            if count is None:
                available = len(os.sched_getaffinity(0))
                count = min(available, WORKERS_MAX) if records > _ONE_PROCESS_MAX else 1
            self._crew = Crew(self._source, Path(self._temporary.name), count)
        return self._crew

    def _keep(self, result: RangeResult) -> None:
        self._size_bytes += result.size_bytes
        self._fresh.revisions += result.revision_runs
        self._fresh.transactions += result.transaction_runs

    def _check_neighbours(self) -> None:
        """Versions of documents and ids of transactions, over all fresh keys.

        Raises:
            CorruptBlockError: The first revision or transaction that does not fit.
        """
        crew = self._open_crew(0)
        for result in crew.flush():
            self._keep(result)
        self._merge_down(self._fresh)
        faults = [crew.check(self._tasks(crew.count, revisions=kind)) for kind in (True, False)]
        first = min((fault for fault in faults if fault is not None), default=None)
        if first is not None:
            raise self._corrupt(first)
        self._promote()

    def _promote(self) -> None:
        """Fresh keys become the base of the next check, without those of ignored records."""
        dead = frozenset(self._chain.dead)
        for fresh, base, revisions in (
            (self._fresh.revisions, self._base.revisions, True),
            (self._fresh.transactions, self._base.transactions, False),
        ):
            size = REVISION_KEY_SIZE if revisions else TRANSACTION_KEY_SIZE
            if dead and fresh:
                fresh[:] = [self._merge(fresh, size, without(dead, revisions=revisions))]
            base.extend(fresh)
            fresh.clear()
            while len(base) > _BASE_RUNS_MAX:
                smallest = similar_in_size(base)
                base[:] = [path for path in base if path not in smallest]
                base.append(self._merge(smallest, size))
        self._chain.dead.clear()

    def _tasks(self, count: int, *, revisions: bool) -> list[MergeTask]:
        """The fresh keys in up to `count` parts; what belongs together stays together."""
        fresh, base = self._fresh.of(revisions=revisions), self._base.of(revisions=revisions)
        size, prefix = (REVISION_KEY_SIZE, 32) if revisions else (TRANSACTION_KEY_SIZE, 16)
        cuts = sorted({cut[:prefix] for cut in splitters(fresh, size, count)})
        bounds = [None, *cuts, None]
        return [
            MergeTask(
                revisions=revisions,
                fresh=fresh,
                base=base,
                low=low,
                high=high,
                dead=frozenset(self._chain.dead),
                tables=self._chain.tables,
            )
            for low, high in pairwise(bounds)
        ]

    def _merge_down(self, runs: "_Runs") -> None:
        """Make so few runs that they can be merged at once."""
        for paths, size in (
            (runs.revisions, REVISION_KEY_SIZE),
            (runs.transactions, TRANSACTION_KEY_SIZE),
        ):
            while len(paths) > RUNS_MAX:
                paths[:RUNS_MAX] = [self._merge(paths[:RUNS_MAX], size)]

    def _merge(
        self,
        paths: Sequence[Path],
        key_size: int,
        keep: Callable[[list[bytes]], list[bytes]] = lambda keys: keys,
    ) -> Path:
        self._merges += 1
        path = Path(self._temporary.name) / f"merged-{self._merges:06d}.run"
        merge_into(path, list(paths), key_size, keep)
        return path

    def _check_reached(self, anchors: Sequence[Anchor], key: str | None) -> None:
        """Where the journal breaks: was it changed before that place already?

        Raises:
            IntegrityError: It was, and a checkpoint knows.
        """
        chain = self._chain
        reached = [
            anchor
            for anchor, size in zip(anchors, tree_sizes(anchors), strict=True)
            if size <= chain.tree_size
        ]
        if chain.keys:
            check_anchors(
                reached,
                keys=chain.keys,
                pinned_at=check_keys(chain.keys, chain.rotations, key),
                roots=chain.roots_at(tree_sizes(reached)),
                tree_size=chain.tree_size,
            )

    def _corrupt(self, fault: Fault) -> CorruptBlockError:
        """The fault with the number of its block."""
        reader = self._log.reader(Position(offset=fault.offset))
        try:
            for _ in range(_READS_MAX):
                for record in reader.read(timeout=0.5, limit=1):
                    checked = check(record)
                    if isinstance(checked, Checked) and record.offset == fault.offset:
                        return CorruptBlockError(
                            f"{fault.reason} (offset {fault.offset})",
                            sequence_number=checked.frozen.sequence_number,
                            entry_index=fault.entry_index,
                        )
        finally:
            reader.close()
        raise LogUnavailableError(f"offset {fault.offset} of the journal cannot be read again")

    def _unknown(self, anchors: Sequence[Anchor]) -> UnknownLedgerError | IntegrityError:
        if anchors:
            suspect = self._chain.suspect()
            end = f": {suspect}" if suspect else ""
            return IntegrityError(
                f"{anchors[0].source} was signed, but the journal holds no ledger named "
                f"{self._ledger_name!r}{end}",
                hint="restore it from a replica or an export",
            )
        return UnknownLedgerError(f"the journal holds no ledger named {self._ledger_name!r}")


_BASE_RUNS_MAX: Final = 8
_READS_MAX: Final = 20


@dataclass(slots=True)
class _Runs:
    """Files of sorted keys."""

    revisions: list[Path] = field(default_factory=list)
    transactions: list[Path] = field(default_factory=list)

    def of(self, *, revisions: bool) -> list[Path]:
        return self.revisions if revisions else self.transactions


def _refuse_beheaded(log: Log) -> None:
    start = log.start_offset()
    if start < 0:
        raise IntegrityError(f"the journal has records from offset {start} on, below its first, 0")
    if start > 0:
        raise JournalReplacedError(
            f"the journal begins at offset {start}: its beginning was deleted, so nothing can be "
            "proven from it",
            hint="audit an export or a mirror that has all of it",
        )
