"""Every error that Indelible raises, in one tree.

```
LedgerError                      code (stable), retryable
  InputError                     LedgerExistsError UnknownLedgerError QuerySyntaxError QueryTypeError
                                 UnknownTableError UniqueViolationError LimitExceededError
                                 InvalidDocumentError
  ConflictError                  OCCConflictError TransactionExpiredError
  ConfigurationError             SettingsError JournalSettingsError
  UnavailableError               OutcomeUnknownError LedgerLockedError LogUnavailableError
                                 StoreUnavailableError OverloadedError NotLeaderError StaleReadError
  AccessError                    UnauthenticatedError ForbiddenError
  IntegrityError                 CorruptBlockError BrokenLinkError ProofRejectedError
                                 InconsistentCheckpointError JournalReplacedError
  UnsupportedError
```

The branch answers the caller's only question: fix the input, retry, change a setting, wait, ask for
access, or call someone. `code` is stable and is what programs compare; `http_status` and `exit_code`
are how servers and the command line show it. Facts are attributes; the message is made from them.
"""

from typing import ClassVar


class LedgerError(Exception):
    """Anything Indelible reports; `hint` says what to do, where there is something to do."""

    code: ClassVar[str] = "ledger_error"
    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(LedgerError):
    """The request itself is wrong; nothing was written. Fix it and send it again."""

    code = "input_error"
    http_status = 400
    exit_code = 2


class LedgerExistsError(InputError):
    """A ledger of this name is there already."""

    code = "ledger_exists"
    http_status = 409


class UnknownLedgerError(InputError):
    """No ledger at this address."""

    code = "unknown_ledger"
    http_status = 404


class QuerySyntaxError(InputError):
    """A statement cannot be parsed.

    Attributes:
        line, column: 1-based place of the first token that does not fit.
        expected: What could have stood there.
    """

    code = "query_syntax"

    def __init__(
        self,
        problem: str,
        *,
        statement: str = "",
        line: int = 1,
        column: int = 1,
        expected: str = "",
    ) -> None:
        self.problem, self.line, self.column, self.expected = problem, line, column, expected
        wanted = f", expected {expected}" if expected else ""
        message = f"{problem}{wanted} (line {line}, column {column})"
        super().__init__(message + _caret(statement, line, column))


class QueryTypeError(InputError):
    """An operation was given a value of a kind it cannot work on."""

    code = "query_type"


class UnknownTableError(InputError):
    """A statement names a table, index or variable that does not exist."""

    code = "unknown_table"
    http_status = 404

    def __init__(self, name: str, *, kind: str = "table", nearest: tuple[str, ...] = ()) -> None:
        self.name, self.kind, self.nearest = name, kind, nearest
        meant = f"did you mean {', '.join(nearest)}?" if nearest else ""
        super().__init__(f"no {kind} named {name!r}", hint=meant)


class UniqueViolationError(InputError):
    """A unique index would hold the same key twice."""

    code = "unique_violation"
    http_status = 409

    def __init__(self, *, index: str, table: str, key: str, document_id: str) -> None:
        self.index, self.table, self.key, self.document_id = index, table, key, document_id
        super().__init__(
            f"unique index {index} of table {table} already holds {key} (document {document_id})"
        )


class LimitExceededError(InputError):
    """A documented limit was passed."""

    code = "limit_exceeded"
    http_status = 413

    def __init__(self, limit: str, *, maximum: int, actual: int, hint: str = "") -> None:
        self.limit, self.maximum, self.actual = limit, maximum, actual
        super().__init__(f"{limit} is {maximum}, this has {actual}", hint=hint)


class InvalidDocumentError(InputError):
    """A value or a JSON text cannot be a document.

    Attributes:
        path: Where in the value, as `$.a[3].b`; `$` is the whole.
        position: Byte position in the JSON text, or None when a value was given.
    """

    code = "invalid_document"

    def __init__(self, problem: str, *, path: str = "$", position: int | None = None) -> None:
        self.problem, self.path, self.position = problem, path, position
        place = f" at byte {position}" if position is not None else f" at {path}"
        super().__init__(problem + place)


class ConflictError(LedgerError):
    """Somebody else was there first; read again and decide anew."""

    code = "conflict"
    http_status = 409
    exit_code = 3


class OCCConflictError(ConflictError):
    """What the transaction read has changed; run it again."""

    code = "occ_conflict"
    retryable = True


class TransactionExpiredError(ConflictError):
    """The transaction was open for too long; run it again."""

    code = "transaction_expired"
    retryable = True


class ConfigurationError(LedgerError):
    """Something around the ledger is set up wrong."""

    code = "configuration"
    exit_code = 4


