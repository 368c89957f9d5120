"""Making a ledger: its key pair and its genesis block."""

from contextlib import suppress
from dataclasses import dataclass

from indelible.engine.keys import KeyFolder, public_key
from journal import document
from journal.ambient import Clock, Entropy, system_clock, system_entropy
from journal.block import (
    GENESIS_PREVIOUS,
    Block,
    build_block,
    payload_of,
    revision_entry,
    transaction_entry,
)
from journal.catalog import LEDGER_TABLE_ID, LedgerInfo, ledger_document
from journal.chain import Accepted, Origin, check, genesis_ledger, link
from journal.codec import Operation, TransactionEntry
from journal.errors import (
    InputError,
    LedgerExistsError,
    LogUnavailableError,
)
from journal.ids import derived_id, id_text, new_id
from journal.log import AppendUnknownError, Log, Position
from materializer.store.documents import moment_of

_READ_TIMEOUT = 10.0


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


def read_genesis(log: Log, name: str) -> LedgerInfo | None:
    """The ledger document of the genesis in a log; None if there is none.

    Raises:
        JournalReplacedError: The beginning of the log was deleted.
        BrokenLinkError, UnsupportedError, LogUnavailableError: See `journal.chain.link` and `Log`.
    """
    end, reader = log.end_offset(), log.reader(Position(offset=0))
    try:
        while reader.position() < end:
            for record in reader.read(timeout=_READ_TIMEOUT, limit=1):
                outcome = link(Origin(name), check(record))
                if isinstance(outcome, Accepted):
                    return genesis_ledger(outcome.block)
    finally:
        reader.close()
    return None


def create_genesis(
    log: Log,
    *,
    name: str,
    prefix: str,
    keys: KeyFolder,
    durability: Durability,
    principal: str,
    writer: str,
) -> LedgerInfo:
    """Write the genesis of a new ledger to an empty log, and read it back.

    Its private key is that of `keys`; made if there is none.

    Raises:
        ConfigurationError: No key can be kept there, or the one there cannot be used.
        LedgerExistsError: The log is not empty, or somebody else's genesis came first.
        LogUnavailableError: It could not be written, or not be read back: call again.
    """
    if log.end_offset() > 0:
        raise LedgerExistsError(f"the journal of ledger {name!r} is not empty")
    block = genesis(
        name=name,
        prefix=prefix,
        private_key=keys.ensure(),
        passphrase=keys.passphrase,
        durability=durability,
        writer=writer,
        principal=principal,
        clock=system_clock,
        entropy=system_entropy,
    )
    with suppress(AppendUnknownError):  # reading back tells
        log.append(block.encode())
    found = read_genesis(log, name)
    if found is None:
        raise LogUnavailableError(f"the genesis of ledger {name!r} was not confirmed; try again")
    if found.strand_id != block.header.strand_id:
        raise LedgerExistsError(f"ledger {name!r} was made by somebody else at the same time")
    return found


def genesis(
    *,
    name: str,
    prefix: str,
    private_key: bytes,
    passphrase: bytes | None = None,
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
        checkpoint_key=public_key(private_key, origin_of(prefix, name, strand_id), passphrase),
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
