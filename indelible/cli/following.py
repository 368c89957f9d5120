"""`materialize`: a read-only replica in a process of its own."""

from pathlib import Path
from typing import Annotated, Any

import typer

from indelible.cli.arguments import UrlArgument
from indelible.cli.output import print_json_lines, print_note
from indelible.cli.progress import CatchUpBar
from indelible.cli.session import session_of
from indelible.cli.signals import stopping_on_signals
from indelible.engine.replicas import open_replica
from materializer.replica import Replica


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Keep a read-only replica current.",
        epilog="Example: indelible materialize file:./registry --data ./replica",
    )(materialize)


def materialize(
    context: typer.Context,
    url: UrlArgument = None,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of the replica's own state store.", show_default=False
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when the replica is up to date.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the position each time it is up to date.")
    ] = False,
) -> None:
    """Follow the journal into a read-only replica, until SIGTERM or Ctrl-C.

    Query it with: indelible query file:DIR ...; it outlives an unreachable journal and goes on where it
    was.
    """
    session = session_of(context)
    (target,) = session.url_and(url)
    address = session.stored(target)
    if data is None:
        raise typer.BadParameter("the replica needs a folder of its own: --data DIR")
    with (
        stopping_on_signals() as stop,
        open_replica(address, data, kafka=session.kafka) as replica,
        CatchUpBar("following") as bar,
    ):
        replica.run(
            stop,
            on_progress=bar,
            on_current=_Reporter(replica, once=once, as_json=as_json),
        )
    if not as_json:
        print_note("stopped")


class _Reporter:
    """Says how far the replica is whenever that changed."""

    def __init__(self, replica: Replica, *, once: bool, as_json: bool) -> None:
        self._replica, self._once, self._as_json = replica, once, as_json
        self._reported: Any = None

    def __call__(self) -> bool:
        """Report; true ends the run."""
        position = _position(self._replica)
        if position != self._reported:
            self._reported = position
            if self._as_json:
                print_json_lines([position])
            else:
                print_note(
                    f"up to date at block {position['tip']} (offset {position['logOffset']})"
                )
        return self._once


def _position(replica: Replica) -> dict[str, Any]:
    tip = replica.tip
    return {
        "logOffset": replica.position,
        "tip": None if tip is None else tip.sequence_number,
        "tipHash": None if tip is None else tip.block_hash.hex(),
    }