class SettingsError(ConfigurationError):
    """A setting is unknown or has a value it cannot have."""

    code = "settings"


class JournalSettingsError(ConfigurationError):
    """The journal's topic does not keep what the ledger promises; `hint` has the repair command."""

    code = "journal_settings"


class UnavailableError(LedgerError):
    """Not now. Send it again, with the same transaction id."""

    code = "unavailable"
    retryable = True
    http_status = 503
    exit_code = 5


class OutcomeUnknownError(UnavailableError):
    """The transaction may or may not have been committed: ask again with the same id.

    Until one answer for that id is a success, a failure for it is not final either: a copy of the
    block may still be on its way.
    """

    code = "outcome_unknown"
    http_status = 504

    def __init__(self, transaction_id: str, reason: str) -> None:
        self.transaction_id, self.reason = transaction_id, reason
        super().__init__(
            f"outcome of transaction {transaction_id} is not known: {reason}",
            hint="repeat it with the same transaction id; it is committed at most once",
        )


class LedgerLockedError(UnavailableError):
    """Another process writes this ledger's folder."""

    code = "ledger_locked"

    def __init__(self, path: str, holder: str) -> None:
        self.path, self.holder = path, holder
        super().__init__(
            f"{path} is held by {holder}",
            hint="close that process, or open the ledger with read_only=True",
        )


class LogUnavailableError(UnavailableError):
    """The journal's storage cannot be reached, or did not take the block."""

    code = "log_unavailable"


class StoreUnavailableError(UnavailableError):
    """The state store cannot be written (disk full?); what was committed is in the journal."""

    code = "store_unavailable"


class OverloadedError(UnavailableError):
    """Too many requests wait already; nothing was done."""

    code = "overloaded"


class NotLeaderError(UnavailableError):
    """This node does not lead the ledger, or cannot write."""

    code = "not_leader"


class StaleReadError(UnavailableError):
    """The state is behind what the read asked for."""

    code = "stale_read"


class AccessError(LedgerError):
    """Not allowed."""

    code = "access"
    http_status = 403
    exit_code = 6


class UnauthenticatedError(AccessError):
    """No valid token."""

    code = "unauthenticated"
    http_status = 401


class ForbiddenError(AccessError):
    """A valid token without the role that this needs."""

    code = "forbidden"


class IntegrityError(LedgerError):
    """Evidence that recorded data was changed or lost. Stop and find out; do not retry."""

    code = "integrity"
    exit_code = 7


class CorruptBlockError(IntegrityError):
    """An accepted block says something that no correct writer says."""

    code = "corrupt_block"

    def __init__(
        self, reason: str, *, sequence_number: int, entry_index: int | None = None
    ) -> None:
        self.reason, self.sequence_number, self.entry_index = reason, sequence_number, entry_index
        entry = "" if entry_index is None else f", entry {entry_index}"
        super().__init__(f"block {sequence_number}{entry}: {reason}")


class BrokenLinkError(IntegrityError):
    """A block is damaged or missing: a later one does not link to what is there."""

    code = "broken_link"

    def __init__(self, reason: str, *, sequence_number: int, offset: int) -> None:
        self.reason, self.sequence_number, self.offset = reason, sequence_number, offset
        super().__init__(
            f"the chain breaks at block {sequence_number} (offset {offset}): {reason}",
            hint="no block from there on is read; restore the journal from a replica or an export",
        )


class ProofRejectedError(IntegrityError):
    """A proof does not prove what it claims."""

    code = "proof_rejected"


class InconsistentCheckpointError(IntegrityError):
    """Two signed checkpoints cannot both be of one ledger.

    Attributes:
        older, newer: The two signed notes, verbatim: keep them, they are the evidence.
        proof: The consistency proof that was offered, 32 bytes a hash.
    """

    code = "inconsistent_checkpoint"

    def __init__(
        self,
        message: str,
        *,
        older: str = "",
        newer: str = "",
        proof: tuple[bytes, ...] = (),
        hint: str = "",
    ) -> None:
        self.older, self.newer, self.proof = older, newer, proof
        super().__init__(message, hint=hint)


class JournalReplacedError(IntegrityError):
    """The journal under this state is not the one the state was made from."""

    code = "journal_replaced"


class UnsupportedError(LedgerError):
    """Understood, but this version or this node cannot do it."""

    code = "unsupported"
    http_status = 501
    exit_code = 8


def _caret(statement: str, line: int, column: int) -> str:
    """The offending line with a caret under the column, or nothing where there is no text."""
    lines = statement.splitlines()
    if not 1 <= line <= len(lines):
        return ""
    text, start = lines[line - 1], max(0, column - 60)
    return f"\n  {text[start : start + 100]}\n  {' ' * (column - 1 - start)}^"
