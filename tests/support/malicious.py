"""Nodes that lie, and hold the ledger's real key: what a client must not fall for.

>>> from pathlib import Path; import tempfile
>>> folder = Path(tempfile.mkdtemp())
>>> honest, forked = two_tails(folder, before=3, tails=(2, 2))
>>> honest.status().tree_size == forked.status().tree_size
True
>>> honest.status().root_hash == forked.status().root_hash
False
>>> honest.close(), forked.close()
(None, None)
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import indelible
from indelible.client.addresses import parse_address
from indelible.client.embedded import EmbeddedTransport
from indelible.client.state import ClientState, StateFolder
from indelible.client.transport import LedgerStatus, Result, SignedCheckpoint, Statement
from indelible.client.trust import Trust
from verifier.checkpoint import Checkpoint, WitnessPolicy, sign_checkpoint
from verifier.keys import ed25519_signer

URL = "file:/registry"
"""Where the client believes the ledger to be."""
HONEST: Final = object()


def two_tails(
    folder: Path, *, before: int, tails: tuple[int, int]
) -> tuple[EmbeddedTransport, EmbeddedTransport]:
    """Two nodes of one ledger with one key, whose journals part after `before` documents."""
    first, second = folder / "first", folder / "second"
    with indelible.connect(f"file:{first}") as ledger:
        ledger.execute("CREATE TABLE t")
        for number in range(before):
            ledger.execute("INSERT INTO t ?", {"number": number})
    shutil.copytree(first, second)
    nodes = []
    for place, count in zip((first, second), tails, strict=True):
        node = EmbeddedTransport(parse_address(f"file:{place}"))
        for number in range(count):
            insert = ("INSERT INTO t ?", ({"number": number, "node": place.name},))
            node.execute([insert], labels={}, transaction_id=None)
        nodes.append(node)
    return nodes[0], nodes[1]


class MaliciousTransport:
    """Answers as `node` does, which may be changed at any time; subclasses and attributes lie more.

    Attributes:
        checkpoint_shown, receipt_shown: Given instead of the node's, if not None.
        proof_shown: Given instead of the node's, if not HONEST.
    """

    def __init__(self, node: EmbeddedTransport) -> None:
        self.node = node
        self.checkpoint_shown: SignedCheckpoint | None = None
        self.proof_shown: Any = HONEST
        self.receipt_shown: Mapping[str, Any] | None = None
        self.rows_shown: list[Any] | None = None

    def execute(
        self,
        statements: Sequence[Statement],
        *,
        labels: Mapping[str, str],
        transaction_id: bytes | None,
    ) -> Result:
        return self.node.execute(statements, labels=labels, transaction_id=transaction_id)

    def query(
        self, statement: str, parameters: Sequence[Any], *, whole_revisions: bool = False
    ) -> Iterator[Any]:
        if self.rows_shown is not None:
            return iter(self.rows_shown)
        return self.node.query(statement, parameters, whole_revisions=whole_revisions)

    def status(self) -> LedgerStatus:
        return self.node.status()

    def checkpoint(self, *, witnessed: bool = False) -> SignedCheckpoint:
        return self.checkpoint_shown or self.node.checkpoint(witnessed=witnessed)

    def receipt(
        self, identifier: bytes, version: int | None, *, witnessed: bool = False
    ) -> Mapping[str, Any]:
        return self.receipt_shown or self.node.receipt(identifier, version, witnessed=witnessed)

    def consistency(self, size_1: int, size_2: int) -> Sequence[bytes]:
        if isinstance(self.proof_shown, indelible.LedgerError):
            raise self.proof_shown
        return (
            self.node.consistency(size_1, size_2)
            if self.proof_shown is HONEST
            else self.proof_shown
        )

    def cosign(self, note: str) -> SignedCheckpoint:
        return self.node.cosign(note)

    def rotate_key(self) -> str:
        return self.node.rotate_key()

    def close(self) -> None:
        self.node.close()

    def sign(self, tree_size: int, root_hash: bytes) -> SignedCheckpoint:
        """What the real key signs, whatever is true."""
        origin = self.status().checkpoint_key.split("+")[0]
        pem = (self.node.node.folder / "key.pem").read_bytes()
        checkpoint = Checkpoint(origin, tree_size, root_hash)
        return SignedCheckpoint(sign_checkpoint(checkpoint, ed25519_signer(pem, origin)))


def a_client(
    transport: MaliciousTransport,
    state: Path | ClientState,
    *,
    key: str | None = None,
    policy: WitnessPolicy | None = None,
) -> indelible.Ledger:
    """A client that remembers what it saw in `state`, and may have a pinned key and witnesses."""
    kept = StateFolder(state) if isinstance(state, Path) else state
    return indelible.Ledger(transport, Trust(url=URL, state=kept, key=key, policy=policy))
