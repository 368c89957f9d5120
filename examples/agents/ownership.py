"""How many vehicles has each owner? Two agents keep the counts, exact whatever happens to workers.

```
history of vehicles --> track: who had it before? --> ownership-changes --> count: one more, one fewer
(by vehicle)            table `owners`                (by owner)            table `counts`
```

Run several of it, each with a folder of its own:

    python examples/agents/ownership.py HOST:PORT LEDGER PARTITIONS REPLICAS FOLDER
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import faust

from streams.agents import Placed, Revision, agent_app, deliver, once, revisions, work


class Change(Placed, serializer="json"):
    """An owner has so many vehicles more."""

    owner: str
    difference: int


def changes(revision: Revision, before: str | None) -> Iterator[Change]:
    """What a revision changes, given who owned the vehicle before it."""
    after = owner_of(revision)
    if before != after:
        for owner, difference in ((before, -1), (after, 1)):
            if owner is not None:
                yield Change(owner=owner, difference=difference, **revision.place)


def owner_of(revision: Revision) -> str | None:
    """Nobody owns a vehicle that was deleted."""
    return None if revision.document is None else revision.document.get("owner")


def ownership(
    bootstrap_servers: str,
    ledger: str,
    *,
    partitions: int,
    replicas: int,
    data_folder: Path | None = None,
) -> faust.App:
    """The application; its table `counts` has `{"state": count}` for each owner."""
    app = agent_app(
        f"{ledger}-ownership",
        bootstrap_servers=bootstrap_servers,
        partitions=partitions,
        replicas=replicas,
        data_folder=data_folder,
    )
    moves = app.topic(f"{ledger}-ownership-changes", value_type=Change, key_type=str, internal=True)

    @app.agent(revisions(app, ledger, "vehicles"))
    @once(app, "owners")
    async def track(revision: Revision, before: str | None) -> str | None:
        await asyncio.gather(
            *(deliver(moves, key=each.owner, value=each) for each in changes(revision, before))
        )
        return owner_of(revision)

    @app.agent(moves)
    @once(app, "counts", key=lambda change: change.owner, initial=0)
    async def count(change: Change, before: int) -> int:
        return before + change.difference

    return app


def main(
    servers: str, ledger: str, partitions: str = "6", replicas: str = "1", folder: str = "."
) -> None:
    """Run one worker until SIGTERM or Ctrl-C."""
    app = ownership(
        servers,
        ledger,
        partitions=int(partitions),
        replicas=int(replicas),
        data_folder=Path(folder) / "ownership",
    )
    work(app)


if __name__ == "__main__":
    main(*sys.argv[1:])
