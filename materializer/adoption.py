"""Adoption: binding a state store to a log that is a copy of its own.

A journal that was mirrored to another cluster, or restored from an export, has the same blocks and
hashes but another identity and maybe other offsets. The store made from the first is as good for the
second, if the block with its tip's sequence number has its tip's hash there: that hash commits to all
history before it. Nothing is folded again; only offsets and identity are written.
"""

from typing import Final

from journal.chain import Accepted, Origin, Tip, check, link
from journal.errors import JournalReplacedError, LogUnavailableError, UnknownLedgerError
from journal.log import Log, Position
from materializer.follower import Progress
from materializer.store.store import Pin, Store

_READ_LIMIT: Final = 1000
_EMPTY_READS_MAX: Final = 20


def adopt(log: Log, store: Store, ledger_name: str, *, on_progress: Progress | None = None) -> Tip:
    """Bind `store` to `log`, after finding the store's tip on the log's chain. Reads the log once.

    Raises:
        UnknownLedgerError: The store holds no ledger yet.
        JournalReplacedError: The store's tip is not on this chain; the store is as it was.
        IntegrityError, UnavailableError: The log cannot be read.
    """
    if store.tip is None:
        raise UnknownLedgerError(f"{store.path} holds no ledger to be adopted")
    identity = log.identity()
    offsets, epoch = _offsets_up_to(store.tip, log, ledger_name, on_progress)
    store.begin()
    try:
        store.executemany(
            "update blocks set offset = ?2 where sequence_number = ?1", list(enumerate(offsets))
        )
        store.set_last_read(offsets[-1], epoch)
        store.commit()
    except BaseException:
        store.rollback()
        raise
    pin = Pin(ledger_name=ledger_name, strand_id=store.tip.strand_id, log_identity=identity)
    store.bind(pin)
    return store.tip


def _offsets_up_to(
    wanted: Tip, log: Log, ledger_name: str, on_progress: Progress | None
) -> tuple[list[int], int]:
    """The offset of each block of the chain up to `wanted`, and the epoch of the last one."""
    tip: Tip | Origin = Origin(ledger_name, wanted.strand_id)
    offsets: list[int] = []
    end = log.end_offset()
    reader = log.reader(Position(offset=log.start_offset()))
    try:
        empty_reads = 0
        while reader.position() < end:
            records = reader.read(timeout=0.5, limit=_READ_LIMIT)
            empty_reads = 0 if records else empty_reads + 1
            if empty_reads > _EMPTY_READS_MAX:
                raise LogUnavailableError(f"the journal is silent before its end, offset {end}")
            for record in records:
                outcome = link(tip, check(record))
                if not isinstance(outcome, Accepted):
                    continue
                tip = outcome.tip
                offsets.append(outcome.offset)
                if tip.sequence_number == wanted.sequence_number:
                    _expect_same(tip, wanted)
                    return offsets, record.epoch
            if on_progress is not None:
                on_progress(reader.position(), end)
    finally:
        reader.close()
    raise JournalReplacedError(
        f"the journal has {len(offsets)} blocks, this store {wanted.sequence_number + 1}: "
        "it is no copy of the whole journal",
        hint="`indelible rebuild --accept-journal` makes a store of what the journal has",
    )


def _expect_same(found: Tip, wanted: Tip) -> None:
    if found.block_hash != wanted.block_hash:
        raise JournalReplacedError(
            f"block {wanted.sequence_number} of the journal is not that of this store",
            hint="the journal is another ledger's; `indelible rebuild --accept-journal` "
            "gives up this store",
        )
