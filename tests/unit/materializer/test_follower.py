"""Following a log: what is gone past, what stops the reader, and what is refused at the start."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import indelible
from indelible.engine.node import Node, delete_store, open_store
from journal.errors import (
    BrokenLinkError,
    CorruptBlockError,
    IntegrityError,
    JournalReplacedError,
    UnknownLedgerError,
    UnsupportedError,
)
from journal.memory import MemoryLog
from materializer.store.schema import SCHEMA_VERSION
from tests.support.stores import folded_rows


def blocks_of(folder: Path, transactions: int = 6) -> list[bytes]:
    """The values of a small real journal, genesis first."""
    with indelible.connect(f"file:{folder}") as ledger:
        ledger.execute("CREATE TABLE t")
        for number in range(transactions):
            ledger.execute("INSERT INTO t ?", {"n": number})
    connection = apsw.Connection(str(folder / "journal.db"))
    try:
        return [value for (value,) in connection.execute("select value from log order by offset")]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return blocks_of(tmp_path_factory.mktemp("source"))


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator["Nodes"]:
    nodes = Nodes(tmp_path)
    yield nodes
    nodes.close()


class Nodes:
    """Opens nodes over made-up logs; closes them all."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.open_nodes = folder, []

    def open(self, values: list[bytes], *, exclusive: bool = False, name: str = "node") -> Node:
        log = MemoryLog()
        for value in values:
            log.append(value)
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        node = Node(FixedIdentity(log), folder, "ledger", exclusive=exclusive)
        self.open_nodes.append(node)
        return node

    def close(self) -> None:
        for node in self.open_nodes:
            node.close()


