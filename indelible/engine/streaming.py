"""Puts an export together: which journal, which sink, which records."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from indelible.client.addresses import (
    DEFAULT_PREFIX,
    ExportAddress,
    FileAddress,
    JournalAddress,
    KafkaAddress,
)
from indelible.engine.creation import check_name
from indelible.engine.journals import is_exclusive, ledger_name_of, open_journal
from journal.block import document_of
from journal.codec import RevisionEntry
from journal.errors import InputError, UnknownTableError
from journal.log import Log
from streams.avro_format import AvroTable, schema_ids
from streams.declarations import Declarations, infer
from streams.exporter import Export
from streams.feed import Feed
from streams.files import FileSink, StandardOutputSink
from streams.json_format import JSONTable
from streams.planning import Planner
from streams.records import Position
from streams.sinks import Sink
from streams.tables import TableEncoder
from streams.topics import Kind
from streams.webhook import WebhookSink

if TYPE_CHECKING:
    from journal.kafka import Cluster

Target = Literal["kafka", "webhook", "file", "stdout"]
Format = Literal["json-schema", "json", "avro"]
PARTITIONS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """How a ledger is streamed.

    Attributes:
        name: Of the exporter.
        to: What kind of sink.
        target: The webhook's URL, or the file.
        bootstrap: Kafka's address; empty: where the journal is.
        format: Of records in Kafka.
        declarations: Columns of tables.
        tables: Those to export; None for all.
        from_block: Where a new exporter begins.
        partitions: Of new topics of tables.
        registry: URL of a schema registry, for Avro.
        secret: What a webhook's requests are signed with; None: unsigned.
        position_file: Where a webhook's position is kept.
        kafka: Further options of the Kafka client.
    """

    name: str = "default"
    to: Target = "kafka"
    target: str = ""
    bootstrap: str = ""
    format: Format = "json-schema"
    declarations: Declarations = field(default_factory=dict)
    tables: frozenset[str] | None = None
    from_block: int = 0
    partitions: int = PARTITIONS
    registry: str = ""
    secret: bytes | None = None
    position_file: Path | None = None
    kafka: Mapping[str, str] = field(default_factory=dict)


def make_export(address: JournalAddress, options: StreamOptions) -> Export:
    """An export of the ledger at an address; `dataclasses.replace` adds callbacks.

    Raises:
        InputError: Options that do not go together.
        LedgerError: The journal is not there.
    """
    ledger = ledger_name_of(address)
    return Export(
        open_log=journal_opener(address, options.kafka),
        sink=_sink(address, ledger, options),
        ledger=ledger,
        exclusive=is_exclusive(address),
        tables=options.tables,
        from_block=options.from_block,
    )


def journal_opener(address: JournalAddress, kafka: Mapping[str, str]) -> Callable[[], Log]:
    """What opens the journal at an address, again and again; it is there now.

    Raises:
        UnknownLedgerError: It is not.
    """
    open_journal(address, dict(kafka)).close()
    return lambda: open_journal(address, dict(kafka))


def stream_cluster(address: JournalAddress, options: StreamOptions) -> "Cluster":
    """Where the streams' topics are.

    Raises:
        InputError: Nobody says where.
    """
    from journal.kafka import Cluster  # noqa: PLC0415 - no Kafka client where there is no Kafka

    bootstrap = options.bootstrap
    if not bootstrap and isinstance(address, KafkaAddress):
        bootstrap = address.bootstrap
    if not bootstrap:
        raise InputError(
            "which Kafka?", hint="--bootstrap HOST:PORT, or --to file, webhook or stdout"
        )
    return Cluster(bootstrap_servers=bootstrap, options=dict(options.kafka))


def prefix_of(address: JournalAddress) -> str:
    """What the names of the ledger's topics begin with."""
    return DEFAULT_PREFIX if isinstance(address, ExportAddress) else address.prefix


def infer_declaration(address: JournalAddress, table: str, kafka: Mapping[str, str]) -> str:
    """A declaration that fits all revisions a table has had, as TOML.

    Raises:
        UnknownTableError: There was never a table of this name.
        LedgerError: The journal cannot be read.
    """
    log = open_journal(address, dict(kafka))
    try:
        feed = Feed(log, ledger_name_of(address), exclusive=is_exclusive(address))
        planner = Planner(ledger_name_of(address))
        found = infer(table, _documents(feed, planner, table))
        names = {each.name for each in planner.catalog.tables.values()}
        feed.close()
    finally:
        log.close()
    if table not in names:
        raise UnknownTableError(table)
    return found


