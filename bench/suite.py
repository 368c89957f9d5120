"""The parts of a run, each with targets and folders of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import indelible
from bench import machine, workload
from bench.beside import measure_beside
from bench.commits import Say, measure_commits
from bench.disk import measure_disk
from bench.flights import measure_flights
from bench.imports import measure_import
from bench.plan import Plan
from bench.proofs import measure_audits, measure_receipts, measure_signing
from bench.queries import measure_queries
from bench.rebuilds import measure_rebuilds
from bench.report import Row
from bench.streams import measure_streams
from bench.targets.ledgers import embedded_target, kafka_ledger, kafka_target
from bench.targets.postgres import VARIANTS, PostgresTarget, postgres_server, server_version
from bench.targets.target import Target
from infra.kafka.jars import KAFKA_VERSION

LEDGERS: Final = ("embedded", "kafka-1", "kafka-3")
TARGETS: Final = (*LEDGERS, *(f"postgres-{variant}" for variant in VARIANTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for.

    Attributes:
        plan: How long.
        targets: Names out of `TARGETS`; parts leave out what they have no use for.
        folder: Where all data goes; on a real disk.
        days: Of flights.
        url: A ledger for the flights, instead of the targets.
        say: Tells a person what is going on.
    """

    plan: Plan
    targets: Sequence[str]
    folder: Path
    days: int
    url: str | None
    say: Say


@dataclass(slots=True)
class Results:
    """What came of it.

    Attributes:
        rows: In the order of the report.
        memory: Peak memory in MB, by part.
        servers: Versions and clients of what ran beside.
    """

    rows: list[Row] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)


def run_parts(names: Sequence[str], order: Order) -> Results:
    """Run the named parts one after another."""
    results = Results()
    for name in names:
        order.say(f"--- {name}")
        machine.reset_peak()
        with TemporaryDirectory(prefix="bench-", dir=order.folder) as folder:
            results.rows += PARTS[name](order, Path(folder), results.servers)
        results.memory[name] = machine.peak_mb()
    return results


def _disk(order: Order, folder: Path, _servers: dict[str, str]) -> list[Row]:
    return [measure_disk(folder, order.plan.seconds)]


def _commits(order: Order, folder: Path, servers: dict[str, str]) -> list[Row]:
    with ExitStack() as stack:
        targets = _open_targets(stack, order, folder, servers)
        return measure_commits(targets, order.plan, order.say)


def _open_targets(
    stack: ExitStack, order: Order, folder: Path, servers: dict[str, str]
) -> list[Target]:
    """In the order of `TARGETS`."""
    targets: list[Target] = []
    if "embedded" in order.targets:
        targets.append(stack.enter_context(embedded_target(folder / "embedded")))
    for brokers in (1, 3):
        if f"kafka-{brokers}" in order.targets:
            order.say(f"starting Kafka, {brokers} brokers")
            servers["Kafka"] = KAFKA_VERSION
            targets.append(stack.enter_context(kafka_target(folder / f"kafka-{brokers}", brokers)))
    targets += stack.enter_context(_postgres(order, folder, servers))
    return targets


@contextmanager
def _postgres(
    order: Order, folder: Path, servers: dict[str, str]
) -> Iterator[list[PostgresTarget]]:
    """The PostgreSQL targets that were asked for; no server where there are none."""
    variants = [variant for variant in VARIANTS if f"postgres-{variant}" in order.targets]
    if not variants:
        yield []
        return
    order.say("starting PostgreSQL")
    with postgres_server(folder / "postgres") as server:
        targets = [PostgresTarget(server, variant) for variant in variants]
        servers["PostgreSQL"] = f"{server_version(server)}, by {targets[0].client}"
        yield targets


def _beside(order: Order, folder: Path, _servers: dict[str, str]) -> list[Row]:
    if "embedded" not in order.targets:
        return []
    with embedded_target(folder / "ledger") as target:
        workload.fill(target.ledger, order.plan.documents)
        return measure_beside(target, order.plan)


def _queries(order: Order, folder: Path, servers: dict[str, str]) -> list[Row]:
    with ExitStack() as stack:
        ledgers = []
        if "embedded" in order.targets:
            ledgers.append(stack.enter_context(embedded_target(folder / "ledger")))
        postgres = stack.enter_context(_postgres(order, folder, servers))
        return measure_queries(ledgers, postgres[:1], order.plan)


def _import(order: Order, folder: Path, _servers: dict[str, str]) -> list[Row]:
    if "embedded" not in order.targets:
        return []
    with embedded_target(folder / "ledger") as target:
        return [measure_import(target.ledger, order.plan.documents)]


def _rebuild(order: Order, folder: Path, _servers: dict[str, str]) -> list[Row]:
    if "embedded" not in order.targets:
        return []
    plan = order.plan
    return measure_rebuilds(
        folder, documents=plan.documents, single_documents=plan.single_documents
    )


def _proofs(order: Order, folder: Path, servers: dict[str, str]) -> list[Row]:
    if "embedded" not in order.targets:
        return []
    rows = measure_signing(folder / "signing", order.plan)
    order.say(f"receipts in {order.plan.blocks:,} blocks")
    rows += measure_receipts(folder / "receipts", order.plan)
    order.say(f"audit of {order.plan.audited:,} revisions")
    with _postgres(order, folder, servers) as postgres:
        deferred = next((each for each in postgres if each.name == "postgres-deferred"), None)
        return rows + measure_audits(folder / "audit", order.plan, deferred)


def _streams(order: Order, folder: Path, servers: dict[str, str]) -> list[Row]:
    if "kafka-1" not in order.targets:
        return []
    servers["Kafka"] = KAFKA_VERSION
    return measure_streams(folder, order.plan)


def _flights(order: Order, folder: Path, servers: dict[str, str]) -> list[Row]:
    if order.url is not None:
        with indelible.connect(order.url) as ledger:
            return [measure_flights(order.url, ledger, order.days, order.say)]
    rows = []
    for name in LEDGERS:
        if name in order.targets:
            with _empty_ledger(name, folder / name, servers) as ledger:
                order.say(f"flights on {name}")
                rows.append(measure_flights(name, ledger, order.days, order.say))
    return rows


@contextmanager
def _empty_ledger(name: str, folder: Path, servers: dict[str, str]) -> Iterator[indelible.Ledger]:
    match name:
        case "kafka-1" | "kafka-3":
            servers["Kafka"] = KAFKA_VERSION
            with kafka_ledger(folder, 1 if name == "kafka-1" else 3) as place:
                yield place.ledger
        case _:
            with indelible.connect(f"file:{folder}") as ledger:
                yield ledger


Part = Callable[[Order, Path, dict[str, str]], list[Row]]
"""Called with the order, an empty folder and the note of the servers' versions."""

PARTS: Final[Mapping[str, Part]] = {
    "disk": _disk,
    "commits": _commits,
    "beside": _beside,
    "queries": _queries,
    "import": _import,
    "rebuild": _rebuild,
    "proofs": _proofs,
    "streams": _streams,
    "flights": _flights,
}
EVERYTHING: Final = (
    "disk",
    "commits",
    "beside",
    "queries",
    "import",
    "rebuild",
    "proofs",
    "streams",
)
"""What a run without a part's name does; the flights are for themselves."""
