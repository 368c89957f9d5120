"""ROTATE KEY: the ledger names a new signing key, in a transaction like any other.

```
key.pem.next durable --> block: ledger document with the new key and    --> key.pem.next
                         the old one's word for it (keyRotation)            replaces key.pem
```

At every instant the folder holds the key that the chain says is current (see `indelible.engine.keys`).
No PartiQL text does this: a `RotateKey` is an object that only the engine makes, and it enters the
sequencer where compiled statements do.
"""

from collections.abc import Sequence
from typing import Any, Final, Self

from journal.errors import ConflictError, IntegrityError
from materializer.partiql import StatementCache
from materializer.partiql.view import Catalog, Context, Executable, Outcome, Update
from materializer.store.ledger_keys import LEDGER_TABLE

ROTATE_KEY: Final = "ROTATE KEY"


class RotateKey(str):
    """A statement that makes `following` the ledger's key, if `current` still is.

    As a text it is what the journal records: no more than that a key was rotated.
    """

    __slots__ = ("current", "following", "note")
    current: str
    following: str
    note: str

    def __new__(cls, current: str, following: str, note: str) -> Self:
        """A statement.

        Args:
            current, following: The vkey that the ledger has, and the one that it gets.
            note: The rotation note, signed by `current`.
        """
        made = super().__new__(cls, ROTATE_KEY)
        made.current, made.following, made.note = current, following, note
        return made

    @property
    def normalised(self) -> str:
        """See `Statement.normalised`."""
        return ROTATE_KEY

    @property
    def reads(self) -> bool:
        """See `Statement.reads`."""
        return True

    def execute(self, context: Context, parameters: Sequence[Any]) -> Outcome:
        """See `Statement.execute`.

        Raises:
            ConflictError: The ledger has another key by now.
        """
        del parameters
        document = next(iter(context.view.scan(LEDGER_TABLE)), None)
        if document is None:
            raise IntegrityError("the state store lacks its ledger document")
        data: Any = document.data
        if data["checkpointKey"] == self.following:
            return Outcome(rows=[], effects=())
        if data["checkpointKey"] != self.current:
            raise ConflictError("the ledger's key was rotated by somebody else")
        changed = {**data, "checkpointKey": self.following, "keyRotation": self.note}
        return Outcome(rows=[], effects=[Update(LEDGER_TABLE, document, changed)])


class EngineStatements:
    """Compiled statements, at most `size`; those that the engine makes itself need no compiling."""

    def __init__(self, size: int) -> None:
        self._compiled = StatementCache(size)

    def get(self, text: str, catalog: Catalog) -> Executable:
        """See `StatementCache.get`."""
        if isinstance(text, RotateKey):
            return text
        return self._compiled.get(text, catalog)
