"""The sequencer: one transaction after another, one block at a time.

```
requests -> queue -> [ settle -> begin -> execute all that wait -> append -> commit -> answer ]  = a step
                        ^                                            |
                        +---- outcome unknown, rival block ----------+   rollback, read the log, decide
```

Whoever calls gets the lock and runs the step for all who wait; requests that arrive while a block is on
its way form the next one. That is group commit without a timer, and no hand-over between threads where
there is one caller.

The hash link is the compare-and-swap (ADR 1): an append that was acknowledged at the very next offset
cannot have a block before it; in every other case the log itself says whose block took the height. So
rivals cost work but never safety, and no answer is given while the outcome of a block is open.
"""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from indelible.engine.building import BlockFullError, OpenBlock, Statements
from indelible.engine.limits import Limits
from indelible.engine.requests import Answer, Request
from indelible.engine.watching import IdentityWatch
from journal.ambient import SYSTEM_TIMER, Clock, Entropy, Timer
from journal.block import Block
from journal.errors import (
    ConfigurationError,
    IntegrityError,
    JournalReplacedError,
    LedgerError,
    LogUnavailableError,
    OutcomeUnknownError,
    OverloadedError,
    StoreUnavailableError,
    UnavailableError,
)
from journal.events import event_logger
from journal.log import AppendUnknownError, Log
from materializer.follower import Follower, Progress
from materializer.garbage import CollectionPaused
from materializer.store.store import Store

CLOCK_AHEAD_MAX: Final = 60_000_000
"""Microseconds that the tip may be ahead of this machine's clock."""
STEPS_FOR_OTHERS: Final = 16
"""Blocks that a caller builds for others after its own; then one of them goes on."""
_RETRY_PAUSE: Final = 0.05

_logger = event_logger("indelible.engine")


class _BlockAbandonedError(Exception):
    """A statement failed in an unforeseen way: the others are executed again, without it."""


@dataclass(slots=True)
class _Outstanding:
    """A block whose outcome is not known, and who waits for it."""

    block: Block
    value: bytes
    executed: Sequence[tuple[Request, Answer | LedgerError]]


