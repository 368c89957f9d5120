"""`status` and `config`: what there is, and how it is set."""

from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from indelible.cli.arguments import JsonOption, UrlArgument
from indelible.cli.output import print_json, print_pairs, print_table
from indelible.cli.session import session_of
from indelible.client.transport import LedgerStatus


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        short_help="Show newest block and tree of a ledger.",
        epilog="Example: indelible status file:./registry",
    )(status)
    app.command(
        short_help="Show the settings that hold.",
        epilog="Example: indelible --set limits.rows_max=5 config",
    )(config)


def status(context: typer.Context, url: UrlArgument = None, *, as_json: JsonOption = False) -> None:
    """Show a ledger's newest block, its tree and how far its journal was read."""
    session = session_of(context)
    (target,) = session.url_and(url)
    with session.reader(target) as ledger:
        pairs = status_pairs(ledger.status())
    if as_json:
        print_json(pairs)
    else:
        print_pairs(pairs)


def config(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Show the settings that hold and where each came from; secrets are hidden."""
    rows = list(session_of(context).effective.rows())
    if as_json:
        print_json({name: {"value": value, "source": source} for name, value, source in rows})
    else:
        print_table(("setting", "value", "from"), rows)


def status_pairs(found: LedgerStatus) -> dict[str, Any]:
    """A status as names and values; hashes in hexadecimal."""
    pairs = {
        "ledger": found.name,
        "strandId": found.tip.strand_id,
        "checkpointKey": found.checkpoint_key,
        "tip": found.tip.sequence_number,
        "tipTime": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=found.tip_timestamp),
        "tipHash": found.tip_hash.hex(),
        "treeSize": found.tree_size,
        "rootHash": found.root_hash.hex(),
    }
    if found.log_offset >= 0:
        pairs |= {"logOffset": found.log_offset, "ignored": dict(found.ignored)}
    return pairs
