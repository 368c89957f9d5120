"""How long each part runs: the whole in about a quarter of an hour, `--quick` in some minutes."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The sizes of a run.

    Attributes:
        callers: Numbers of callers of the commit part.
        rounds: Turns of each target at each number of callers.
        seconds: Of a turn, and of each point of the other parts.
        warm_up_seconds: Before the first turn of a target; a broker gets `broker_warm_up_seconds`,
            since a fresh JVM is several times slower in its first minute.
        documents: In the tables that are queried and rebuilt, and imported.
        single_documents: In journals with one revision per transaction.
        blocks: In the ledger whose receipts are measured.
        stream_seconds: Of the steady loads of the streams part.
        audited: Revisions in the journal that is audited; a fifth where each has its own transaction.
    """

    callers: tuple[int, ...]
    rounds: int
    seconds: float
    warm_up_seconds: float
    broker_warm_up_seconds: float
    documents: int
    single_documents: int
    blocks: int
    audited: int
    stream_seconds: float


FULL: Final = Plan(
    callers=(1, 8, 32, 100),
    rounds=3,
    seconds=4.0,
    warm_up_seconds=2.0,
    broker_warm_up_seconds=10.0,
    documents=100_000,
    single_documents=20_000,
    blocks=1_000_000,
    audited=500_000,
    stream_seconds=20.0,
)
QUICK: Final = Plan(
    callers=(1, 32),
    rounds=1,
    seconds=1.0,
    warm_up_seconds=0.5,
    broker_warm_up_seconds=2.0,
    documents=5_000,
    single_documents=1_000,
    blocks=5_000,
    audited=20_000,
    stream_seconds=3.0,
)
