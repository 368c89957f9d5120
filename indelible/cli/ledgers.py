"""`ledger create`, `ledger list`, `ledger show`."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from indelible.cli.arguments import JsonOption, UrlArgument
from indelible.cli.inspecting import status_pairs
from indelible.cli.output import print_json, print_note, print_pairs, print_table
from indelible.cli.session import Session, session_of
from indelible.client.addresses import FileAddress, KafkaAddress, parse_address
from indelible.client.embedded import checked_principal, user_name
from indelible.engine.creation import Durability
from indelible.engine.ledgers import (
    CreatedLedger,
    create_file_ledger,
    ledgers_in,
)
from journal.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Make ledgers and look at them.",
        no_args_is_help=True,
        epilog="Example: indelible ledger create file:./registry",
    )
    group.command(
        short_help="Make a ledger.",
        epilog="Example: indelible ledger create file:./registry",
    )(create)
    group.command(
        "list",
        short_help="List ledgers.",
        epilog="Example: indelible ledger list kafka://127.0.0.1:9092",
    )(list_)
    group.command(
        short_help="Show identity, public key and tables.",
        epilog="Example: indelible ledger show file:./registry",
    )(show)
    app.add_typer(group, name="ledger")


def create(
    context: typer.Context,
    url: UrlArgument = None,
    *,
    allow_single_broker: Annotated[
        bool,
        typer.Option(
            "--allow-single-broker",
            help="Kafka: accept one replica. Recorded in the ledger for ever.",
        ),
    ] = False,
    unverified_settings: Annotated[
        bool,
        typer.Option(
            "--unverified-settings",
            help="Kafka: accept a cluster that hides its topic settings. Recorded for ever.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a ledger: its journal, its key pair and its first block.

    On Kafka it makes the topic, and prints the commands by which an administrator restricts who may
    write it: whoever may write a ledger's topic decides its future.
    """
    session = session_of(context)
    (target,) = session.url_and(url)
    address = session.stored(target)
    if isinstance(address, FileAddress):
        if allow_single_broker or unverified_settings:
            raise InputError("these options are for ledgers on Kafka")
        created = create_file_ledger(
            address, principal=checked_principal(session.principal or user_name())
        )
    else:
        # Loaded here: other commands need no Kafka client.
        from indelible.engine.kafka_ledgers import create_kafka_ledger  # noqa: PLC0415

        created = create_kafka_ledger(
            address,
            principal=checked_principal(session.principal or user_name()),
            kafka=session.kafka,
            durability=Durability(
                allow_single_broker=allow_single_broker, unverified_settings=unverified_settings
            ),
        )
    _print_created(created, as_json=as_json)


def list_(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="URL",
            help="Where to look: kafka://HOST:PORT, or file:DIR for a folder and those below it.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the ledgers of a Kafka cluster, or of a folder and the folders right below it."""
    session = session_of(context)
    (target,) = session.url_and(url)
    urls = _urls(session, target)
    if as_json:
        print_json([{"url": found} for found in urls])
    else:
        print_table(("url",), [(found,) for found in urls])


def show(context: typer.Context, url: UrlArgument = None, *, as_json: JsonOption = False) -> None:
    """Show a ledger: its identity, its public key, its tables with their indexes."""
    session = session_of(context)
    (target,) = session.url_and(url)
    with session.reader(target) as ledger:
        pairs = status_pairs(ledger.status())
        tables = [
            _table(table, ledger.query(f'SELECT VALUE COUNT(*) FROM "{_escaped(table["name"])}"'))
            for table in ledger.query("SELECT t.* FROM information_schema.user_tables AS t")
            if table["status"] == "ACTIVE"
        ]
    if as_json:
        print_json({**pairs, "tables": tables})
        return
    print_pairs(pairs)
    print_table(
        ("table", "documents", "indexes"),
        [(table["name"], table["documents"], ", ".join(table["indexes"])) for table in tables],
    )


def _urls(session: Session, target: str) -> list[str]:
    match parse_address(target):
        case FileAddress(folder=folder):
            return [f"file:{path}" for path in ledgers_in(folder)]
        case KafkaAddress() as address:
            from indelible.engine.kafka_ledgers import kafka_ledgers  # noqa: PLC0415

            names = kafka_ledgers(address, session.kafka)
            return [f"kafka://{address.bootstrap}/{name}" for name in names]
        case _:
            raise InputError("there is nothing to list in memory")


def _table(table: dict[str, Any], count: Any) -> dict[str, Any]:
    return {
        "name": table["name"],
        "documents": next(iter(count)),
        "indexes": [index["expr"] for index in table["indexes"]],
    }


def _escaped(name: str) -> str:
    return name.replace('"', '""')


def _print_created(created: CreatedLedger, *, as_json: bool) -> None:
    facts = asdict(created) | {"folder": str(created.folder)}
    if as_json:
        print_json(
            {
                "ledger": facts["name"],
                "strandId": facts["strand_id"],
                "checkpointKey": facts["checkpoint_key"],
                "folder": facts["folder"],
                "accessCommands": list(created.access_commands),
            }
        )
        return
    print_pairs(
        {
            "ledger": created.name,
            "strand": created.strand_id,
            "public key": created.checkpoint_key,
            "folder": str(created.folder),
        }
    )
    print_note("Give the public key to whoever will check this ledger. Keep key.pem secret.")
    if created.access_commands:
        print_note("Have an administrator of the cluster run these, so that nobody else writes:")
        for command in created.access_commands:
            print_note(f"  {command}")