def _documents(feed: Feed, planner: Planner, table: str) -> Iterator[bytes]:
    end = feed.end()
    while feed.offset < end:
        for accepted in feed.read(timeout=0.5):
            block = accepted.block
            planner.skip(block)
            tables = planner.catalog.tables
            for entry, content in zip(block.entries, block.contents, strict=True):
                if not isinstance(content, RevisionEntry) or not entry.payload:
                    continue
                info = tables.get(content.table_id)
                if info is not None and info.name == table:
                    yield document_of(entry.payload)


def _sink(address: JournalAddress, ledger: str, options: StreamOptions) -> Sink:
    _check(options)
    match options.to:
        case "kafka":
            return _kafka_sink(address, ledger, options)
        case "file":
            return FileSink(Path(options.target), ledger, options.declarations)
        case "stdout":
            return StandardOutputSink(ledger, options.declarations)
        case "webhook":
            position_file = options.position_file or _position_file(address, options.name)
            return WebhookSink(
                options.target,
                ledger,
                options.declarations,
                secret=options.secret,
                position_file=position_file,
            )


def _check(options: StreamOptions) -> None:
    check_name(options.name)
    if options.to in {"file", "webhook"} and not options.target:
        raise InputError(f"--to {options.to} needs --target", hint="the file, or the webhook's URL")
    if options.to in {"kafka", "stdout"} and options.target:
        raise InputError(f"--to {options.to} takes no --target")
    if options.to != "kafka" and options.format == "avro":
        raise InputError("only Kafka gets Avro records", hint="leave --format out")


def _kafka_sink(address: JournalAddress, ledger: str, options: StreamOptions) -> Sink:
    from streams.kafka.sink import KafkaSink  # noqa: PLC0415 - as above

    prefix = prefix_of(address)
    ids = schema_ids(options.registry)

    def encoder(table: str) -> TableEncoder:
        columns = options.declarations.get(table)
        if options.format == "avro":
            return AvroTable(table, ledger, columns=columns, prefix=prefix, schema_id=ids)
        return JSONTable(
            table, ledger, columns=columns, with_schema=options.format == "json-schema"
        )

    return KafkaSink(
        stream_cluster(address, options),
        prefix=prefix,
        ledger=ledger,
        name=options.name,
        encoder=encoder,
        partitions=options.partitions,
    )


def _position_file(address: JournalAddress, name: str) -> Path:
    folder = address.folder() if isinstance(address, KafkaAddress) else address.folder
    if isinstance(address, FileAddress | KafkaAddress):
        return folder / "streams" / f"{name}.position"
    raise InputError("where is the position kept?", hint="--position FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterStatus:
    """How far one exporter into Kafka is.

    Attributes:
        name: Of the exporter.
        position: Everything below it was delivered.
        lag_records: Records of the journal above its last block.
    """

    name: str
    position: Position
    lag_records: int


def stream_status(address: JournalAddress, options: StreamOptions) -> list[ExporterStatus]:
    """All exporters of a ledger into one Kafka, by name.

    Raises:
        InputError: Nobody says which Kafka.
        LedgerError: The journal or the cluster cannot be reached.
    """
    from streams.kafka.progress import read_progress  # noqa: PLC0415 - as above
    from streams.kafka.topics import StreamTopics  # noqa: PLC0415 - as above

    cluster, ledger = stream_cluster(address, options), ledger_name_of(address)
    topics = StreamTopics(cluster, prefix_of(address), ledger, partitions=options.partitions)
    topic = topics.name(Kind.PROGRESS)
    found = read_progress(cluster, topic, wait=False) if topics.partitions(topic) else {}
    log = open_journal(address, dict(options.kafka))
    try:
        end = log.end_offset()
    finally:
        log.close()
    return [
        ExporterStatus(
            name=name,
            position=progress.position,
            lag_records=end - (progress.bookmark.offset + 1 if progress.bookmark else 0),
        )
        for name, progress in sorted(found.items())
    ]
