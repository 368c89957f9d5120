"""FRONT DOORS: connect to a ledger, write, query, prove.

>>> import indelible
>>> with indelible.connect("memory:") as ledger:
...     _ = ledger.execute("CREATE TABLE vehicles")
...     _ = ledger.execute("INSERT INTO vehicles ?", {"vin": "1N4AL11D75C109151"})
...     ledger.query("SELECT v.vin FROM vehicles AS v").rows
[{'vin': '1N4AL11D75C109151'}]

What this package exports is the documented interface; every other module may change.
"""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from indelible.client.addresses import canonical_url, parse_address
from indelible.client.ledger import Ledger, Rows
from indelible.client.proofs import Checkpoint, Receipt
from indelible.client.state import ClientState, StateFolder, StateInMemory, checked_path
from indelible.client.transport import BlockAddress, LedgerStatus, Result, Transport
from indelible.client.trust import Trust, checked_key, checked_policy
from journal.errors import (
    AccessError,
    BrokenLinkError,
    ConfigurationError,
    ConflictError,
    CorruptBlockError,
    ForbiddenError,
    InconsistentCheckpointError,
    InputError,
    IntegrityError,
    InvalidDocumentError,
    JournalReplacedError,
    JournalSettingsError,
    LedgerError,
    LedgerExistsError,
    LedgerLockedError,
    LimitExceededError,
    LogUnavailableError,
    NotLeaderError,
    OCCConflictError,
    OutcomeUnknownError,
    OverloadedError,
    ProofRejectedError,
    QuerySyntaxError,
    QueryTypeError,
    SettingsError,
    StaleReadError,
    StoreUnavailableError,
    TransactionExpiredError,
    UnauthenticatedError,
    UnavailableError,
    UniqueViolationError,
    UnknownLedgerError,
    UnknownTableError,
    UnsupportedError,
)
from journal.values import MISSING, Bag, IonValue, Symbol, Time, Timestamp

__all__ = [
    "MISSING",
    "AccessError",
    "Bag",
    "BlockAddress",
    "BrokenLinkError",
    "Checkpoint",
    "ConfigurationError",
    "ConflictError",
    "CorruptBlockError",
    "ForbiddenError",
    "InconsistentCheckpointError",
    "InputError",
    "IntegrityError",
    "InvalidDocumentError",
    "IonValue",
    "JournalReplacedError",
    "JournalSettingsError",
    "Ledger",
    "LedgerError",
    "LedgerExistsError",
    "LedgerLockedError",
    "LedgerStatus",
    "LimitExceededError",
    "LogUnavailableError",
    "NotLeaderError",
    "OCCConflictError",
    "OutcomeUnknownError",
    "OverloadedError",
    "ProofRejectedError",
    "QuerySyntaxError",
    "QueryTypeError",
    "Receipt",
    "Result",
    "Rows",
    "SettingsError",
    "StaleReadError",
    "StoreUnavailableError",
    "Symbol",
    "Time",
    "Timestamp",
    "TransactionExpiredError",
    "Transport",
    "UnauthenticatedError",
    "UnavailableError",
    "UniqueViolationError",
    "UnknownLedgerError",
    "UnknownTableError",
    "UnsupportedError",
    "connect",
]


def connect(
    url: str,
    *,
    read_only: bool = False,
    principal: str | None = None,
    key: str | None = None,
    witnesses: Sequence[str] = (),
    threshold: int | None = None,
    state_dir: str | PathLike[str] | None = None,
    **options: Any,
) -> Ledger:
    """Open a ledger.

    Args:
        url: `memory:`, `file:DIR` or `kafka://HOST:PORT/LEDGER?data=DIR`. The first two make the
            ledger if it is not there; one on Kafka is made by `indelible ledger create`.
        read_only: Read the state in the ledger's folder beside the process that writes it; takes no
            lock and sees what that process has committed.
        principal: Who the transactions are by; kept in the journal for ever. Default: the
            operating system's user.
        key: The ledger's public key (vkey) as known from elsewhere: proofs are held against it.
            Default: the key that the ledger shows when it first proves something is remembered
            for this URL, and must be the same ever after.
        witnesses, threshold: Public keys (vkeys) of witnesses, and how many of them must have
            cosigned each checkpoint; all of them if no number is given.
        state_dir: What is remembered of ledgers, between runs. Default: INDELIBLE_STATE_HOME, else
            `indelible` in the user's state folder.
        options: `kafka` (further options of the Kafka client), `limits`, `accept_clock`,
            `on_progress`; see docs/reference/python.md.

    Raises:
        InputError: Not a ledger URL, or no ledger there.
        LedgerLockedError: Another process writes this folder.
        IntegrityError: Journal and state do not belong together, or one is damaged.
        UnavailableError: The journal or the state store cannot be reached now.
    """
    address = parse_address(url)
    remembered = canonical_url(address)
    folder = None if state_dir is None else StateFolder(checked_path(state_dir, "state_dir"))
    state: ClientState = StateInMemory()  # a ledger in memory is gone before it could be recognised
    if remembered:
        state = folder or StateFolder.default()
    trust = Trust(
        url=remembered,
        state=state,
        key=checked_key(key),
        policy=checked_policy(witnesses, threshold),
    )
    # Loaded here, so that a program that talks to a server never loads an engine.
    from indelible.client.embedded import EmbeddedTransport  # noqa: PLC0415

    transport = EmbeddedTransport(address, read_only=read_only, principal=principal, **options)
    return Ledger(transport, trust)
