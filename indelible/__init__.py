"""FRONT DOORS: connect to a ledger, write, query, prove.

>>> import indelible
>>> with indelible.connect("memory:") as ledger:
...     _ = ledger.execute("CREATE TABLE vehicles")
...     _ = ledger.execute("INSERT INTO vehicles ?", {"vin": "1N4AL11D75C109151"})
...     ledger.query("SELECT v.vin FROM vehicles AS v").rows
[{'vin': '1N4AL11D75C109151'}]

What this package exports is the documented interface; every other module may change.
"""

from typing import Any

from indelible.client.addresses import parse_address
from indelible.client.ledger import Ledger, Rows
from indelible.client.transport import BlockAddress, LedgerStatus, Result, Transport
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
    url: str, *, read_only: bool = False, principal: str | None = None, **options: Any
) -> Ledger:
    """Open a ledger.

    Args:
        url: `memory:`, `file:DIR` or `kafka://HOST:PORT/LEDGER?data=DIR`. The first two make the
            ledger if it is not there; one on Kafka is made by `indelible ledger create`.
        read_only: Read the state in the ledger's folder beside the process that writes it; takes no
            lock and sees what that process has committed.
        principal: Who the transactions are by; kept in the journal for ever. Default: the
            operating system's user.
        options: `kafka` (further options of the Kafka client), `limits`, `accept_clock`,
            `on_progress`; see docs/reference/python.md.

    Raises:
        InputError: Not a ledger URL, or no ledger there.
        LedgerLockedError: Another process writes this folder.
        IntegrityError: Journal and state do not belong together, or one is damaged.
        UnavailableError: The journal or the state store cannot be reached now.
    """
    address = parse_address(url)
    # Loaded here, so that a program that talks to a server never loads an engine.
    from indelible.client.embedded import EmbeddedTransport  # noqa: PLC0415

    return Ledger(EmbeddedTransport(address, read_only=read_only, principal=principal, **options))
