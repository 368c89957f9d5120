"""The transport that runs the node in the caller's process."""

import getpass
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from indelible.client.addresses import Address, MemoryAddress
from indelible.client.transport import (
    BlockAddress,
    LedgerStatus,
    Result,
    SignedCheckpoint,
    Statement,
)
from indelible.engine.limits import Limits, bound
from indelible.engine.node import Node, ReadOnlyNode
from indelible.engine.opening import open_node
from indelible.engine.requests import check_labels
from journal.errors import InputError

_READS: Final = frozenset(("SELECT", "EXPLAIN"))
_OPTIONS: Final = frozenset(("read_only", "limits", "kafka", "accept_clock", "on_progress"))
PRINCIPAL_SIZE_MAX: Final = 256
"""Bytes of a principal."""


class EmbeddedTransport:
    """A node in this process. Thread-safe; see `indelible.engine.node`."""

    def __init__(self, address: Address, *, principal: str | None = None, **options: Any) -> None:
        """Open the ledger at `address`; options as in `indelible.engine.opening.open_node`.

        Raises:
            InputError: An option or the principal is wrong.
            LedgerError: See `open_node`.
        """
        _check_options(address, options)
        self._principal = user_name() if principal in (None, "") else checked_principal(principal)
        self.node: Node | ReadOnlyNode = open_node(address, principal=self._principal, **options)

    def execute(
        self,
        statements: Sequence[Statement],
        *,
        labels: Mapping[str, str],
        transaction_id: bytes | None,
    ) -> Result:
        """See `Transport.execute`. A lone query is answered from a read view, without a block."""
        if len(statements) == 1 and transaction_id is None and _only_reads(statements[0][0]):
            if labels:
                check_labels(labels, self.node.limits)
            rows = self._listed(statements[0])
            return Result(transaction_id="", block_address=None, results=[rows])
        answer = self.node.execute(
            statements, principal=self._principal, labels=labels, transaction_id=transaction_id
        )
        address = None
        if answer.sequence_number is not None:
            address = BlockAddress(self.node.strand_id, answer.sequence_number)
        return Result(
            transaction_id=answer.transaction_id,
            block_address=address,
            results=answer.results,
        )

    def _listed(self, statement: Statement) -> list[Any]:
        rows_max = self.node.limits.rows_max
        rows = list(islice(self.node.query(*statement), rows_max + 1))
        bound("rows_max", len(rows), rows_max, hint="stream them with query, or use LIMIT")
        return rows

    def query(
        self, statement: str, parameters: Sequence[Any], *, whole_revisions: bool = False
    ) -> Iterator[Any]:
        """See `Transport.query`."""
        return self.node.query(statement, parameters, whole_revisions=whole_revisions)

    def status(self) -> LedgerStatus:
        """See `Transport.status`."""
        return self.node.status()

    def checkpoint(self, *, witnessed: bool = False) -> SignedCheckpoint:
        """See `Transport.checkpoint`."""
        return self.node.checkpoint(witnessed=witnessed)

    def receipt(
        self, identifier: bytes, version: int | None, *, witnessed: bool = False
    ) -> Mapping[str, Any]:
        """See `Transport.receipt`."""
        return self.node.receipt(identifier, version, witnessed=witnessed).to_json()

    def consistency(self, size_1: int, size_2: int) -> Sequence[bytes]:
        """See `Transport.consistency`."""
        return self.node.consistency(size_1, size_2)

    def cosign(self, note: str) -> SignedCheckpoint:
        """See `Transport.cosign`."""
        return self.node.cosign(note)

    def rotate_key(self) -> str:
        """See `Transport.rotate_key`."""
        return self.node.rotate_key(principal=self._principal)

    def close(self) -> None:
        """See `Transport.close`."""
        self.node.close()


def _only_reads(statement: Any) -> bool:
    """Whether the first word says that the statement reads; the engine judges for itself."""
    words = statement[:16].split(None, 1) if isinstance(statement, str) else []
    return bool(words) and words[0].upper() in _READS


def checked_principal(principal: Any) -> str:
    """The principal, if it is one.

    Raises:
        InputError: No string, more than `PRINCIPAL_SIZE_MAX` bytes, or a lone surrogate in it.
    """
    if not isinstance(principal, str):
        raise InputError(f"a principal is a string, not a {type(principal).__name__}")
    try:
        size = len(principal.encode())
    except UnicodeEncodeError:
        raise InputError(f"principal {principal!r:.80} has a lone surrogate") from None
    bound("principal_size_max", size, PRINCIPAL_SIZE_MAX)
    return principal


def user_name() -> str:
    """Who the operating system says we are: the default principal; `unknown` if that is none."""
    try:
        return checked_principal(getpass.getuser())
    except (KeyError, OSError, InputError):
        return "unknown"


def _check_options(address: Address, options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in _OPTIONS:
            raise InputError(
                f"unknown option {name!r}", hint=f"known: {', '.join(sorted(_OPTIONS))}"
            )
    if not isinstance(options.get("limits"), Limits | None):
        raise InputError("option 'limits' is an indelible.engine.limits.Limits")
    if not isinstance(options.get("kafka"), Mapping | None):
        raise InputError("option 'kafka' is a dict of the Kafka client's options")
    if not (options.get("on_progress") is None or callable(options["on_progress"])):
        raise InputError("option 'on_progress' is a function")
    if isinstance(address, MemoryAddress) and options.get("read_only"):
        raise InputError("a ledger in memory cannot be opened read_only: nobody else writes it")
