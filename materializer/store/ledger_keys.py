"""The keys that a ledger has had, from the history of its ledger document."""

from typing import Any, Final, NamedTuple

from journal.catalog import LEDGER_TABLE_ID
from journal.errors import IntegrityError
from journal.ids import id_text
from materializer.partiql.view import Table
from materializer.store.view import StoreView

LEDGER_TABLE: Final = Table(id=id_text(LEDGER_TABLE_ID), name="ledger", indexes=())
"""The system table of the ledger document, which no statement can name."""


class LedgerKeys(NamedTuple):
    """Public keys (vkeys) of a ledger, oldest first.

    Attributes:
        keys: All that it has had; never empty.
        chain: For each key but the first, the rotation note by which the one before named it.
    """

    keys: tuple[str, ...]
    chain: tuple[str, ...]

    @property
    def current(self) -> str:
        """The key that signs now."""
        return self.keys[-1]


def ledger_keys(view: StoreView) -> LedgerKeys:
    """Read the keys as of a view; one look-up for each rotation there was.

    Raises:
        IntegrityError: The store has no ledger document.
    """
    keys: list[str] = []
    chain: list[str] = []
    for revision in view.history(LEDGER_TABLE, None, None, None):
        data: Any = revision.data
        key = str(data["checkpointKey"])
        if not keys or key != keys[-1]:
            keys.append(key)
            if (note := data.get("keyRotation")) is not None and len(keys) > 1:
                chain.append(str(note))
    if not keys:
        raise IntegrityError(
            "the state store lacks its ledger document",
            hint="`indelible rebuild` makes it again from the journal",
        )
    return LedgerKeys(tuple(keys), tuple(chain))
