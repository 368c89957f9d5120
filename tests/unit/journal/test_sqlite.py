"""The log in a SQLite file: what it survives, and what it says when it cannot."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import apsw
import pytest

from journal.errors import (
    IntegrityError,
    JournalReplacedError,
    LedgerError,
    LedgerExistsError,
    LogUnavailableError,
    UnknownLedgerError,
    UnsupportedError,
)
from journal.log import AppendUnknownError, Position
from journal.sqlite import SqliteLog
from tests.support.logs import read_all, values

REPOSITORY = Path(__file__).parents[3]
WRITER = """
import sys
from pathlib import Path
from journal.sqlite import SqliteLog

log = SqliteLog(Path(sys.argv[1]))
number = log.end_offset()
while True:
    log.append(b"%d" % number * 50)
    print(number, flush=True)
    number += 1
"""
BROKEN_DISK = """
import sys
from pathlib import Path
import apsw
from journal.log import AppendUnknownError
from journal.sqlite import SqliteLog

class File(apsw.VFSFile):
    broken = False
    def xSync(self, flags):
        if File.broken:
            raise apsw.IOError("the disk is broken")
        return super().xSync(flags)

class Disk(apsw.VFS):
    def __init__(self):
        super().__init__("broken", "unix", makedefault=True)
    def xOpen(self, name, flags):
        return File("unix", name, flags)

disk = Disk()
log = SqliteLog.create(Path(sys.argv[1]), database_id="x")
log.append(b"first")
File.broken = True
try:
    log.append(b"second")
except AppendUnknownError:
    print("unknown")
File.broken = False
print(log.append(b"third"))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    log = SqliteLog.create(path, database_id="this one")
    yield log
    log.close()


@pytest.mark.slow
def test_acknowledged_records_outlive_kill_9(path: Path) -> None:
    """Five lives of a writer, each ended at a random moment."""
    SqliteLog.create(path, database_id="x").close()
    moments = Random(7)
    for _ in range(5):
        acknowledged = _write_and_kill(path, after_seconds=0.3 + 0.3 * moments.random())
        log = SqliteLog(path)
        kept = values(read_all(log))
        log.close()

        assert len(kept) > acknowledged
        assert kept == [b"%d" % number * 50 for number in range(len(kept))]


def test_a_creation_cut_short_counts_as_absent_and_is_completed(path: Path) -> None:
    apsw.Connection(str(path)).close()
    with pytest.raises(UnknownLedgerError):
        SqliteLog(path)

    log = SqliteLog.create(path, database_id="x")

    assert log.append(b"x") == 0
    log.close()


def test_a_second_creation_is_refused(path: Path, log: SqliteLog) -> None:
    log.append(b"kept")

    with pytest.raises(LedgerExistsError):
        SqliteLog.create(path, database_id="another")
    assert values(read_all(log)) == [b"kept"]


def test_no_file_is_an_unknown_ledger(path: Path) -> None:
    with pytest.raises(UnknownLedgerError):
        SqliteLog(path)
    with pytest.raises(UnknownLedgerError):
        SqliteLog(path, read_only=True)


def test_a_log_opened_read_only_reads_beside_the_writer(path: Path, log: SqliteLog) -> None:
    log.append(b"before")
    beside = SqliteLog(path, read_only=True)
    log.append(b"after")

    assert beside.end_offset() == 2
    assert values(read_all(beside)) == [b"before", b"after"]
    with pytest.raises(LogUnavailableError):
        beside.append(b"x")
    beside.close()


def test_a_reader_of_another_process_sees_an_append_soon(path: Path, log: SqliteLog) -> None:
    """No condition variable reaches it: it looks by itself."""
    beside = SqliteLog(path, read_only=True)
    reader = beside.reader(Position(offset=0))
    log.append(b"x")

    assert values(reader.read(timeout=2)) == [b"x"]
    reader.close()
    beside.close()


def test_a_journal_on_a_read_only_medium_can_be_read(path: Path, log: SqliteLog) -> None:
    log.append(b"x")
    log.close()
    path.parent.chmod(0o500)
    try:
        script = (
            "import sys; from pathlib import Path; from journal.sqlite import SqliteLog;"
            "print(SqliteLog(Path(sys.argv[1]), read_only=True).end_offset())"
        )
        output = subprocess.check_output(
            _as_somebody_else([sys.executable, "-c", script, str(path)]),
            cwd=REPOSITORY,
            text=True,
        )
    finally:
        path.parent.chmod(0o700)

    assert output.split() == ["1"]


