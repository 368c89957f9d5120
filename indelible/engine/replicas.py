"""Opening a replica: journal of an address, state store in a folder of its own."""

from pathlib import Path

from indelible.client.addresses import FileAddress, KafkaAddress
from indelible.engine.node import STATE_FILE, open_store
from indelible.engine.opening import LOCK_FILE, open_log, private_folder
from journal.errors import InputError
from journal.lock import WriterLock
from materializer.replica import Replica


def open_replica(
    address: FileAddress | KafkaAddress, folder: Path, *, kafka: dict[str, str] | None = None
) -> Replica:
    """Open a replica of the ledger at `address` in `folder`, and hold the folder's lock.

    Raises:
        InputError: `folder` is the ledger's own.
        LedgerLockedError: Another process keeps a store in this folder.
        LedgerError: See `Replica` and `open_log`.
    """
    if isinstance(address, FileAddress) and folder.resolve() == address.folder.resolve():
        raise InputError(
            f"{folder} is the ledger's own folder", hint="give the replica another one with --data"
        )
    log = open_log(address, kafka)
    try:
        lock = WriterLock(private_folder(folder) / LOCK_FILE)
        try:
            store = open_store(folder / STATE_FILE)
            try:
                return Replica(
                    log,
                    store,
                    address.name,
                    exclusive=isinstance(address, FileAddress),
                    release=lock.close,
                )
            except BaseException:
                store.close()
                raise
        except BaseException:
            lock.close()
            raise
    except BaseException:
        log.close()
        raise
