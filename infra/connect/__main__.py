"""`python -m infra.connect up`: a Kafka Connect worker in the foreground, until Ctrl-C or SIGTERM.

    indelible connect-config ... | python -m infra.connect create -

gives it a connector and waits until that runs; it has it again at its next start. `status` says how all
of them do, `restart NAME` starts one anew that has given up, `delete NAME` ends one. `plugins` fetches
everything without starting anything.
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final

from infra.connect.plugins import ensure_plugins
from infra.connect.worker import ConnectWorker
from infra.errors import InfrastructureError
from infra.kafka.jars import RUNTIME
from journal.errors import LedgerLockedError
from journal.lock import WriterLock

_PORT: Final = 8083


def main() -> int:
    """Run one command; returns the exit code."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments))
    except (InfrastructureError, LedgerLockedError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.connect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text)
        added.set_defaults(run=run)
        added.add_argument("--data", type=Path, default=RUNTIME / "connect-data", metavar="DIR")
        added.add_argument("--port", type=int, default=_PORT, help="of its REST interface (8083)")
        added.add_argument(
            "--kafka", default="127.0.0.1:9092", metavar="HOST:PORT", help="(127.0.0.1:9092)"
        )
        return added

    command("plugins", _plugins, "fetch and prepare what `up` needs")
    command("up", _up, "start, and stay in the foreground")
    command("create", _create, "make a connector and wait until it runs").add_argument(
        "file", metavar="FILE", help='JSON: {"name": ..., "config": {...}}; - is standard input'
    )
    command("status", _status, "say how the connectors do")
    command("restart", _restart, "start a connector anew").add_argument("name")
    command("delete", _delete, "end a connector").add_argument("name")
    return parser


def _plugins(_: argparse.Namespace) -> int:
    ensure_plugins()
    return 0


def _up(arguments: argparse.Namespace) -> int:
    asked = Event()
    for what in (signal.SIGINT, signal.SIGTERM):
        signal.signal(what, lambda *_: asked.set())
    arguments.data.mkdir(parents=True, exist_ok=True)
    with WriterLock(arguments.data / "up.lock"), _worker(arguments) as worker:
        print(worker.url, flush=True)
        while not asked.wait(0.5):
            if not worker.is_running():
                raise InfrastructureError(f"the worker ended by itself; see {worker.log}")
    return 0


def _create(arguments: argparse.Namespace) -> int:
    text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text()
    try:
        found = json.loads(text)
        name, configuration = found["name"], found["config"]
    except (ValueError, KeyError, TypeError) as error:
        raise InfrastructureError(f"no connector in {arguments.file}: {error!r}") from error
    _worker(arguments).create(name, configuration)
    print(f"{name} is running")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    """Exit code 1 when one does not run."""
    rest, all_run = _worker(arguments).rest, True
    for name in rest.names():
        status = rest.status(name)
        if status is not None:
            all_run &= status.is_running
            print(f"{name}: {status.connector}, tasks: {', '.join(status.tasks) or 'none'}")
            print(status.trace, end="")
    return 0 if all_run else 1


def _restart(arguments: argparse.Namespace) -> int:
    worker = _worker(arguments)
    worker.rest.restart(arguments.name)
    worker.wait_until_running(arguments.name)
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    _worker(arguments).delete(arguments.name)
    return 0


def _worker(arguments: argparse.Namespace) -> ConnectWorker:
    return ConnectWorker(arguments.data, bootstrap_servers=arguments.kafka, port=arguments.port)


if __name__ == "__main__":
    sys.exit(main())
