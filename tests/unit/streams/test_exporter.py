"""The exporter: in order, from where it was, whatever happens to tables, journals and sinks."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

import indelible
from journal.block import Block
from journal.catalog import TABLES_TABLE_ID, table_document
from journal.codec import Operation
from journal.errors import (
    BrokenLinkError,
    CorruptBlockError,
    JournalReplacedError,
    LogUnavailableError,
)
from journal.ids import id_text
from journal.memory import MemoryLog
from streams import exporter
from streams.exporter import Export, Lag, run_export
from streams.planning import summaries
from streams.records import Position
from streams.sinks import Tombstone
from tests.support.builders import (
    LEDGER_NAME,
    a_block,
    a_genesis,
    a_log,
    a_revision,
    a_transaction,
    an_id,
)
from tests.support.feeding import ListSink, export_log_once, export_once
from tests.support.streamed import written

TABLE = an_id(0xB000)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"file:{tmp_path / 'registry'}"


@pytest.fixture
def ledger(url: str) -> Iterator[indelible.Ledger]:
    with indelible.connect(url) as found:
        found.execute("CREATE TABLE vehicles")
        yield found


def a_table(name: str = "vehicles", status: str = "ACTIVE", version: int = 0):
    """The revision that makes, drops or restores `TABLE`."""
    return a_revision(
        table_document(name, status),
        table_id=TABLES_TABLE_ID,
        document_id=TABLE,
        version=version,
        operation=Operation.UPDATE if version else Operation.INSERT,
    )


def chain(*transactions) -> list[Block]:
    """A genesis and a block for each transaction: a list of revisions."""
    blocks = [a_genesis()]
    for revisions in transactions:
        blocks.append(a_block(a_transaction(*revisions), after=blocks[-1]))
    return blocks


def export(blocks: list[Block], sink: ListSink, **options: object) -> None:
    export_log_once(lambda: a_log(blocks), sink, LEDGER_NAME, **options)


def expected(url: str) -> list[tuple[str, int, str]]:
    return [(each.document_id, each.version, each.hash) for each in written(url)]


def seen(sink: ListSink) -> list[tuple[str, int, str]]:
    return [(each.document_id, each.version, each.hash) for each in sink.changes]


def test_every_revision_is_delivered_once_in_order(ledger: indelible.Ledger, url: str) -> None:
    sink = ListSink()
    for number in range(5):
        ledger.execute("INSERT INTO vehicles ?", [{"n": number}, {"n": number + 100}])
        export_once(url, sink)
    ledger.execute("UPDATE vehicles SET owner = 'ann'")
    ledger.execute("DELETE FROM vehicles")
    export_once(url, sink)
    export_once(url, sink)

    assert seen(sink) == expected(url)
    assert len(sink.blocks) == len({each.block.sequence_number for each in sink.blocks}) == 9
    assert sink.progress is not None
    assert sink.progress.position == Position(9, 0)


def test_small_batches_deliver_the_same(ledger: indelible.Ledger, url: str) -> None:
    for number in range(20):
        ledger.execute("INSERT INTO vehicles ?", {"n": number})
    sink = ListSink()
    export_once(url, sink, batch_changes=3)

    assert sink.batches > 5
    assert seen(sink) == expected(url)


def test_a_new_exporter_begins_where_it_is_told(ledger: indelible.Ledger, url: str) -> None:
    for number in range(5):
        ledger.execute("INSERT INTO vehicles ?", {"n": number})
    sink = ListSink()
    export_once(url, sink, from_block=4)
    export_once(url, sink, from_block=0)

    assert [each.sequence_number for each in sink.changes] == [4, 5, 6]
    assert sink.changes[0].table == "vehicles"


def test_only_chosen_tables_are_delivered(ledger: indelible.Ledger, url: str) -> None:
    ledger.execute("CREATE TABLE owners")
    ledger.execute("INSERT INTO owners ?", {"n": 1})
    ledger.execute("INSERT INTO vehicles ?", {"n": 1})
    ledger.execute("DROP TABLE vehicles")
    sink = ListSink()
    export_once(url, sink, tables=frozenset({"owners"}))

    assert [each.table for each in sink.changes] == ["owners"]
    assert sink.state == []
    assert [each["table"] for each in summaries(sink.blocks[4], "x")[0]["revisions"]] == [
        "vehicles"
    ]


def test_a_dropped_table_leaves_tombstones_and_one_made_anew_goes_on(
    ledger: indelible.Ledger, url: str
) -> None:
    ledger.execute("INSERT INTO vehicles ?", [{"n": 1}, {"n": 2}, {"n": 3}])
    ledger.execute("DELETE FROM vehicles WHERE n = 2")
    ledger.execute("DROP TABLE vehicles")
    ledger.execute("CREATE TABLE vehicles")
    ledger.execute("INSERT INTO vehicles ?", {"n": 4})
    sink = ListSink()
    export_once(url, sink)

    documents = {each.document_id: each.document for each in sink.changes if each.document}
    gone = {
        document_id for document_id, data in documents.items() if data in (b'{"n":1}', b'{"n":3}')
    }
    assert {each.document_id for each in sink.state} == gone
    assert all(isinstance(each, Tombstone) and each.table == "vehicles" for each in sink.state)
    assert sink.changes[-1].document == b'{"n":4}'


def test_a_restored_table_sends_its_documents_again() -> None:
    first = a_revision({"n": 1}, document_id=an_id(1))
    blocks = chain(
        [a_table()],
        [first, a_revision({"n": 2}, document_id=an_id(2))],
        [a_revision({"n": 5}, document_id=an_id(2), version=1, operation=Operation.UPDATE)],
        [a_table(status="DROPPED", version=1)],
        [a_table(version=2)],
    )
    sink = ListSink()
    export(blocks, sink)

    gone, back = sink.state[:2], sink.state[2:]
    assert {each.document_id for each in gone} == {id_text(an_id(1)), id_text(an_id(2))}
    assert [each.document for each in back] == [b'{"n":1}', b'{"n":5}']
    assert len(sink.changes) == 3


def test_a_drop_in_the_middle_of_a_block_keeps_its_place() -> None:
    """What stands before it in the block is delivered first; what comes after, afterwards."""
    blocks = chain(
        [a_table()],
        [
            a_revision({"n": 1}, document_id=an_id(1)),
            a_table(status="DROPPED", version=1),
            a_table(version=2),
            a_revision({"n": 2}, document_id=an_id(2)),
        ],
    )

    def fail(batches: int) -> None:
        if batches == 1:
            raise LogUnavailableError("the sink is away")

    sink = ListSink(fail=fail)
    with pytest.raises(LogUnavailableError):
        export_session(blocks, sink)
    assert sink.progress is not None
    assert sink.progress.position == Position(2, 2)
    sink.fail = lambda _: None
    export(blocks, sink)

    assert [each.document for each in sink.changes] == [b'{"n":1}', b'{"n":2}']
    assert [type(each) for each in sink.state[-2:]] != [Tombstone, Tombstone]
    assert [each.block.sequence_number for each in sink.blocks] == [0, 1, 2]


def export_session(blocks: list[Block], sink: ListSink) -> None:
    """One session, whose failure is not tried again."""
    delivered = exporter._Delivered()
    export = Export(
        open_log=lambda: a_log(blocks), sink=sink, ledger=LEDGER_NAME, exclusive=True,
        on_current=lambda _: True,
    )  # fmt: skip
    exporter._run_once(export, delivered, Event())


def test_a_sink_that_fails_gets_the_batch_again(ledger: indelible.Ledger, url: str) -> None:
    ledger.execute("INSERT INTO vehicles ?", {"n": 1})
    failures = iter([LogUnavailableError("away"), LogUnavailableError("still away")])

    def fail(_: int) -> None:
        error = next(failures, None)
        if error is not None:
            raise error

    sink = ListSink(fail=fail)
    export_once(url, sink)

    assert seen(sink) == expected(url)


def test_another_copy_of_the_journal_is_followed_from_the_same_block() -> None:
    """In a mirror the blocks lie at other offsets: the place is found by number and hash."""
    blocks = chain([a_table()], [a_revision({"n": 1})], [a_revision({"n": 2}, version=1)])
    sink = ListSink()
    export(blocks[:3], sink)
    mirror = MemoryLog()
    for value in (b"stranger", *(block.encode() for block in blocks)):
        mirror.append(value)
    export_log_once(lambda: mirror, sink, LEDGER_NAME, exclusive=False)

    assert [each.document for each in sink.changes] == [b'{"n":1}', b'{"n":2}']


def test_another_ledger_is_not_taken_for_the_one_exported() -> None:
    sink = ListSink()
    export(chain([a_table()], [a_revision({"n": 1})]), sink)
    other = chain([a_table()], [a_revision({"n": 7})], [a_revision({"n": 8}, version=1)])

    with pytest.raises(JournalReplacedError, match="not the one"):
        export(other, sink)


def test_damage_stops_the_export_behind_what_was_delivered() -> None:
    blocks = chain([a_table()], [a_revision({"n": 1})], [a_revision({"n": 2}, version=1)])
    log = MemoryLog()
    for block in (blocks[0], blocks[1], blocks[3]):
        log.append(block.encode())
    with pytest.raises(BrokenLinkError):
        export_log_once(lambda: log, ListSink(), LEDGER_NAME)
    with pytest.raises(CorruptBlockError, match="damaged"):
        export_log_once(lambda: a_log([*blocks, b"rubbish"]), ListSink(), LEDGER_NAME)


def test_a_revision_of_a_table_never_made_is_corruption() -> None:
    with pytest.raises(CorruptBlockError, match="never made"):
        export(chain([a_revision({"n": 1})]), ListSink())


def test_what_comes_while_it_runs_is_delivered_until_it_is_stopped(
    ledger: indelible.Ledger, url: str
) -> None:
    sink, stop = ListSink(), Event()

    def on_current(lag: Lag) -> bool:
        if lag.delivered < 3:
            ledger.execute("INSERT INTO vehicles ?", {"n": lag.delivered})
        else:
            stop.set()
        return False

    from indelible.client.addresses import parse_journal_address
    from indelible.engine.journals import open_journal

    address = parse_journal_address(url)
    run_export(
        Export(
            open_log=lambda: open_journal(address),
            sink=sink,
            ledger="ledger",
            exclusive=True,
            on_current=on_current,
        ),
        stop,
    )

    assert seen(sink) == expected(url)


def test_a_large_block_has_its_summary_in_parts() -> None:
    revisions = [a_revision({"n": n}, document_id=an_id(n + 1)) for n in range(5)]
    sink = ListSink()
    export(chain([a_table()], revisions), sink)
    parts = summaries(sink.blocks[-1], "registry", revisions_max=2)

    assert [(each["part"], each["parts"], len(each["revisions"])) for each in parts] == [
        (0, 3, 2), (1, 3, 2), (2, 3, 1),
    ]  # fmt: skip
    assert [each["entry_index"] for part in parts for each in part["revisions"]] == [1, 2, 3, 4, 5]
