"""A node: one ledger opened in this process, for writing or for reading only.

```
log + state store -> Follower (catch up) -> Sequencer (writes)      Reading (queries)
```
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from indelible.client.transport import LedgerStatus, SignedCheckpoint, Statement
from indelible.engine.checkpoints import Checkpoints
from indelible.engine.limits import Limits
from indelible.engine.reading import Reading, status_of
from indelible.engine.receipts import Receipts
from indelible.engine.requests import Answer, Request, check_request
from indelible.engine.rotation import EngineStatements
from indelible.engine.sequencer import Sequencer
from indelible.engine.signing import SIGNING_INTERVAL, PeriodicSigning
from indelible.engine.watching import IdentityWatch
from journal.ambient import (
    SYSTEM_TIMER,
    Clock,
    Entropy,
    Timer,
    system_clock,
    system_entropy,
)
from journal.errors import (
    InputError,
    NotLeaderError,
    StoreUnavailableError,
    UnknownLedgerError,
)
from journal.ids import id_text, new_id
from journal.log import Log
from materializer.follower import Follower, Progress
from materializer.partiql import StatementCache
from materializer.store.store import OutdatedStoreError, Store
from verifier.receipt import Receipt

STATE_FILE = "state.db"
STATEMENTS_CACHED = 1000
IDENTITY_CHECK_INTERVAL = 5.0
"""Seconds between two looks at whether the log is still the same."""


def writer_name() -> str:
    """What this process writes into block headers: host and process id."""
    return f"{socket.gethostname()[:200]}:{os.getpid()}"


def open_store(path: Path) -> Store:
    """Open a state store; one of an older release is deleted, since the journal makes it again."""
    try:
        return Store(path)
    except OutdatedStoreError:
        delete_store(path)
        return Store(path)


def delete_store(path: Path) -> None:
    """Delete a state store and what SQLite keeps beside it.

    Raises:
        StoreUnavailableError: A file cannot be deleted.
    """
    for suffix in ("", "-wal", "-shm"):
        try:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailableError(f"cannot delete {path}: {error.strerror}") from error


class Node:
    """A ledger opened for reading and writing. Thread-safe.

    Args:
        log: The journal's log; the node closes it.
        folder: Where the state store is.
        ledger_name: Whose genesis to look for.
        exclusive: The log has no other writer (file, memory).
        limits, clock, entropy, accept_clock, timer: See `Sequencer`.
        identity_interval: Seconds between two looks at whether a log that is not exclusive is still
            the same; None for none.
        signing_interval: Least seconds between two checkpoints that nobody asked for; None for none.
        on_progress: Called while the state catches up at the start.
        release: Called at `close`, for instance to give a lock back.

    Raises:
        UnknownLedgerError: The log holds no ledger of this name.
        IntegrityError, UnavailableError, UnsupportedError: See `Follower`.
    """

    def __init__(
        self,
        log: Log,
        folder: Path,
        ledger_name: str,
        *,
        exclusive: bool,
        limits: Limits | None = None,
        clock: Clock = system_clock,
        entropy: Entropy = system_entropy,
        accept_clock: bool = False,
        timer: Timer = SYSTEM_TIMER,
        identity_interval: float | None = IDENTITY_CHECK_INTERVAL,
        signing_interval: float | None = SIGNING_INTERVAL,
        on_progress: Progress | None = None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.ledger_name, self.folder = ledger_name, folder
        self.limits = limits or Limits()
        self._log, self._exclusive = log, exclusive
        self._clock, self._entropy, self._release = clock, entropy, release
        self._watch: IdentityWatch | None = None
        self._signing: PeriodicSigning | None = None
        store = open_store(folder / STATE_FILE)
        # Two caches: readers and the sequencer have catalogs, and so compiled statements, of their own.
        self._reading = Reading(store.path, StatementCache(STATEMENTS_CACHED), self.limits)
        self._checkpoints = Checkpoints(folder, self._reading.view, follows=False)
        self._receipts = Receipts(self._checkpoints, self._reading.view)
        try:
            self.follower = Follower(log, store, ledger_name, exclusive=exclusive, timer=timer)
            if not exclusive and identity_interval is not None:
                self._watch = IdentityWatch(self.follower.check_identity, identity_interval)
            self.sequencer = Sequencer(
                log,
                store,
                self.follower,
                exclusive=exclusive,
                writer=writer_name(),
                limits=self.limits,
                statements=EngineStatements(STATEMENTS_CACHED),
                clock=clock,
                entropy=entropy,
                accept_clock=accept_clock,
                timer=timer,
                watch=self._watch,
            )
            self.sequencer.catch_up(on_progress)
            if store.tip is None:
                raise UnknownLedgerError(
                    f"the journal holds no ledger named {ledger_name!r}",
                    hint="make it with `indelible ledger create`",
                )
            self.strand_id = id_text(store.tip.strand_id)
            self._begin_signing(signing_interval)
        except BaseException:
            self._reading.close()
            if self._watch is not None:
                self._watch.close()
            store.close()
            raise

    def execute(
        self,
        statements: Sequence[Statement],
        *,
        principal: str,
        labels: Mapping[str, str],
        transaction_id: bytes | None,
    ) -> Answer:
        """Commit a one-shot transaction.

        Raises:
            LedgerError: See `Sequencer.submit`.
        """
        check_request(statements, labels, self.limits)
        fresh = transaction_id is None
        if transaction_id is None:
            transaction_id = new_id(self._clock(), self._entropy)
        elif len(transaction_id) != 16:
            raise InputError(f"a transaction id has 16 bytes, not {len(transaction_id)}")
        request = Request(
            transaction_id=transaction_id,
            statements=statements,
            principal=principal,
            labels=labels,
            fresh=fresh,
        )
        return self.sequencer.submit(request)

    def query(
        self, text: str, parameters: Sequence[Any], *, whole_revisions: bool = False
    ) -> Iterator[Any]:
        """Rows of a query over all that was acknowledged before the call (linearizable).

        Raises:
            LedgerError: See `Reading.query` and `Sequencer.catch_up`.
        """
        self._be_current()
        return self._reading.query(text, parameters, self._clock(), whole_revisions=whole_revisions)

    def checkpoint(self, *, witnessed: bool = False) -> SignedCheckpoint:
        """A signed checkpoint over all that was acknowledged before the call.

        Args:
            witnessed: The newest that has cosignatures instead; it may be of fewer blocks.

        Raises:
            UnsupportedError: This node has no private key; or none has cosignatures.
            LedgerError: See `Checkpoints.sign` and `Sequencer.catch_up`.
        """
        self._be_current()
        return self._checkpoints.witnessed() if witnessed else self._checkpoints.sign()

    def receipt(
        self, identifier: bytes, version: int | None = None, *, witnessed: bool = False
    ) -> Receipt:
        """See `Receipts.receipt`."""
        self._be_current()
        return self._receipts.receipt(identifier, version, witnessed=witnessed)

    def consistency(self, size_1: int, size_2: int) -> list[bytes]:
        """See `Receipts.consistency`."""
        self._be_current()
        return self._receipts.consistency(size_1, size_2)

    def cosign(self, note: str) -> SignedCheckpoint:
        """See `Checkpoints.cosign`."""
        self._be_current()
        return self._checkpoints.cosign(note)

    def rotate_key(self, *, principal: str) -> str:
        """Give the ledger a new signing key, in a transaction; returns its vkey.

        Cut short at any moment, the folder has the key that the ledger names, and a repeated call leads
        to the same new key if that was not reached.

        Raises:
            UnsupportedError: The key is not in the ledger's folder.
            ConfigurationError: A key file cannot be read or written.
            ConflictError: Another node rotated it at the same time.
            LedgerError: See `Sequencer.submit`.
        """
        self._be_current()
        statement = self._checkpoints.rotation()
        self.execute([(statement, ())], principal=principal, labels={}, transaction_id=None)
        self._be_current()
        self._checkpoints.sign()  # with the new key, whose file is put in place by that
        return statement.following

    def _be_current(self) -> None:
        """Apply what was acknowledged before now, here (after a failed commit) or elsewhere."""
        sequencer = self.sequencer
        if sequencer.behind or (
            not self._exclusive and self._log.end_offset() > sequencer.position
        ):
            sequencer.catch_up()

    def status(self) -> LedgerStatus:
        """Tip, tree and log position as of now."""
        self._be_current()
        with self._reading.view() as view:
            return status_of(view, self.sequencer.position, self.follower.ignored)

    def _begin_signing(self, interval: float | None) -> None:
        """Check what was signed before this start, and sign beside the commits if there is a key.

        Raises:
            IntegrityError: See `Checkpoints.start`.
        """
        self._checkpoints.start()
        if interval is not None and self._checkpoints.keys.present:
            self._signing = PeriodicSigning(
                self._checkpoints.sign, lambda: self.sequencer.position, interval
            )

    def close(self) -> None:
        """Finish what is on its way, then close everything; closing twice is fine."""
        if self._signing is not None:
            self._signing.close()
        self._reading.close()
        self.sequencer.close()
        self._release()


class ReadOnlyNode:
    """A ledger's state store opened for reading, beside whoever keeps it current. Thread-safe."""

    def __init__(self, folder: Path, ledger_name: str, *, limits: Limits | None = None) -> None:
        """Open the store in `folder`.

        Raises:
            UnknownLedgerError: There is no state store.
        """
        self.ledger_name, self.folder = ledger_name, folder
        self.limits = limits or Limits()
        if not (folder / STATE_FILE).exists():
            raise UnknownLedgerError(
                f"no state store in {folder}",
                hint="open it for writing once, or run `indelible materialize`",
            )
        self._reading = Reading(folder / STATE_FILE, StatementCache(STATEMENTS_CACHED), self.limits)
        self._checkpoints = Checkpoints(folder, self._reading.view, follows=True)
        self._receipts = Receipts(self._checkpoints, self._reading.view)

    def execute(
        self,
        statements: Sequence[Statement],
        *,
        principal: str,
        labels: Mapping[str, str],
        transaction_id: bytes | None,
    ) -> Answer:
        """Always refused."""
        del statements, principal, labels, transaction_id
        raise NotLeaderError("the ledger was opened with read_only=True")

    @property
    def strand_id(self) -> str:
        """In text."""
        with self._reading.view() as view:
            return view.strand_id

    def status(self) -> LedgerStatus:
        """What the store holds now."""
        with self._reading.view() as view:
            return status_of(view, -1, {})

    def query(
        self, text: str, parameters: Sequence[Any], *, whole_revisions: bool = False
    ) -> Iterator[Any]:
        """Rows of a query over what the store holds now."""
        return self._reading.query(
            text, parameters, system_clock(), whole_revisions=whole_revisions
        )

    def checkpoint(self, *, witnessed: bool = False) -> SignedCheckpoint:
        """See `Checkpoints.sign` and `Checkpoints.witnessed`; over what the store holds now."""
        return self._checkpoints.witnessed() if witnessed else self._checkpoints.sign()

    def receipt(
        self, identifier: bytes, version: int | None = None, *, witnessed: bool = False
    ) -> Receipt:
        """See `Receipts.receipt`."""
        return self._receipts.receipt(identifier, version, witnessed=witnessed)

    def consistency(self, size_1: int, size_2: int) -> list[bytes]:
        """See `Receipts.consistency`."""
        return self._receipts.consistency(size_1, size_2)

    def cosign(self, note: str) -> SignedCheckpoint:
        """See `Checkpoints.cosign`."""
        return self._checkpoints.cosign(note)

    def rotate_key(self, *, principal: str) -> str:
        """Always refused."""
        del principal
        raise NotLeaderError("the ledger was opened with read_only=True")

    def close(self) -> None:
        """Close the connections; closing twice is fine."""
        self._reading.close()
