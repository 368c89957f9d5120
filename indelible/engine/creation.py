"""Making a ledger: its key pair and its genesis block."""

import os
from dataclasses import dataclass
from pathlib import Path

from journal import document
from journal.ambient import Clock, Entropy
from journal.block import (
    GENESIS_PREVIOUS,
    Block,
    build_block,
    payload_of,
    revision_entry,
    transaction_entry,
)
from journal.catalog import LEDGER_TABLE_ID, LedgerInfo, ledger_document
from journal.codec import Operation, TransactionEntry
from journal.errors import ConfigurationError, InputError
from journal.ids import derived_id, id_text, new_id
from materializer.store.documents import moment_of
from verifier.keys import new_private_key, verifier_key_of

KEY_FILE = "key.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Durability:
    """What the ledger's owner accepted about its topic; recorded in the genesis for ever."""

    allow_single_broker: bool = False
    unverified_settings: bool = False


def origin_of(prefix: str, name: str, strand_id: bytes) -> str:
    """The ledger's checkpoint origin, which is also the name of its key."""
    return f"{prefix}/{name}/{id_text(strand_id)}"


def check_name(name: str) -> None:
    """Refuse a ledger name that paths and topics cannot carry.

    Raises:
        InputError: Not `[a-z][a-z0-9-]{0,62}`.
    """
    letters = set("abcdefghijklmnopqrstuvwxyz")
    allowed = letters | set("0123456789-")
    if not (1 <= len(name) <= 63 and name[0] in letters and set(name) <= allowed):
        raise InputError(
            f"not a ledger name: {name!r}",
            hint="a lower-case letter, then up to 62 lower-case letters, digits and hyphens",
        )


def private_key_in(folder: Path) -> bytes:
    """The private key (PEM) in a folder; makes one, readable by its owner alone, if there is none.

    Raises:
        ConfigurationError: The folder cannot be written.
    """
    path = folder / KEY_FILE
    try:
        if path.exists():
            return path.read_bytes()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            pem = new_private_key()
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationError(f"cannot keep a key in {folder}: {error.strerror}") from error
    return pem


def genesis(
    *,
    name: str,
    prefix: str,
    private_key: bytes,
    durability: Durability,
    writer: str,
    principal: str,
    clock: Clock,
    entropy: Entropy,
) -> Block:
    """Block 0 of a new ledger: one transaction that inserts its ledger document.

    Raises:
        InputError: A name or key that cannot be.
    """
    check_name(name)
    now = clock()
    strand_id, transaction_id = new_id(now, entropy), new_id(now, entropy)
    ledger = LedgerInfo(
        name=name,
        strand_id=strand_id,
        created_at=moment_of(now).isoformat().replace("+00:00", "Z"),
        checkpoint_key=verifier_key_of(private_key, origin_of(prefix, name, strand_id)),
        allow_single_broker=durability.allow_single_broker,
        unverified_settings=durability.unverified_settings,
    )
    payload = payload_of(document.encode(ledger_document(ledger)), entropy)
    revision, content = revision_entry(
        transaction_id,
        LEDGER_TABLE_ID,
        derived_id(transaction_id, 0),
        0,
        Operation.INSERT,
        payload,
    )
    transaction = TransactionEntry(transaction_id, principal, ("CREATE LEDGER",), 1, {})
    return build_block(
        strand_id=strand_id,
        sequence_number=0,
        previous_block_hash=GENESIS_PREVIOUS,
        timestamp=now,
        writer=writer,
        entries=[transaction_entry(transaction), revision],
        contents=[transaction, content],
    )
