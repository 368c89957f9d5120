"""Ledgers as a whole: making one on purpose, finding those that are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indelible.client.addresses import FileAddress, KafkaAddress
from indelible.engine.creation import (
    Durability,
    check_name,
    create_genesis,
    private_key_in,
)
from indelible.engine.node import writer_name
from indelible.engine.opening import (
    JOURNAL_FILE,
    kafka_log,
    open_node,
    private_folder,
    topic_admin,
    topic_of,
)
from journal.errors import LedgerExistsError, UnknownLedgerError
from journal.ids import id_text


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedLedger:
    """A ledger that was just made.

    Attributes:
        checkpoint_key: Its public key (vkey): what auditors pin.
        folder: Where its private key and its state are.
        access_commands: For Kafka: what an administrator runs so that only this ledger's writer may
            write its topic.
    """

    name: str
    strand_id: str
    checkpoint_key: str
    folder: Path
    access_commands: Sequence[str] = ()


def folder_of(address: FileAddress | KafkaAddress) -> Path:
    """The folder of a ledger's state on this machine; made for one on Kafka.

    Raises:
        UnknownLedgerError: There is no such folder.
    """
    if isinstance(address, KafkaAddress):
        return private_folder(address.folder())
    require_journal(address)
    return address.folder


def require_journal(address: FileAddress) -> None:
    """Refuse a folder without a ledger, so that a misspelt one does not become a ledger.

    Raises:
        UnknownLedgerError: There is none.
    """
    if not (address.folder / JOURNAL_FILE).exists():
        raise UnknownLedgerError(
            f"no ledger in {address.folder}",
            hint=f"make one with: indelible ledger create file:{address.folder}",
        )


def create_file_ledger(address: FileAddress, *, principal: str) -> CreatedLedger:
    """Make a ledger in a folder.

    Raises:
        LedgerExistsError: The folder holds one.
        InputError: Its name cannot be.
        LedgerError: See `open_node`.
    """
    check_name(address.name)
    if (address.folder / JOURNAL_FILE).exists():
        raise LedgerExistsError(f"there is a ledger in {address.folder} already")
    node = open_node(address, principal=principal)
    try:
        status = node.status()
    finally:
        node.close()
    return CreatedLedger(
        name=status.name,
        strand_id=status.tip.strand_id,
        checkpoint_key=status.checkpoint_key,
        folder=address.folder,
    )


def create_kafka_ledger(
    address: KafkaAddress,
    *,
    principal: str,
    durability: Durability,
    kafka: Mapping[str, str] | None = None,
) -> CreatedLedger:
    """Make a ledger's topic and its genesis. A creation that was cut short is completed.

    Raises:
        LedgerExistsError: There is one.
        JournalSettingsError: The cluster cannot keep a journal as `durability` asks for.
        LogUnavailableError: The cluster does not answer; call again.
    """
    check_name(address.name)
    folder, topic = private_folder(address.folder()), topic_of(address)
    admin = topic_admin(address, kafka or {})
    try:
        admin.create(topic, allow_single_broker=durability.allow_single_broker)
    except LedgerExistsError:
        pass  # an empty topic of the right settings is a creation that was cut short
    admin.check(
        topic,
        allow_single_broker=durability.allow_single_broker,
        unverified_settings=durability.unverified_settings,
    )
    log = kafka_log(address, kafka or {})
    try:
        ledger = create_genesis(
            log,
            name=address.name,
            prefix=address.prefix,
            private_key=private_key_in(folder),
            durability=durability,
            principal=principal,
            writer=writer_name(),
        )
    finally:
        log.close()
    return CreatedLedger(
        name=ledger.name,
        strand_id=id_text(ledger.strand_id),
        checkpoint_key=ledger.checkpoint_key,
        folder=folder,
        access_commands=access_commands(address, topic),
    )


def access_commands(address: KafkaAddress, topic: str) -> Sequence[str]:
    """What a Kafka administrator runs so that only the ledger's writer may write its topic."""
    from journal.kafka import acl_commands  # noqa: PLC0415 - no Kafka client where there is none

    return acl_commands(topic, bootstrap_servers=address.bootstrap)


def ledgers_in(folder: Path) -> Sequence[Path]:
    """Folders that hold a ledger: `folder` itself and those right below it."""
    candidates = [folder, *(sorted(folder.iterdir()) if folder.is_dir() else ())]
    return [path for path in candidates if (path / JOURNAL_FILE).is_file()]