def test_a_full_disk_means_not_written(path: Path, log: SqliteLog) -> None:
    """The file size limit of a process stands in for the disk's."""
    log.append(b"x" * 1_000)
    limit = path.with_name("journal.db-wal").stat().st_size + 20_000
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(LogUnavailableError):
            log.append(b"y" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert log.append(b"z") == 1
    assert values(read_all(log)) == [b"x" * 1_000, b"z"]


def test_a_full_file_means_not_written(log: SqliteLog) -> None:
    assert log._writer is not None
    log._writer.execute("pragma max_page_count=30").fetchall()
    with pytest.raises(LogUnavailableError) as caught:
        log.append(bytes(10**6))

    assert not isinstance(caught.value, AppendUnknownError)
    assert log.append(b"small") == 0


def test_a_failed_fsync_means_unknown(path: Path) -> None:
    output = subprocess.check_output(
        [sys.executable, "-c", BROKEN_DISK, str(path)], cwd=REPOSITORY, text=True
    )
    log = SqliteLog(path)
    kept = values(read_all(log))
    log.close()

    assert output.split()[0] == "unknown"
    assert kept in ([b"first", b"third"], [b"first", b"second", b"third"])


def test_a_file_of_something_else_is_damage(path: Path) -> None:
    path.write_bytes(b"not SQLite at all" * 1_000)

    with pytest.raises(IntegrityError, match=re.escape(str(path))):
        SqliteLog(path)


def test_a_database_of_something_else_is_no_journal(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("create table other (x)").fetchall()
    connection.close()

    with pytest.raises(IntegrityError, match="no journal"):
        SqliteLog(path)
    with pytest.raises(LedgerExistsError):
        SqliteLog.create(path, database_id="x")


@pytest.mark.parametrize(
    "statements",
    [
        ["drop table log"],
        ["drop table journal"],
        ["delete from journal"],
        ["alter table log rename to other", "create view log as select * from other"],
        ["create trigger t before insert on log begin select raise(ignore); end"],
        ["alter table log rename to other", "create table log (offset, value)"],
    ],
    ids=lambda statements: statements[-1][:20],
)
def test_a_journal_with_other_tables_is_damaged(
    path: Path, log: SqliteLog, statements: list[str]
) -> None:
    log.append(b"x")
    log.close()
    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement).fetchall()
    connection.close()

    with pytest.raises(IntegrityError, match=re.escape(f"{path} is damaged")):
        SqliteLog(path)


def test_no_flipped_byte_of_the_file_makes_more_than_a_typed_error(
    path: Path, log: SqliteLog
) -> None:
    """The bytes that say what a page holds: a NULL or a number where a record was, other names."""
    for number in range(3):
        log.append(bytes([number]) * 40)
    log.close()
    connection = apsw.Connection(str(path))
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    connection.close()
    data = path.read_bytes()
    places = [*range(100, 120), *range(7900, 8192), *range(8192, 8250), *range(16_200, 16_384)]
    for at in places:
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x88]) + data[at + 1 :])
        with suppress(LedgerError):
            damaged = SqliteLog(path, read_only=True)
            with closing(damaged):
                assert all(type(value) is bytes for value in values(read_all(damaged)))


def test_damage_inside_the_file_is_said_and_not_read_over(path: Path, log: SqliteLog) -> None:
    for _ in range(500):
        log.append(b"x" * 1_000)
    log.close()
    with path.open("r+b") as file:
        for page in range(4, 50):
            file.seek(page * 8192)
            file.write(b"\xff" * 100)
    damaged = SqliteLog(path)

    with pytest.raises(IntegrityError) as caught:
        read_all(damaged)
    assert "restore" in caught.value.hint
    damaged.close()


def test_a_newer_format_is_refused(path: Path, log: SqliteLog) -> None:
    log.close()
    connection = apsw.Connection(str(path))
    connection.execute("pragma user_version=2").fetchall()
    connection.close()

    with pytest.raises(UnsupportedError):
        SqliteLog(path)


def test_a_file_that_took_the_name_has_its_own_identity(path: Path, log: SqliteLog) -> None:
    """A node that still has the old file open must notice."""
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(UnknownLedgerError):
        log.identity()
    SqliteLog.create(path, database_id="that one").close()

    assert log.identity() == "that one"


def test_a_file_cut_off_below_a_reader_is_another_log(path: Path, log: SqliteLog) -> None:
    for _ in range(5):
        log.append(b"x")
    reader = log.reader(Position(offset=0))
    reader.read(timeout=0)
    connection = apsw.Connection(str(path))
    connection.execute("delete from log where offset > 2").fetchall()
    connection.close()

    with pytest.raises(JournalReplacedError):
        reader.read(timeout=0)
    reader.close()


def test_a_read_is_bounded_in_bytes(log: SqliteLog) -> None:
    for _ in range(6):
        log.append(bytes(8 * 2**20))
    reader = log.reader(Position(offset=0))

    assert len(reader.read(timeout=0)) == 4
    assert len(reader.read(timeout=0)) == 2
    reader.close()


def _write_and_kill(path: Path, *, after_seconds: float) -> int:
    """Let a child append for a while; returns the last number it acknowledged."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(after_seconds)
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.stdout.close()
    child.wait()
    lines = (first + rest).split(b"\n")[:-1]
    return int(lines[-1])


def _as_somebody_else(command: list[str]) -> list[str]:
    """Without root's right to write everywhere; root without other rights still owns the folder."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--", *command]
