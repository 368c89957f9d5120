"""One suite over every sink that knows how far it got: a file, a webhook, and Kafka."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import orjson
import pytest

from streams.files import FileSink
from streams.json_format import JSONTable
from streams.records import Position
from streams.sinks import Batch, Sink
from streams.webhook import WebhookSink
from tests.support.builders import (
    LEDGER_NAME,
    Operation,
    a_block,
    a_genesis,
    a_log,
    a_revision,
    a_transaction,
    an_id,
)
from tests.support.feeding import ListSink, export_log_once
from tests.support.receiver import Receiver

_numbers = count(1)
Delivered = list[tuple[str, int]]


@dataclass(frozen=True)
class Case:
    """A sink that can be opened again and again, and what arrived behind it: (document id, version)."""

    make: Callable[[], Sink]
    delivered: Callable[[], Delivered]


def _file(folder: Path) -> Iterator[Case]:
    path = folder / "out.jsonl"

    def delivered() -> Delivered:
        lines = map(orjson.loads, path.read_bytes().splitlines())
        return [(line["_document_id"], line["_version"]) for line in lines]

    yield Case(lambda: FileSink(path, LEDGER_NAME, {}), delivered)


def _webhook(folder: Path) -> Iterator[Case]:
    with Receiver() as receiver:
        yield Case(
            lambda: WebhookSink(
                receiver.url, LEDGER_NAME, {}, secret=None, position_file=folder / "position"
            ),
            lambda: [(each["_document_id"], each["_version"]) for each in receiver.accepted],
        )


@pytest.fixture(params=["file", "webhook", pytest.param("kafka", marks=pytest.mark.kafka)])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    if request.param == "kafka":
        yield _kafka(request.getfixturevalue("kafka"))
    else:
        yield from {"file": _file, "webhook": _webhook}[request.param](tmp_path)


def _kafka(kafka: object) -> Case:
    from streams.kafka.sink import KafkaSink
    from streams.topics import topic_name
    from tests.support.streamed import read_topic

    prefix = f"contract-{next(_numbers)}"
    topic = topic_name(prefix, LEDGER_NAME, "history", "vehicles")

    def delivered() -> Delivered:
        keys = [record.key_payload for record in read_topic(kafka, topic)]
        return [(key["_document_id"], key["_version"]) for key in keys]

    def make() -> Sink:
        return KafkaSink(
            kafka,
            prefix=prefix,
            ledger=LEDGER_NAME,
            name="default",
            encoder=lambda table: JSONTable(table, LEDGER_NAME, columns=None, with_schema=True),
            partitions=1,
        )

    return Case(make, delivered)


def batches(size: int = 3) -> list[Batch]:
    """What an exporter hands over, one batch for each block: a table, then documents."""
    from journal.catalog import TABLES_TABLE_ID, table_document

    table = a_revision(
        table_document("vehicles"), table_id=TABLES_TABLE_ID, document_id=an_id(0xB000)
    )
    blocks = [a_genesis()]
    blocks.append(a_block(a_transaction(table), after=blocks[-1]))
    for version in range(size):
        operation = Operation.UPDATE if version else Operation.INSERT
        documents = [
            a_revision({"n": version}, document_id=an_id(n), version=version, operation=operation)
            for n in (1, 2)
        ]
        blocks.append(a_block(a_transaction(*documents), after=blocks[-1]))
    found = []
    for end in range(3, len(blocks) + 1):
        sink = ListSink()
        export_log_once(lambda end=end: a_log(blocks[:end]), sink, LEDGER_NAME, from_block=end - 1)
        assert sink.progress is not None
        strand_id = blocks[0].header.strand_id
        found.append(Batch(strand_id, sink.changes, sink.progress, tables_changed=True))
    return found


def keys(*delivered: Batch) -> Delivered:
    return [(c.document_id, c.version) for batch in delivered for c in batch.changes]


def test_a_new_sink_has_no_progress(case: Case) -> None:
    sink = case.make()

    assert sink.open() is None
    sink.close()


def test_batches_arrive_in_order_and_the_position_is_behind_them(case: Case) -> None:
    first, second, _ = batches()
    sink = case.make()
    sink.open()
    sink.deliver(first)
    sink.deliver(second)
    sink.close()
    again = case.make()
    progress = again.open()
    again.close()

    assert case.delivered() == keys(first, second)
    assert progress is not None
    assert Position(3, 2) < progress.position <= second.progress.position


def test_a_sink_that_is_opened_again_goes_on(case: Case) -> None:
    first, second, third = batches()
    for batch in (first, second, third):
        sink = case.make()
        sink.open()
        sink.deliver(batch)
        sink.close()

    assert case.delivered() == keys(first, second, third)


def test_closing_twice_is_fine(case: Case) -> None:
    sink = case.make()
    sink.open()
    sink.close()
    sink.close()
