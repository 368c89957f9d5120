"""From a URL to an open node: logs, locks, folders, and ledgers made at first use."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from indelible.client.addresses import Address, FileAddress, KafkaAddress, MemoryAddress
from indelible.engine.creation import (
    Durability,
    check_name,
    create_genesis,
    read_genesis,
)
from indelible.engine.keys import KeyFolder
from indelible.engine.limits import Limits, within_block_size
from indelible.engine.node import STATE_FILE, Node, ReadOnlyNode, writer_name
from indelible.engine.reading import pin_in
from indelible.engine.restored import Restored, refuse_read_only, restored_in
from journal.ambient import system_clock, system_entropy
from journal.errors import ConfigurationError, UnknownLedgerError
from journal.ids import id_text, new_id
from journal.lock import WriterLock
from journal.log import Log
from journal.memory import MemoryLog
from journal.sqlite import SqliteLog
from materializer.follower import Progress

if TYPE_CHECKING:
    from journal.kafka import Cluster, TopicAdmin

JOURNAL_FILE = "journal.db"
LOCK_FILE = "writer.lock"


def open_node(
    address: Address,
    *,
    principal: str,
    read_only: bool = False,
    limits: Limits | None = None,
    kafka: Mapping[str, str] | None = None,
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
        ConfigurationError: It is a restored copy that nobody took over.
        JournalReplacedError: The folder's state store is of a ledger with another name.
        LedgerError: See `Node`.
    """
    match address:
        case MemoryAddress():
            return _open_memory(address, principal, limits)
        case FileAddress() if read_only:
            if address.named:  # a replica's URL need not say the name of its ledger
                _expect_ledger(address.folder, address.name)
            return ReadOnlyNode(address.folder, address.name, limits=limits)
        case KafkaAddress() if read_only:
            _expect_ledger(address.folder(), address.name)
            return ReadOnlyNode(address.folder(), address.name, limits=limits)
        case FileAddress():
            return _open_file(address, principal, limits, on_progress, accept_clock=accept_clock)
        case KafkaAddress():
            return _open_kafka(address, kafka or {}, limits, on_progress, accept_clock=accept_clock)


def open_log(address: FileAddress | KafkaAddress, kafka: Mapping[str, str] | None = None) -> Log:
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
    return kafka_log(address, kafka or {}, read_only=True)


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
            keys=KeyFolder(folder),
            durability=Durability(),
            principal=principal,
            writer=writer_name(),
        )
        return Node(log, folder, address.name, exclusive=True, limits=limits, release=delete)
    except BaseException:
        delete()
        raise


def _expect_ledger(folder: Path, name: str) -> None:
    """Refuse a state store of another ledger, as `Follower` does where it is opened for writing."""
    check_name(name)
    store = folder / STATE_FILE
    pin = pin_in(store) if store.exists() else None
    if pin is not None:
        pin.expect_ledger(name, store)


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
    refuse_read_only(folder)
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
    try:
        log = SqliteLog(path)
    except UnknownLedgerError:  # not there, or a creation that was cut short
        log = SqliteLog.create(path, database_id=id_text(new_id(system_clock(), system_entropy)))
    if log.end_offset() == 0:
        create_genesis(
            log,
            name=address.name,
            prefix=address.prefix,
            keys=KeyFolder(address.folder),
            durability=Durability(),
            principal=principal,
            writer=writer_name(),
        )
    return log


def _open_kafka(
    address: KafkaAddress,
    kafka: Mapping[str, str],
    limits: Limits | None,
    on_progress: Progress | None,
    *,
    accept_clock: bool,
) -> Node:
    check_name(address.name)
    folder = private_folder(address.folder())
    refuse_read_only(folder)
    return _with_lock(
        folder,
        lambda: kafka_log(address, kafka, read_only=False),
        lambda log, release: Node(
            log,
            folder,
            address.name,
            exclusive=False,
            limits=_within_topic(log, address, kafka, limits or Limits()),
            accept_clock=accept_clock,
            on_progress=on_progress,
            release=release,
        ),
    )


def _within_topic(
    log: Log, address: KafkaAddress, kafka: Mapping[str, str], limits: Limits
) -> Limits:
    """Check the topic by what the genesis allows; blocks are no larger than its records may be."""
    ledger = read_genesis(log, address.name)
    if ledger is None:
        raise UnknownLedgerError(
            f"topic {topic_of(address)} holds no ledger named {address.name!r}",
            hint="make it with `indelible ledger create`",
        )
    restored = restored_in(address.folder()) or Restored()
    size = topic_admin(address, kafka).check(
        topic_of(address),
        allow_single_broker=ledger.allow_single_broker or restored.allow_single_broker,
        unverified_settings=ledger.unverified_settings or restored.unverified_settings,
    )
    return within_block_size(limits, size)


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


def kafka_log(address: KafkaAddress, kafka: Mapping[str, str], *, read_only: bool) -> Log:
    """The topic of a ledger as a log.

    Raises:
        UnknownLedgerError: There is no such topic.
        LogUnavailableError: The cluster does not answer.
    """
    from journal.kafka import KafkaLog  # noqa: PLC0415 - no Kafka client where there is no Kafka

    log = KafkaLog(_cluster(address, kafka), topic_of(address), read_only=read_only)
    try:
        log.identity()
    except BaseException:
        log.close()
        raise
    return log


def topic_admin(address: KafkaAddress, kafka: Mapping[str, str]) -> "TopicAdmin":
    """What makes and checks topics at an address."""
    from journal.kafka import TopicAdmin  # noqa: PLC0415 - as above

    return TopicAdmin(_cluster(address, kafka))


def topic_of(address: KafkaAddress) -> str:
    """The topic that keeps a ledger's journal."""
    from journal.kafka import topic_name  # noqa: PLC0415 - as above

    return topic_name(address.prefix, address.name)


def _cluster(address: KafkaAddress, kafka: Mapping[str, str]) -> "Cluster":
    from journal.kafka import Cluster  # noqa: PLC0415 - as above

    return Cluster(bootstrap_servers=address.bootstrap, options=dict(kafka))
