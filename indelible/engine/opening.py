"""From a URL to an open node: logs, locks, folders, and ledgers made at first use."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from indelible.client.addresses import Address, FileAddress, KafkaAddress, MemoryAddress
from indelible.engine.creation import Durability, check_name, private_key_in
from indelible.engine.limits import Limits
from indelible.engine.node import Node, ReadOnlyNode, create_genesis
from journal.ambient import system_clock, system_entropy
from journal.errors import ConfigurationError, UnknownLedgerError
from journal.ids import id_text, new_id
from journal.lock import WriterLock
from journal.log import Log
from journal.memory import MemoryLog
from journal.sqlite import SqliteLog
from materializer.follower import Progress
from verifier.keys import new_private_key

JOURNAL_FILE = "journal.db"
LOCK_FILE = "writer.lock"


def open_node(
    address: Address,
    *,
    principal: str,
    read_only: bool = False,
    limits: Limits | None = None,
    kafka: dict[str, str] | None = None,
    accept_clock: bool = False,
    on_progress: Progress | None = None,
) -> Node | ReadOnlyNode:
    """Open the ledger at an address; a `file:` or `memory:` one is made if it is not there.

    Args:
        address: Where.
        principal: Who makes the ledger, if it is made.
        read_only: Read the state store beside whoever writes; no lock is taken.
        limits: Bounds on requests.
        kafka: Further options of the Kafka client, for instance SASL.
        accept_clock: Lead although the tip is ahead of this machine's clock.
        on_progress: Called while the state catches up.

    Raises:
        LedgerLockedError: Another process writes this folder.
        LedgerError: See `Node`.
    """
    match address:
        case MemoryAddress():
            return _open_memory(address, principal, limits)
        case FileAddress() if read_only:
            return ReadOnlyNode(address.folder, address.name, limits=limits)
        case KafkaAddress() if read_only:
            return ReadOnlyNode(address.folder(), address.name, limits=limits)
        case FileAddress():
            return _open_file(address, principal, limits, on_progress, accept_clock=accept_clock)
        case KafkaAddress():
            return _open_kafka(address, kafka or {}, limits, on_progress, accept_clock=accept_clock)


def open_log(address: FileAddress | KafkaAddress, kafka: dict[str, str] | None = None) -> Log:
    """The journal's log alone, for reading.

    Raises:
        UnknownLedgerError: It is not there.
        LogUnavailableError: It cannot be reached.
    """
    if isinstance(address, FileAddress):
        path = address.folder / JOURNAL_FILE
        if not path.exists():
            raise UnknownLedgerError(f"no ledger in {address.folder}")
        return SqliteLog(path, read_only=True)
    return _kafka_log(address, kafka or {})


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can enter, if it is not there.

    Raises:
        ConfigurationError: It cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot make folder {folder}: {error.strerror}") from error
    return folder


def _open_memory(address: MemoryAddress, principal: str, limits: Limits | None) -> Node:
    """Journal in memory; the state store still is a SQLite file, in a folder deleted at close."""
    check_name(address.name)
    folder = Path(tempfile.mkdtemp(prefix="indelible-memory-"))

    def delete() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    log = MemoryLog()
    try:
        create_genesis(
            log,
            name=address.name,
            prefix=address.prefix,
            private_key=new_private_key(),
            durability=Durability(),
            principal=principal,
        )
        return Node(log, folder, address.name, exclusive=True, limits=limits, release=delete)
    except BaseException:
        delete()
        raise


def _open_file(
    address: FileAddress,
    principal: str,
    limits: Limits | None,
    on_progress: Progress | None,
    *,
    accept_clock: bool,
) -> Node:
    check_name(address.name)
    folder = private_folder(address.folder)
    return _with_lock(
        folder,
        lambda: _file_log(address, principal),
        lambda log, release: Node(
            log,
            folder,
            address.name,
            exclusive=True,
            limits=limits,
            accept_clock=accept_clock,
            on_progress=on_progress,
            release=release,
        ),
    )


def _file_log(address: FileAddress, principal: str) -> Log:
    path = address.folder / JOURNAL_FILE
    if path.exists():
        log = SqliteLog(path)
    else:
        log = SqliteLog.create(path, database_id=id_text(new_id(system_clock(), system_entropy)))
    if log.end_offset() == 0:
        create_genesis(
            log,
            name=address.name,
            prefix=address.prefix,
            private_key=private_key_in(address.folder),
            durability=Durability(),
            principal=principal,
        )
    return log


def _open_kafka(
    address: KafkaAddress,
    kafka: dict[str, str],
    limits: Limits | None,
    on_progress: Progress | None,
    *,
    accept_clock: bool,
) -> Node:
    check_name(address.name)
    folder = private_folder(address.folder())
    return _with_lock(
        folder,
        lambda: _kafka_log(address, kafka),
        lambda log, release: Node(
            log,
            folder,
            address.name,
            exclusive=False,
            limits=limits,
            accept_clock=accept_clock,
            on_progress=on_progress,
            release=release,
        ),
    )


def _with_lock(
    folder: Path, open_: Callable[[], Log], node: Callable[[Log, Callable[[], None]], Node]
) -> Node:
    """Take the folder's lock, open the log, make the node; undo in reverse where one fails."""
    lock = WriterLock(folder / LOCK_FILE)
    try:
        log = open_()
        try:
            return node(log, lock.close)
        except BaseException:
            log.close()
            raise
    except BaseException:
        lock.close()
        raise


def _kafka_log(address: KafkaAddress, kafka: dict[str, str]) -> Log:
    raise NotImplementedError
