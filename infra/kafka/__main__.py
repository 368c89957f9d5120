"""`python -m infra.kafka up`: a Kafka in the foreground, until Ctrl-C, SIGTERM or `down`.

Prints the bootstrap address alone on standard output once every broker serves. `jars` fetches and
prepares everything without starting anything that stays.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Final

from infra.errors import InfrastructureError
from infra.kafka.archive import archive_options
from infra.kafka.checkpoint import bootstrap_checkpoint
from infra.kafka.cluster import KafkaCluster
from infra.kafka.jars import RUNTIME
from journal.errors import LedgerLockedError
from journal.lock import WriterLock

_DOWN_SECONDS: Final = 30


def main() -> int:
    """Run one command; returns the exit code."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments))
    except (InfrastructureError, LedgerLockedError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.kafka", description=__doc__)
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start, and stay in the foreground")
    up.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    up.add_argument("--port", type=int, default=9092, help="of the first broker (9092)")
    up.set_defaults(run=_up)
    down = commands.add_parser("down", help="stop the one that runs in this folder")
    down.set_defaults(run=_down)
    jars = commands.add_parser("jars", help="fetch and prepare what `up` needs")
    jars.set_defaults(run=_jars)
    for command in (up, down):
        command.add_argument("--data", type=Path, default=RUNTIME / "kafka-data", metavar="DIR")
    return parser


def _jars(_: argparse.Namespace) -> int:
    archive_options(bootstrap_checkpoint())
    return 0


def _up(arguments: argparse.Namespace) -> int:
    asked = Event()
    for what in (signal.SIGINT, signal.SIGTERM):
        signal.signal(what, lambda *_: asked.set())
    arguments.data.mkdir(parents=True, exist_ok=True)
    with (
        WriterLock(arguments.data / "up.lock"),
        KafkaCluster(
            arguments.data, brokers=arguments.brokers, first_port=arguments.port
        ) as cluster,
    ):
        print(cluster.bootstrap_servers, flush=True)
        while not asked.wait(0.5):
            _require_running(cluster)
    return 0


def _require_running(cluster: KafkaCluster) -> None:
    for broker_id in cluster.broker_ids:
        if not cluster.is_running(broker_id):
            raise InfrastructureError(
                f"broker {broker_id} ended by itself; see {cluster.log_file(broker_id)}"
            )


def _down(arguments: argparse.Namespace) -> int:
    deadline = monotonic() + _DOWN_SECONDS
    while (holder := _holder(arguments.data / "up.lock")) is not None:
        if monotonic() > deadline:
            raise InfrastructureError(f"process {holder} does not end")
        os.kill(holder, signal.SIGTERM)
        sleep(0.5)
    return 0


def _holder(lock: Path) -> int | None:
    """The process that keeps a cluster up in this folder, if any."""
    if not lock.exists():
        return None
    try:
        WriterLock(lock).close()
    except LedgerLockedError as error:
        return int(error.holder.split()[1])
    return None


if __name__ == "__main__":
    sys.exit(main())
