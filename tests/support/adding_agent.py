"""A worker that follows accounts and adds up their branches, and says what it handles.

```
history of accounts --> follow: which versions? --> movements --> add: so much more, or less
(by account)            table `accounts`            (by branch)   table `branches`
```

    python tests/support/adding_agent.py HOST:PORT LEDGER PARTITIONS FOLDER

Each revision is said in a line that survives the worker, before anything is done about it:
`handled LANE ID VERSION`.
"""

import os
import sys
from pathlib import Path
from typing import Any

from streams.agents import Placed, Revision, agent_app, deliver, once, revisions, work


class Movement(Placed, serializer="json"):
    """A branch has so much more."""

    branch: str
    amount: int


def after(revision: Revision, before: dict[str, Any] | None) -> dict[str, Any]:
    """What is known of an account after a revision: its branch, its balance, its versions in order."""
    document = revision.document
    if document is None:
        assert before is not None, f"{revision.document_id} was deleted before it was there"
        document = {"branch": before["branch"], "balance": 0}
    versions = [] if before is None else before["versions"]
    return {
        "branch": document["branch"],
        "balance": document["balance"],
        "versions": [*versions, revision.version],
    }


def say(line: str) -> None:
    """One write: whole lines only, whoever dies when."""
    os.write(1, f"{line}\n".encode())


def main(servers: str, ledger: str, partitions: str, folder: str) -> None:
    app = agent_app(
        f"{ledger}-adding",
        bootstrap_servers=servers,
        partitions=int(partitions),
        replicas=1,
        data_folder=Path(folder) / "data",
    )
    movements = app.topic(
        f"{ledger}-adding-movements", value_type=Movement, key_type=str, internal=True
    )

    @app.agent(revisions(app, ledger, "accounts"))
    @once(app, "accounts")
    async def follow(revision: Revision, before: dict[str, Any] | None) -> dict[str, Any]:
        say(f"handled {revision.lane} {revision.document_id} {revision.version}")
        account = after(revision, before)
        amount = account["balance"] - (0 if before is None else before["balance"])
        moved = Movement(branch=account["branch"], amount=amount, **revision.place)
        await deliver(movements, key=moved.branch, value=moved)
        return account

    @app.agent(movements)
    @once(
        app,
        "branches",
        key=lambda movement: movement.branch,
        initial={"movements": 0, "balance": 0},
    )
    async def add(movement: Movement, before: dict[str, int]) -> dict[str, int]:
        return {
            "movements": before["movements"] + 1,
            "balance": before["balance"] + movement.amount,
        }

    work(app)


if __name__ == "__main__":
    main(*sys.argv[1:])
