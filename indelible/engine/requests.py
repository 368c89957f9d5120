"""What is asked of the sequencer, and what it answers."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from indelible.client.transport import Statement
from indelible.engine.limits import Limits, bound
from journal import document
from journal.errors import InputError
from journal.ids import id_text
from journal.values import MISSING, is_utf8


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a transaction.

    Attributes:
        transaction_id: In text.
        sequence_number: Of its block; None if it changed nothing and so is in no block.
        results: The rows of each statement. Of a transaction that had been committed before under
            this id: one list with a `{documentId}` row for each document it changed.
    """

    transaction_id: str
    sequence_number: int | None
    results: Sequence[Sequence[Any]]


@dataclass(slots=True, eq=False)
class Request:
    """A one-shot transaction on its way through the sequencer.

    Attributes:
        fresh: Its id was made here for this attempt, so that it cannot be on the chain yet.
        outcome: The answer, or the error; set before `wake` is released.
        transaction_text: The id in text.
        wake: Held until there is an outcome, or until it is this request's caller's turn to lead.
    """

    transaction_id: bytes
    statements: Sequence[Statement]
    principal: str
    labels: Mapping[str, str]
    fresh: bool
    transaction_text: str = field(init=False)
    outcome: Answer | Exception | None = None
    wake: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.transaction_text = id_text(self.transaction_id)
        self.wake.acquire()

    @property
    def answered(self) -> bool:
        """Whether there is an outcome; any thread may set it at any moment."""
        return self.outcome is not None

    def signal(self) -> None:
        """Wake the caller; waking twice is fine."""
        try:
            self.wake.release()
        except RuntimeError:  # already awake
            return

    def answer(self) -> Answer:
        """The answer.

        Raises:
            LedgerError: The transaction failed.
        """
        if isinstance(self.outcome, Answer):
            return self.outcome
        assert self.outcome is not None
        raise self.outcome


def check_request(statements: Sequence[Any], labels: Mapping[Any, Any], limits: Limits) -> None:
    """Refuse a request that passes a limit or is of the wrong shape, before it takes a place.

    Raises:
        InputError: With the limit, or what is wrong.
    """
    if not statements:
        raise InputError("a transaction needs at least one statement")
    bound("statements_per_transaction_max", len(statements), limits.statements_per_transaction_max)
    for text, parameters in statements:
        check_statement(text, parameters, limits)
    if labels:
        check_labels(labels, limits)


def check_statement(text: Any, parameters: Sequence[Any], limits: Limits) -> None:
    """Refuse a text that is none, and parameters that no document could hold.

    Raises:
        InputError: With the limit, or what is wrong.
    """
    if not isinstance(text, str):
        raise InputError(f"a statement is a string, not a {type(text).__name__}")
    if len(text) > limits.statement_length_max or len(parameters) > limits.parameters_max:
        bound("statement_length_max", len(text), limits.statement_length_max)
        bound("parameters_max", len(parameters), limits.parameters_max)
    if not is_utf8(text):
        raise InputError("the statement has a lone surrogate")
    for parameter in parameters:
        # Most are flat documents; what is wrong with one of those is found when it is stored.
        if type(parameter) is dict and _FLAT.issuperset(map(type, parameter.values())):
            continue
        if parameter is not MISSING:
            document.check(parameter)


_FLAT: Final = frozenset((str, int, float, bool, type(None)))


def check_labels(labels: Mapping[Any, Any], limits: Limits) -> None:
    """Refuse labels that are too many, too long, or no texts.

    Raises:
        InputError: With the limit, or what is wrong.
    """
    bound("labels_max", len(labels), limits.labels_max)
    for key, value in labels.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise InputError(f"label {key!r}: keys and values of labels are strings")
        try:
            size = len(key.encode()) + len(value.encode())
        except UnicodeEncodeError:
            raise InputError(f"label {key!r} has a lone surrogate") from None
        bound("label_size_max", size, limits.label_size_max)
