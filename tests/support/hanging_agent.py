"""A worker that counts the revisions of each document, and once does not come back from vehicle 7."""

import asyncio
import sys
import time
from pathlib import Path

from streams.agents import Revision, agent_app, once, revisions, work


def main(servers: str, ledger: str, partitions: str, how: str, folder: str) -> None:
    """Work; `how` is never, waits, blocks or raises."""
    app = agent_app(
        f"{ledger}-hanging",
        bootstrap_servers=servers,
        partitions=int(partitions),
        replicas=1,
        data_folder=Path(folder) / "data",
        stall_seconds=6,
    )
    marker = Path(folder) / "has-hung"

    @app.agent(revisions(app, ledger, "vehicles"))
    @once(app, "seen", initial=0)
    async def see(revision: Revision, count: int) -> int:
        if how != "never" and revision.document_id.endswith("0007") and not marker.exists():
            marker.touch()
            if how == "waits":
                await asyncio.Event().wait()
            elif how == "blocks":
                time.sleep(1000)
            else:
                raise RuntimeError("vehicle 7")
        return count + 1

    work(app)


if __name__ == "__main__":
    main(*sys.argv[1:])
