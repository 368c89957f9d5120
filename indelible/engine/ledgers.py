"""Ledgers as a whole: making one on purpose, finding those that are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indelible.client.addresses import FileAddress, KafkaAddress
from indelible.engine.creation import check_name
from indelible.engine.opening import JOURNAL_FILE, open_node, private_folder
from journal.errors import LedgerExistsError, UnknownLedgerError


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


def ledgers_in(folder: Path) -> Sequence[Path]:
    """Folders that hold a ledger: `folder` itself and those right below it."""
    candidates = [folder, *(sorted(folder.iterdir()) if folder.is_dir() else ())]
    return [path for path in candidates if (path / JOURNAL_FILE).is_file()]