class FixedIdentity:
    """A log that claims to be the same however often it is made."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def identity(self) -> str:
        return "fixed"


def count(node: Node) -> object:
    return next(iter(node.query("SELECT COUNT(*) AS n FROM t", ())))["n"]


def test_strangers_rivals_and_copies_are_gone_past_and_counted(
    nodes: Nodes, blocks: list[bytes]
) -> None:
    longer = blocks[3][:-1] + b"\x00\x00"
    values = [
        b"", b"hello", *blocks[:4], blocks[2], longer, blocks[3], *blocks[4:], b"\xc3\x01junk",
    ]  # fmt: skip
    node = nodes.open(values)

    assert count(node) == 6
    assert dict(node.follower.ignored) == {"foreign": 3, "late": 3}


def test_damage_in_the_middle_stops_every_reader(nodes: Nodes, blocks: list[bytes]) -> None:
    damaged = bytearray(blocks[4])
    damaged[-5] ^= 1
    with pytest.raises(BrokenLinkError) as caught:
        nodes.open([*blocks[:4], bytes(damaged), *blocks[5:]])

    assert caught.value.sequence_number == 4
    assert caught.value.offset == 5


def test_a_missing_block_stops_every_reader(nodes: Nodes, blocks: list[bytes]) -> None:
    with pytest.raises(BrokenLinkError, match="damaged or missing"):
        nodes.open([*blocks[:4], *blocks[5:]])


def test_nobody_leads_above_a_hole(nodes: Nodes, blocks: list[bytes]) -> None:
    """A node that runs meets the hole at its next catch-up, and commits nothing after it."""
    node = nodes.open(blocks[:4])
    node._log.append(blocks[5])
    for _ in range(2):
        with pytest.raises(BrokenLinkError):
            node.execute(
                [("INSERT INTO t ?", ({},))], principal="x", labels={}, transaction_id=b"1" * 16
            )


def test_in_an_exclusive_log_whatever_is_not_accepted_is_damage(
    nodes: Nodes, blocks: list[bytes]
) -> None:
    with pytest.raises(CorruptBlockError, match="offset 4 is damaged"):
        nodes.open([*blocks[:4], b"hello", *blocks[4:]], exclusive=True)


def test_a_newer_format_is_not_read_past(nodes: Nodes, blocks: list[bytes]) -> None:
    header_start = 10 + 2
    newer = bytearray(blocks[4])
    assert newer[header_start] == 2
    newer[header_start] = 4
    with pytest.raises(UnsupportedError, match="format version 2"):
        nodes.open([*blocks[:4], bytes(newer)])


def test_an_empty_log_holds_no_ledger(nodes: Nodes) -> None:
    with pytest.raises(UnknownLedgerError):
        nodes.open([])


def test_a_store_of_another_ledger_is_refused(
    nodes: Nodes, blocks: list[bytes], tmp_path: Path
) -> None:
    other = blocks_of(tmp_path / "other", transactions=9)
    nodes.open(blocks).close()
    with pytest.raises(JournalReplacedError, match="no longer holds block"):
        nodes.open(other)


def test_a_store_ahead_of_a_cut_journal_is_refused(nodes: Nodes, blocks: list[bytes]) -> None:
    nodes.open(blocks).close()
    with pytest.raises(JournalReplacedError, match="it was cut"):
        nodes.open(blocks[:-1])


def test_a_log_made_anew_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    blocks_of(folder)
    (folder / "journal.db").unlink()
    for suffix in ("-wal", "-shm"):
        (folder / f"journal.db{suffix}").unlink(missing_ok=True)
    with pytest.raises(JournalReplacedError, match="was made from"):
        indelible.connect(f"file:{folder}")


def test_a_lost_store_is_made_again_row_by_row(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    blocks_of(folder, transactions=30)
    before = folded_rows(folder / "state.db")
    delete_store(folder / "state.db")
    indelible.connect(f"file:{folder}").close()

    assert folded_rows(folder / "state.db") == before


def test_a_store_older_than_the_code_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    blocks_of(folder)
    set_schema_version(folder, SCHEMA_VERSION - 1)
    with indelible.connect(f"file:{folder}") as ledger:
        assert ledger.query("SELECT COUNT(*) AS n FROM t").rows == [{"n": 6}]


def test_a_store_newer_than_the_code_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    blocks_of(folder)
    set_schema_version(folder, SCHEMA_VERSION + 1)
    with pytest.raises(UnsupportedError, match=f"has schema {SCHEMA_VERSION + 1}"):
        indelible.connect(f"file:{folder}")


def test_a_damaged_store_is_refused_with_advice(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    blocks_of(folder)
    (folder / "state.db").write_bytes(b"not a database at all, " * 1000)
    for suffix in ("-wal", "-shm"):
        (folder / f"state.db{suffix}").unlink(missing_ok=True)
    with pytest.raises(IntegrityError) as caught:
        indelible.connect(f"file:{folder}")

    assert "indelible rebuild" in caught.value.hint


def test_a_store_that_lags_catches_up(nodes: Nodes, blocks: list[bytes]) -> None:
    nodes.open(blocks[:3]).close()

    assert count(nodes.open(blocks)) == 6


def test_a_read_only_ledger_reads_beside_the_writer(tmp_path: Path) -> None:
    url = f"file:{tmp_path / 'ledger'}"
    with indelible.connect(url) as writer, indelible.connect("memory:"):
        writer.execute("CREATE TABLE t")
        with indelible.connect(url, read_only=True) as reader:
            writer.execute("INSERT INTO t ?", {"n": 1})

            assert reader.query("SELECT * FROM t").rows == [{"n": 1}]
            with pytest.raises(indelible.NotLeaderError):
                reader.execute("INSERT INTO t ?", {"n": 2})


def test_one_process_writes_a_folder(tmp_path: Path) -> None:
    url = f"file:{tmp_path / 'ledger'}"
    with indelible.connect(url), pytest.raises(indelible.LedgerLockedError) as caught:
        indelible.connect(url)

    assert "process" in caught.value.holder or "pid" in caught.value.holder
    indelible.connect(url).close()


def test_folder_and_key_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    indelible.connect(f"file:{folder}").close()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_copied_folder_goes_its_own_way_only_knowingly(tmp_path: Path) -> None:
    """A copy of everything is the same ledger; the journal is bound to its store by its identity."""
    blocks_of(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with indelible.connect(f"file:{tmp_path / 'two'}") as copy:
        assert copy.query("SELECT COUNT(*) AS n FROM t").rows == [{"n": 6}]


def test_open_store_gives_an_empty_one_where_there_is_none(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state.db")
    try:
        assert store.tip is None
    finally:
        store.close()


def set_schema_version(folder: Path, version: int) -> None:
    connection = apsw.Connection(str(folder / "state.db"))
    try:
        connection.execute("update meta set value = ? where key = 'schema_version'", (version,))
    finally:
        connection.close()


def test_a_creation_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    folder.mkdir(mode=0o700)
    (folder / "journal.db").touch()
    with indelible.connect(f"file:{folder}") as ledger:
        ledger.execute("CREATE TABLE t")

        assert ledger.status().tip.sequence_number == 1
