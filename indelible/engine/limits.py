"""Bounds on what a request may ask for; passing one is a `LimitExceededError` naming it."""

from dataclasses import dataclass, replace
from typing import Final

from journal.block import BLOCK_SIZE_MAX, BLOCK_SIZE_TARGET, DOCUMENT_SIZE_MAX
from journal.errors import LimitExceededError

_BLOCK_OVERHEAD: Final = 64 * 1024
"""More than a block takes around the one document in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """See docs/reference/limits.md. Sizes in bytes, times in seconds."""

    document_size_max: int = DOCUMENT_SIZE_MAX
    block_size_target: int = BLOCK_SIZE_TARGET
    block_size_max: int = BLOCK_SIZE_MAX
    statement_length_max: int = 100_000
    parameters_max: int = 1_000
    statements_per_transaction_max: int = 1_000
    revisions_per_transaction_max: int = 40_000
    labels_max: int = 16
    label_size_max: int = 256
    rows_max: int = 100_000
    tables_max: int = 1_000
    indexes_per_table_max: int = 32
    queue_max: int = 10_000
    request_timeout: float = 30.0
    query_timeout: float = 60.0
    execution_timeout: float = 10.0


def within_block_size(limits: Limits, block_size_max: int) -> Limits:
    """The limits where the log takes blocks of `block_size_max` bytes at most."""
    size = min(limits.block_size_max, block_size_max)
    return replace(
        limits,
        block_size_max=size,
        block_size_target=min(limits.block_size_target, size),
        document_size_max=min(limits.document_size_max, size - _BLOCK_OVERHEAD),
    )


def bound(limit: str, actual: int, maximum: int, *, hint: str = "") -> None:
    """Refuse what is above a limit.

    Raises:
        LimitExceededError: `actual` is more than `maximum`.
    """
    if actual > maximum:
        raise LimitExceededError(limit, maximum=maximum, actual=actual, hint=hint)
