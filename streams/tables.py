"""What writes the records of a table, whatever the format."""

from typing import Protocol

from streams.json_format import Encoded
from streams.planning import RevisionChange


class TableEncoder(Protocol):
    """Writes the records of one table."""

    def encode(self, change: RevisionChange) -> Encoded:
        """The records of a revision; decodes its document once at most.

        Raises:
            Misfit: The document does not fit the declared columns.
        """

    def current_key(self, document_id: str) -> bytes:
        """The key in `current`: what a tombstone is sent with."""
