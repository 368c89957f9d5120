"""Which topic of a ledger a sink reads."""

from dataclasses import dataclass

from streams.topics import Kind, topic_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table of a ledger, as a stream of its states.

    Attributes:
        prefix: What the ledger's topics begin with.
        ledger: Its name.
        table: In the ledger.
        history: Every revision; else the newest state of each document.
    """

    prefix: str
    ledger: str
    table: str
    history: bool = False

    @property
    def topic(self) -> str:
        """The topic's name.

        Raises:
            InputError: Kafka does not allow such a name.
        """
        kind = Kind.HISTORY if self.history else Kind.CURRENT
        return topic_name(self.prefix, self.ledger, kind, self.table)
