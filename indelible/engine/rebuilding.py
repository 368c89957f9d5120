"""Rebuilding a state store from its journal.

```
check that the store there is of this journal -> fold the journal into state.db.new -> put it in place
```

The old store stays until the new one is complete, so a damaged journal or a Ctrl-C loses nothing. A
store whose tip is not on the journal's chain knows of blocks that the journal no longer has: that is
evidence, and it is given up only by whoever says so (`accept_journal`).
"""

from pathlib import Path
from typing import Final

from indelible.client.addresses import FileAddress, KafkaAddress
from indelible.engine.ledgers import folder_of
from indelible.engine.node import STATE_FILE, delete_store, open_store
from indelible.engine.opening import LOCK_FILE, open_log
from journal.chain import Tip
from journal.errors import (
    IntegrityError,
    JournalReplacedError,
    StoreUnavailableError,
    UnknownLedgerError,
)
from journal.lock import WriterLock
from journal.log import Log
from materializer.adoption import adopt
from materializer.follower import Follower, Progress
from materializer.store.store import Store

_NEW_FILE: Final = "state.db.new"


def rebuild(
    address: FileAddress | KafkaAddress,
    *,
    kafka: dict[str, str] | None = None,
    accept_journal: bool = False,
    on_progress: Progress | None = None,
) -> Tip:
    """Make the state store of a ledger anew from its journal; returns the tip it ends at.

    Raises:
        JournalReplacedError: The store there is not of this journal, and `accept_journal` is False.
        UnknownLedgerError: The journal holds no ledger of this name.
        LedgerLockedError: Another process writes this folder.
        IntegrityError, UnavailableError, UnsupportedError: The journal cannot be followed; the
            store there is as it was.
    """
    folder = folder_of(address)
    with WriterLock(folder / LOCK_FILE):
        log = open_log(address, kafka)
        try:
            if not accept_journal:
                _expect_same_journal(log, folder, address)
            tip = _fold(log, folder / _NEW_FILE, address, on_progress)
            _put_in_place(folder)
        finally:
            log.close()
            delete_store(folder / _NEW_FILE)
    return tip


def adopt_journal(
    address: FileAddress | KafkaAddress,
    *,
    kafka: dict[str, str] | None = None,
    on_progress: Progress | None = None,
) -> Tip:
    """Bind the state store there to a journal that is a copy of its own; see `materializer.adoption`.

    Raises:
        JournalReplacedError: It is no copy.
        LedgerError: See `rebuild`.
    """
    folder = folder_of(address)
    with WriterLock(folder / LOCK_FILE):
        log = open_log(address, kafka)
        store = open_store(folder / STATE_FILE)
        try:
            return adopt(log, store, address.name, on_progress=on_progress)
        finally:
            store.close()
            log.close()


def _expect_same_journal(log: Log, folder: Path, address: FileAddress | KafkaAddress) -> None:
    path = folder / STATE_FILE
    if not path.exists():
        return
    try:
        store = open_store(path)
    except IntegrityError:
        return  # it can no longer be read: it has nothing to say
    try:
        _follower(log, store, address).close()
    except JournalReplacedError as error:
        error.hint = (
            "find out first what became of the journal; --accept-journal gives up what only this "
            "store knows, --adopt binds it to a mirrored or restored journal"
        )
        raise
    finally:
        store.close()


def _fold(
    log: Log,
    path: Path,
    address: FileAddress | KafkaAddress,
    on_progress: Progress | None,
) -> Tip:
    delete_store(path)
    store = Store(path)
    try:
        follower = _follower(log, store, address)
        try:
            follower.catch_up(log.end_offset(), on_progress)
        finally:
            follower.close()
        if store.tip is None:
            raise UnknownLedgerError(f"the journal holds no ledger named {address.name!r}")
        return store.tip
    finally:
        store.close()


def _put_in_place(folder: Path) -> None:
    """Swap the files; readers that have the old one open go on reading it."""
    delete_store(folder / STATE_FILE)
    try:
        (folder / _NEW_FILE).replace(folder / STATE_FILE)
    except OSError as error:
        raise StoreUnavailableError(f"cannot put {_NEW_FILE} in place: {error.strerror}") from error


def _follower(log: Log, store: Store, address: FileAddress | KafkaAddress) -> Follower:
    return Follower(log, store, address.name, exclusive=isinstance(address, FileAddress))
