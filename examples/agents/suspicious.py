"""Flags vehicles that change hands too often: three times within a day.

```
history of vehicles --> watch: when did it change hands lately? --> topic suspicious-transfers
```

Run several of it, each with a folder of its own:

    python examples/agents/suspicious.py HOST:PORT LEDGER PARTITIONS REPLICAS FOLDER
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import faust

from streams.agents import Placed, Revision, agent_app, deliver, once, revisions, work

TRANSFERS_MAX = 2
WITHIN_MICROSECONDS = 24 * 60 * 60 * 1_000_000


class Flag(Placed, serializer="json"):
    """A vehicle, and who had it within one day; `hash` is that of the revision, to ask a receipt for."""

    document_id: str
    owners: list[str]
    hash: str


class Recent(NamedTuple):
    """Who has a vehicle, and its transfers of the last day: (when, to whom)."""

    owner: str | None
    transfers: list[tuple[int, str]]


def look(revision: Revision, before: Recent) -> tuple[Recent, Flag | None]:
    """What is known after a revision, and whether to raise a flag. Time is the ledger's own."""
    owner = None if revision.document is None else revision.document.get("owner")
    if owner is None or owner == before.owner:
        return before, None
    if before.owner is None:
        return Recent(owner, []), None
    since = revision.committed_at - WITHIN_MICROSECONDS
    transfers = [*(each for each in before.transfers if each[0] > since)]
    transfers.append((revision.committed_at, owner))
    if len(transfers) <= TRANSFERS_MAX:
        return Recent(owner, transfers), None
    flag = Flag(
        document_id=revision.document_id,
        owners=[who for _, who in transfers],
        hash=revision.hash,
        **revision.place,
    )
    return Recent(owner, transfers), flag


def suspicious(
    bootstrap_servers: str,
    ledger: str,
    *,
    partitions: int,
    replicas: int,
    data_folder: Path | None = None,
) -> faust.App:
    """The application."""
    app = agent_app(
        f"{ledger}-suspicious",
        bootstrap_servers=bootstrap_servers,
        partitions=partitions,
        replicas=replicas,
        data_folder=data_folder,
    )
    flags = app.topic(
        f"{ledger}-suspicious-transfers", value_type=Flag, key_type=str, internal=True
    )

    @app.agent(revisions(app, ledger, "vehicles"))
    @once(app, "recent", initial=[None, []])
    async def watch(revision: Revision, state: list[Any]) -> list[Any]:
        owner, transfers = state
        after, flag = look(revision, Recent(owner, [(when, who) for when, who in transfers]))
        if flag is not None:
            await deliver(flags, key=flag.document_id, value=flag)
        return list(after)

    return app


def main(
    servers: str, ledger: str, partitions: str = "6", replicas: str = "1", folder: str = "."
) -> None:
    """Run one worker until SIGTERM or Ctrl-C."""
    app = suspicious(
        servers,
        ledger,
        partitions=int(partitions),
        replicas=int(replicas),
        data_folder=Path(folder) / "suspicious",
    )
    work(app)


if __name__ == "__main__":
    main(*sys.argv[1:])
