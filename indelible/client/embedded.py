"""The transport that runs the node in the caller's process."""

import getpass
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from indelible.client.addresses import Address
from indelible.client.transport import BlockAddress, LedgerStatus, Result, Statement
from indelible.engine.node import Node, ReadOnlyNode
from indelible.engine.opening import open_node

_READS: Final = frozenset(("SELECT", "EXPLAIN"))


class EmbeddedTransport:
    """A node in this process. Thread-safe; see `indelible.engine.node`."""

    def __init__(self, address: Address, *, principal: str | None = None, **options: Any) -> None:
        """Open the ledger at `address`; options as in `indelible.engine.opening.open_node`.

        Raises:
            LedgerError: See `open_node`.
        """
        self._principal = principal or user_name()
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
            rows = list(self.node.query(*statements[0]))
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

    def query(self, statement: str, parameters: Sequence[Any]) -> Iterator[Any]:
        """See `Transport.query`."""
        return self.node.query(statement, parameters)

    def status(self) -> LedgerStatus:
        """See `Transport.status`."""
        return self.node.status()

    def close(self) -> None:
        """See `Transport.close`."""
        self.node.close()


def _only_reads(statement: Any) -> bool:
    """Whether the first word says that the statement reads; the engine judges for itself."""
    return (
        isinstance(statement, str)
        and statement[:16].split(None, 1)[:1] != []
        and (statement[:16].split(None, 1)[0].upper() in _READS)
    )


def user_name() -> str:
    """Who the operating system says we are: the default principal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
