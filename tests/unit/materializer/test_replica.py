"""A replica keeps up, waits out an unreachable journal, and stops at damage."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

import indelible
from journal.errors import CorruptBlockError, JournalReplacedError, LogUnavailableError
from journal.log import Log, Position, Reader
from journal.sqlite import SqliteLog
from materializer import replica as replica_module
from materializer.adoption import adopt
from materializer.replica import Replica
from materializer.store.store import Store

JOURNAL = "journal.db"


class MoodyLog:
    """A real log that is away for a while: `failures` more questions for its end are not answered."""

    def __init__(self, log: Log) -> None:
        self.failures = 0
        self.closed = False
        self._log = log

    def end_offset(self) -> int:
        if self.failures:
            self.failures -= 1
            raise LogUnavailableError("away")
        return self._log.end_offset()

    def identity(self) -> str:
        return self._log.identity()

    def start_offset(self) -> int:
        return self._log.start_offset()

    def reader(self, start: Position) -> Reader:
        return self._log.reader(start)

    def append(self, value: bytes) -> int:
        return self._log.append(value)

    def close(self) -> None:
        self.closed = True
        self._log.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[indelible.Ledger]:
    """A ledger of two blocks, open for writing."""
    with indelible.connect(f"file:{tmp_path / 'ledger'}") as opened:
        opened.execute("CREATE TABLE t")
        yield opened


@pytest.fixture
def log(tmp_path: Path, ledger: indelible.Ledger) -> MoodyLog:
    """Its journal, opened for reading."""
    assert ledger.status().tree_size == 2
    return MoodyLog(SqliteLog(tmp_path / "ledger" / JOURNAL, read_only=True))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "replica.db")


def once() -> Callable[[], bool]:
    return lambda: True


def test_replica_reads_to_the_end(log: MoodyLog, store: Store) -> None:
    seen: list[tuple[int, int]] = []
    with Replica(log, store, "ledger", exclusive=True) as replica:
        replica.run(Event(), on_progress=lambda *at: seen.append(at), on_current=once())
        tip = replica.tip

    assert tip is not None
    assert tip.sequence_number == 1
    assert seen[-1] == (2, 2)
    assert log.closed


def test_replica_follows_what_is_written_later(
    ledger: indelible.Ledger, log: MoodyLog, store: Store
) -> None:
    sizes: list[int] = []

    def on_current() -> bool:
        assert replica.tip is not None
        sizes.append(replica.tip.sequence_number)
        if len(sizes) == 1:
            ledger.execute("INSERT INTO t ?", {"n": 1})
        return sizes[-1] == 2

    with Replica(log, store, "ledger", exclusive=True) as replica:
        replica.run(Event(), on_current=on_current)

    assert (sizes[0], sizes[-1]) == (1, 2)


def test_replica_stops_when_told(log: MoodyLog, store: Store) -> None:
    stop, current = Event(), Event()
    with Replica(log, store, "ledger", exclusive=True) as replica:

        def on_current() -> bool:
            current.set()
            return False

        thread = Thread(target=replica.run, args=(stop,), kwargs={"on_current": on_current})
        thread.start()
        assert current.wait(30)
        stop.set()
        thread.join(30)

        assert not thread.is_alive()


def test_replica_waits_until_the_log_is_back(
    log: MoodyLog, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_module, "PAUSE_MIN", 0.001)
    with Replica(log, store, "ledger", exclusive=True) as replica:
        log.failures = 5
        replica.run(Event(), on_current=once())

        assert replica.position == 2


def test_replica_stops_at_a_damaged_record_and_keeps_what_came_before(
    tmp_path: Path, ledger: indelible.Ledger, store: Store
) -> None:
    ledger.close()
    writer = SqliteLog(tmp_path / "ledger" / JOURNAL)
    writer.append(b"damage")
    with Replica(writer, store, "ledger", exclusive=True) as replica:
        with pytest.raises(CorruptBlockError):
            replica.run(Event())

        assert replica.tip is not None
        assert replica.tip.sequence_number == 1


def test_store_is_adopted_by_a_copy_of_its_log_with_other_offsets(
    tmp_path: Path, ledger: indelible.Ledger, log: MoodyLog, store: Store
) -> None:
    replica = Replica(log, store, "ledger", exclusive=True)
    replica.run(Event(), on_current=once())
    records = log.reader(Position(offset=0)).read(timeout=1)
    copy = SqliteLog.create(tmp_path / "copy.db", database_id="copy")
    copy.append(b"a stranger's record, so that offsets differ")
    for record in records:
        copy.append(record.value)
    copy.append(b"another")

    with pytest.raises(JournalReplacedError):
        Replica(copy, store, "ledger", exclusive=False)
    tip = adopt(copy, store, "ledger")
    store.close()
    log.close()
    with Replica(copy, Store(store.path), "ledger", exclusive=False) as again:
        again.run(Event(), on_current=once())

        assert again.tip == tip
        assert again.position == 4
        assert again.ignored == {"foreign": 1}


def test_store_is_not_adopted_by_a_shorter_log(tmp_path: Path, log: MoodyLog, store: Store) -> None:
    Replica(log, store, "ledger", exclusive=True).run(Event(), on_current=once())
    pin = store.pin()
    copy = SqliteLog.create(tmp_path / "copy.db", database_id="copy")
    copy.append(log.reader(Position(offset=0)).read(timeout=1)[0].value)

    with pytest.raises(JournalReplacedError, match="1 blocks, this store 2"):
        adopt(copy, store, "ledger")

    assert store.pin() == pin