class Sequencer:
    """Commits transactions to one ledger. `submit` may be called from many threads.

    Args:
        log, store, follower: The journal, the state, and how the one gets into the other; the
            sequencer owns them from here on.
        exclusive: The log has no other writer (file, memory).
        writer: What blocks say built them.
        clock, entropy: Time in UTC microseconds; random bytes for salts.
        accept_clock: Lead although the tip is far ahead of the clock.
        timer: For time-outs and pauses.
        watch: Over the log's identity, where others can replace the log.
    """

    def __init__(
        self,
        log: Log,
        store: Store,
        follower: Follower,
        *,
        exclusive: bool,
        writer: str,
        limits: Limits,
        statements: Statements,
        clock: Clock,
        entropy: Entropy,
        accept_clock: bool = False,
        timer: Timer = SYSTEM_TIMER,
        watch: IdentityWatch | None = None,
    ) -> None:
        self._timer, self._watch = timer, watch
        self._log, self._store, self._follower = log, store, follower
        self._exclusive, self._writer, self._limits = exclusive, writer, limits
        self._statements, self._clock, self._entropy = statements, clock, entropy
        self._accept_clock = accept_clock
        self._lock = threading.Lock()
        self._queue: deque[Request] = deque()
        self._outstanding: _Outstanding | None = None
        self._behind = True
        self._failure: LedgerError | None = None

    @property
    def behind(self) -> bool:
        """Whether the store may lack a block that was acknowledged; `catch_up` tells."""
        return self._behind

    @property
    def position(self) -> int:
        """Next log offset to look at: everything below it is in the store."""
        return self._follower.position

    def submit(self, request: Request) -> Answer:
        """Commit a transaction and return what it gave, once its block is durable.

        Raises:
            OverloadedError: Too many wait; nothing was done.
            OutcomeUnknownError: Ask again with the same transaction id.
            LedgerError: Whatever the transaction's statements or the ledger's state call for.
        """
        if len(self._queue) >= self._limits.queue_max:
            raise OverloadedError(f"{self._limits.queue_max} transactions wait already")
        deadline = self._timer.monotonic() + self._limits.request_timeout
        self._queue.append(request)
        self._lead(request)
        while not request.answered:
            if not request.wake.acquire(timeout=max(0.0, deadline - self._timer.monotonic())):
                self._give_up(request)
            elif not request.answered:
                self._lead(request)
        return request.answer()

    def catch_up(self, on_progress: Progress | None = None) -> None:
        """Apply all that the log holds now: what a linearizable read waits for, and a start does.

        Raises:
            IntegrityError, UnsupportedError: The journal cannot be followed.
            UnavailableError: Log or store cannot be reached.
        """
        try:
            with self._lock:
                self._refuse_if_failed()
                with self._failing():
                    self._settle(self._deadline())
                    self._read_to_end(on_progress)
        finally:
            self._hand_over()  # to who came while the lock was taken

    def close(self) -> None:
        """Finish the block on its way, refuse what still waits, close log and store."""
        with self._lock:
            if self._failure is None:
                self._failure = UnavailableError("the ledger is closed")
            while self._queue:
                _answer(self._queue.popleft(), self._failure)
            if self._watch is not None:
                self._watch.close()
            self._follower.close()
            self._store.close()
            self._log.close()
        self._hand_over()

    def _lead(self, own: Request) -> None:
        """Run steps while somebody waits and nobody else leads; see the module's picture.

        The queue is looked at again after the lock was released: a request that came in between
        found the lock taken, and nobody but us would see it.
        """
        steps = 0
        while self._work_waits() and self._lock.acquire(blocking=False):
            try:
                self._step()
            except BaseException:  # an interrupt of this thread; the others must not wait for it
                self._lock.release()
                self._hand_over()
                raise
            self._lock.release()
            if own.answered:
                steps += 1
                if steps > STEPS_FOR_OTHERS:
                    self._hand_over()
                    return

    def _work_waits(self) -> bool:
        outstanding = self._outstanding
        return bool(self._queue) or (outstanding is not None and bool(outstanding.executed))

    def _hand_over(self) -> None:
        """Wake one of those who wait, so that it leads."""
        outstanding = self._outstanding
        for request, _ in outstanding.executed if outstanding is not None else ():
            request.signal()
        with suppress(IndexError):
            self._queue[0].signal()

    def _give_up(self, request: Request) -> None:
        """The caller's time is up: take the request back, or say that its outcome is open."""
        try:
            self._queue.remove(request)
        except ValueError:
            if not request.answered:
                request.outcome = OutcomeUnknownError(
                    request.transaction_text, "its block was not confirmed in time"
                )
            return
        finally:
            self._hand_over()  # it may have been this one's turn to lead
        request.outcome = UnavailableError(
            f"the transaction did not get its turn in {self._limits.request_timeout:.0f} s; "
            "nothing was done"
        )

    def _step(self) -> None:
        """Commit one block of what waits, or catch up. Never raises: requests get their answers."""
        taken: list[tuple[Request, Answer | LedgerError]] = []
        try:
            self._refuse_if_failed()
            with self._failing():
                self._settle(self._deadline())
                if self._behind:
                    self._read_to_end(None)
                self._commit_block(taken)
        except LedgerError as error:
            for request, _ in taken:
                _answer(request, error)
            if not taken:
                self._refuse_waiting(error)

    def _refuse_waiting(self, error: LedgerError) -> None:
        """Nothing can be done now: whoever waits is told, rather than waited out."""
        for _ in range(len(self._queue)):
            try:
                _answer(self._queue.popleft(), error)
            except IndexError:
                return

    def _commit_block(self, taken: list[tuple[Request, Answer | LedgerError]]) -> None:
        if not self._queue:
            return
        self._store.begin()
        try:
            open_block = OpenBlock(
                self._store,
                self._statements,
                self._limits,
                timestamp=self._next_timestamp(),
                entropy=self._entropy,
                monotonic=self._timer.monotonic,
            )
            with CollectionPaused():
                self._execute_waiting(open_block, taken)
                block = None if open_block.empty else open_block.build(self._writer)
                value = b"" if block is None else block.encode()
        except _BlockAbandonedError:
            self._store.rollback()
            self._requeue(taken)
            taken.clear()
            return
        except BaseException:
            self._store.rollback()
            raise
        if block is None:
            self._store.rollback()
            self._answer_without_block(taken)
        else:
            self._append(open_block, _Outstanding(block, value, taken))

    def _execute_waiting(
        self, open_block: OpenBlock, taken: list[tuple[Request, Answer | LedgerError]]
    ) -> None:
        """Execute what waits into the block, up to its limits."""
        while self._queue and open_block.size < self._limits.block_size_target:
            request = self._queue.popleft()
            try:
                taken.append((request, open_block.add(request)))
            except BlockFullError:
                self._queue.appendleft(request)
                return
            except (StoreUnavailableError, IntegrityError) as error:
                taken.append((request, error))
                raise
            except LedgerError as error:
                taken.append((request, error))
            except Exception as error:
                _logger.exception("statement failed in an unforeseen way")
                _answer(request, LedgerError(f"internal error: {type(error).__name__}: {error}"))
                raise _BlockAbandonedError from error

    def _answer_without_block(self, taken: Sequence[tuple[Request, Answer | LedgerError]]) -> None:
        """Nothing changed. Such answers hold only if no rival's block came in between."""
        if not self._exclusive and self._log.end_offset() != self.position:
            self._requeue(taken)
            self._behind = True
            return
        for request, outcome in taken:
            _answer(request, outcome)

    def _append(self, open_block: OpenBlock, outstanding: _Outstanding) -> None:
        """Append the block, and answer: now, if it surely is the next; else once that is known."""
        block = outstanding.block
        expected = self.position
        self._outstanding = outstanding
        try:
            offset = self._log.append(outstanding.value)
        except AppendUnknownError as error:
            _logger.warning("append not confirmed", block=block.sequence_number, error=str(error))
            offset = None
        except LogUnavailableError:
            self._outstanding = None  # it was not written, and never will be
            self._store.rollback()
            raise
        except BaseException:
            self._store.rollback()
            raise
        if offset == expected:
            self._accept(open_block, block, offset)
            for request, outcome in outstanding.executed:
                _answer(request, outcome)
            self._outstanding = None
            return
        self._store.rollback()
        if offset is not None and offset < expected:
            raise JournalReplacedError(
                f"a block was appended at offset {offset}, but the journal had been read to "
                f"{expected}: it was cut or made anew"
            )
        self._settle(self._deadline())

    def _accept(self, open_block: OpenBlock, block: Block, offset: int) -> None:
        """The block is on the chain. If the store cannot follow now, it will from the log."""
        try:
            open_block.finish(block, offset)
            self._store.commit()
            self._follower.advance(offset)
        except StoreUnavailableError as error:
            _logger.warning("state store behind its journal", error=str(error))
            self._store.rollback()
            self._behind = True
        except BaseException:
            self._store.rollback()
            self._behind = True
            raise

    def _settle(self, deadline: float) -> None:
        """Find out what became of the block on its way, if there is one.

        The log is read to its end. Height taken by that block: accepted. By another: it is dead for
        ever, and its transactions are executed again. Still open: the same bytes are appended again;
        a copy that arrives later than the first is ignored by every reader.

        Raises:
            OutcomeUnknownError: (to the requests) It could not be learnt by the deadline.
        """
        waiting = self._outstanding
        if waiting is None:
            return
        try:
            while (accepted := self._fate_of(waiting.block, deadline)) is None:
                self._append_again(waiting.value, deadline)
        except UnavailableError as error:
            for request, _ in waiting.executed:
                text = request.transaction_text
                _answer(request, OutcomeUnknownError(text, error.message))
            waiting.executed = ()
            raise
        self._outstanding = None
        if accepted:
            for request, outcome in waiting.executed:
                _answer(request, outcome)
        else:
            self._requeue(waiting.executed)

    def _fate_of(self, block: Block, deadline: float) -> bool | None:
        """True: on the chain. False: another block is there. None: its height is still open."""
        while True:
            try:
                self._read_to_end(None)
                break
            except LogUnavailableError:
                if self._timer.monotonic() > deadline:
                    raise
                self._timer.sleep(_RETRY_PAUSE)
        found = self._store.block_hash(block.sequence_number)
        return None if found is None else found == block.block_hash

    def _append_again(self, value: bytes, deadline: float) -> None:
        if self._timer.monotonic() > deadline:
            raise LogUnavailableError("the journal did not confirm the block in time")
        try:
            self._log.append(value)
        except LogUnavailableError as error:
            _logger.warning("append not confirmed again", error=str(error))
            self._timer.sleep(_RETRY_PAUSE)

    def _read_to_end(self, on_progress: Progress | None) -> None:
        """Check that the log is the same, and apply everything up to an end asked for now."""
        self._behind = True
        self._follower.check_identity()
        self._follower.catch_up(self._log.end_offset(), on_progress)
        self._behind = False

    def _next_timestamp(self) -> int:
        tip = self._store.tip
        assert tip is not None
        now = self._clock()
        if tip.timestamp - now > CLOCK_AHEAD_MAX and not self._accept_clock:
            raise ConfigurationError(
                f"the last block is {(tip.timestamp - now) / 1e6:.0f} s ahead of this clock",
                hint="set the clock right, or start with --accept-clock",
            )
        return max(now, tip.timestamp + 1)

    def _requeue(self, taken: Sequence[tuple[Request, Answer | LedgerError]]) -> None:
        """Back to the head of the queue, in order; their ids may by now be on the chain."""
        for request, _ in reversed(taken):
            if not request.answered:
                request.fresh = False
                self._queue.appendleft(request)

    def _refuse_if_failed(self) -> None:
        if self._watch is not None and self._watch.failure is not None:
            self._failure = self._watch.failure
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    def _failing(self) -> "_Failing":
        return _Failing(self)

    def _deadline(self) -> float:
        return self._timer.monotonic() + self._limits.request_timeout


class _Failing:
    """A context in which evidence of damage stops the sequencer for good."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError):
            self._sequencer._failure = error  # noqa: SLF001 - one part of the sequencer
            _logger.error("ledger stopped", error=str(error))


def _answer(request: Request, outcome: Answer | LedgerError) -> None:
    if not request.answered:
        request.outcome = outcome
    request.signal()
