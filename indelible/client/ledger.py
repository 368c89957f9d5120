"""`Ledger`: what programs use."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from indelible.client.proofs import Checkpoint, Receipt, expect_row, revision_of
from indelible.client.transport import LedgerStatus, Result, Statement, Transport
from indelible.client.trust import Trust
from journal.errors import InputError
from journal.ids import parse_id

TransactionId = str | bytes | UUID


class Rows(Iterator[Any]):
    """The rows of a query, read as they are iterated; `rows` reads what is left at once."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._rows)

    @property
    def rows(self) -> list[Any]:
        """All rows that were not read yet."""
        remaining = list(self._rows)
        self._rows = iter(remaining)
        return remaining


class Ledger:
    """One ledger. Thread-safe: transactions of many threads share blocks.

    Get one from `indelible.connect`; use it as a context manager or call `close`.

    >>> import indelible
    >>> ledger = indelible.connect("memory:")
    >>> _ = ledger.execute("CREATE TABLE accounts")
    >>> _ = ledger.execute("INSERT INTO accounts ?", {"name": "ann", "balance": 5})
    >>> list(ledger.query("SELECT a.balance FROM accounts AS a WHERE a.name = ?", "ann"))
    [{'balance': 5}]
    >>> ledger.close()
    """

    def __init__(self, transport: Transport, trust: Trust | None = None) -> None:
        self._transport = transport
        self._trust = Trust.nothing() if trust is None else trust

    def execute(
        self,
        statement: str,
        *parameters: Any,
        labels: Mapping[str, str] | None = None,
        transaction_id: TransactionId | None = None,
    ) -> Result:
        """Run one statement as a transaction; it is durable when this returns.

        Args:
            statement: PartiQL; `?` stands for the parameters.
            parameters: dict, list, str, int, float, bool, None, Decimal, datetime, bytes.
            labels: At most 16 key/value strings, kept in the journal for ever.
            transaction_id: Makes the call repeatable: however often it is sent with one id, it is
                committed once.

        Raises:
            InputError: The statement or a value is wrong; nothing was written.
            OutcomeUnknownError: Call again with the error's `transaction_id`.
            UnavailableError: Nothing was written; call again later.
        """
        return self.transact(
            [(statement, *parameters)], labels=labels, transaction_id=transaction_id
        )

    def transact(
        self,
        statements: Sequence[tuple[Any, ...]],
        *,
        labels: Mapping[str, str] | None = None,
        transaction_id: TransactionId | None = None,
    ) -> Result:
        """Run several statements as one transaction: all of them take effect, or none.

        Args:
            statements: Tuples of a statement and its parameters.
            labels, transaction_id: See `execute`.

        Raises:
            LedgerError: See `execute`.
        """
        if not isinstance(statements, Iterable):
            raise InputError(f"statements are a list, not a {type(statements).__name__}")
        return self._transport.execute(
            [_statement(item) for item in statements],
            labels={} if labels is None else _labels(labels),
            transaction_id=None if transaction_id is None else _id_bytes(transaction_id),
        )

    def query(self, statement: str, *parameters: Any, verify: bool = False) -> Rows:
        """Rows of a SELECT or EXPLAIN, over everything acknowledged before the call.

        Args:
            statement, parameters: See `execute`.
            verify: Fetch the receipt of each row and verify it, before the row is given out. The rows
                must be whole revisions: `SELECT *` of one committed view or history. This proves
                that each row is in the ledger as it is shown; not that none is left out.

        Raises:
            InputError: The statement cannot be run, does not only read, or its rows cannot be verified.
            IntegrityError: (while rows are read) A row is not what the ledger has.
        """
        rows = self._transport.query(statement, parameters, whole_revisions=verify)
        return Rows(map(self._verified, rows) if verify else rows)

    def history(self, table: str, document_id: str | None = None) -> Rows:
        """All revisions of a document, or of all documents of a table, oldest first per document.

        Each row is `{blockAddress, hash, data, metadata: {id, version, txTime, txId}}`; the revision
        of a DELETE has no `data`.
        """
        source = f"SELECT * FROM history({_quoted(table)}) AS h"
        if document_id is None:
            return self.query(source)
        if not isinstance(document_id, str):
            raise InputError(f"a document id is a string, not a {type(document_id).__name__}")
        return self.query(f"{source} WHERE h.metadata.id = ?", document_id)

    def checkpoint(self) -> Checkpoint:
        """The ledger's newest signed checkpoint, verified: it extends every one seen before.

        Where `connect` was told of witnesses: the newest that has cosignatures, which may be of fewer
        blocks than there are; it is consistent with every one seen before.

        Raises:
            UnsupportedError: The node has no private key; or no checkpoint has cosignatures.
            ProofRejectedError: It is not signed by the ledger's key, or by too few witnesses.
            StaleReadError: A newer one with the cosignatures asked for was seen before.
            InconsistentCheckpointError: It contradicts a checkpoint seen before; the error has both.
            IntegrityError: The ledger at this URL has another key than the one seen first.
        """
        return self._trust.checkpoint(self._transport)

    def receipt(self, identifier: TransactionId, *, version: int | None = None) -> Receipt:
        """The receipt of a transaction, or of a revision of a document; call its `verify`.

        Args:
            identifier: Id of a transaction or a document.
            version: Of the document; its newest revision if not given.

        Raises:
            InputError: Nothing has this id, or the document no such version.
            UnsupportedError: No checkpoint covers it, and the node has no private key to sign one; or,
                where witnesses are asked for, the newest cosigned one does not cover it yet.
            ProofRejectedError: The node answers with something else.
        """
        return self._trust.receipt(self._transport, _id_bytes(identifier), version)

    def consistency(self, size_1: int, size_2: int) -> Sequence[bytes]:
        """The proof that the tree over the first `size_1` blocks is a prefix of that over `size_2`.

        32-byte hashes as of RFC 9162 section 2.1.4; `verifier.merkle.verify_consistency` checks them.

        Raises:
            InputError: Not 1 <= size_1 <= size_2 <= number of blocks.
        """
        return self._transport.consistency(size_1, size_2)

    def cosign(self, note: str) -> Checkpoint:
        """Keep a checkpoint of this ledger which witnesses have cosigned, for clients that ask for them.

        Any that the ledger has signed; of those that are cosigned, the one of the largest tree is kept.
        Returns it with all its signatures, those of earlier calls included. The ledger's signature and
        tree are verified, witnesses are not.

        Raises:
            InputError: Not a cosigned checkpoint of this ledger.
            ConflictError: A newer one is cosigned already, or the key was rotated since.
        """
        return self._trust.cosign(self._transport, note)

    def rotate_key(self) -> str:
        """Give the ledger a new signing key; returns its public key.

        Whoever pinned the old key goes on verifying: proofs carry the old key's word for the new one.

        Raises:
            UnsupportedError: The node has no private key, or not in the ledger's folder.
            LedgerError: See `execute`.
        """
        return self._transport.rotate_key()

    def status(self) -> LedgerStatus:
        """The ledger's tip and tree, as of now."""
        return self._transport.status()

    def _verified(self, row: Any) -> Any:
        document_id, version = revision_of(row)
        receipt = self.receipt(document_id, version=version)
        receipt.verify()
        expect_row(receipt, row)
        return row

    def close(self) -> None:
        """Finish what is on its way and free everything; closing twice is fine."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _statement(item: tuple[Any, ...]) -> Statement:
    if not isinstance(item, tuple | list) or not item:
        raise InputError("each statement is a tuple: the text, then its parameters")
    return item[0], tuple(item[1:])


def _labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    if not isinstance(labels, Mapping):
        raise InputError(f"labels are a dict of strings, not a {type(labels).__name__}")
    return labels


def _id_bytes(transaction_id: TransactionId) -> bytes:
    if isinstance(transaction_id, str):
        return parse_id(transaction_id)
    if isinstance(transaction_id, UUID):
        return transaction_id.bytes
    if isinstance(transaction_id, bytes) and len(transaction_id) == 16:
        return transaction_id
    size = f" of {len(transaction_id)}" if isinstance(transaction_id, bytes) else ""
    raise InputError(
        f"not a transaction id: {type(transaction_id).__name__}{size}",
        hint="a transaction id is a UUID, 16 bytes, or 22 letters",
    )


def _quoted(name: str) -> str:
    if not isinstance(name, str):
        raise InputError(f"a table's name is a string, not a {type(name).__name__}")
    return '"' + name.replace('"', '""') + '"'
