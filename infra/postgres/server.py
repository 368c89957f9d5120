"""One PostgreSQL server on 127.0.0.1 in one folder, its data gone with the folder.

    with PostgresServer(folder) as server:
        psycopg.connect(server.dsn)

`durable=True` keeps PostgreSQL's own defaults (fsync on), which benchmarks want; without it the server
skips fsync, which tests want. Logins need no password: it listens on 127.0.0.1 and nowhere else.
"""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self

from infra.errors import InfrastructureError, StartError
from infra.postgres.programs import find_programs, server_account
from infra.processes import Process, free_ports, spawn, stop

USER: Final = "indelible"
DATABASE: Final = "postgres"

_START_SECONDS: Final = 30
_STOP_SECONDS: Final = 15
_START_ATTEMPTS: Final = 3
_INIT_SECONDS: Final = 60
_FAST: Final = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class PostgresServer:
    """A server in `folder`; a context manager that starts and stops it."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """Nothing is started or written yet; the folder is made if it is not there."""
        self.folder = folder.absolute()
        self.port = 0
        self.log = self.folder / "postgres.log"
        self._durable = durable
        self._data = self.folder / "data"
        self._process: Process | None = None

    @property
    def dsn(self) -> str:
        """The connection URL, for psycopg and libpq."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def jdbc_url(self) -> str:
        """The same for JDBC; the user goes beside it."""
        return f"jdbc:postgresql://127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Make the data folder if needed, start, and wait until it takes connections.

        A later start has the port of the one before, unless somebody took it.

        Raises:
            MissingProgramError: PostgreSQL is not installed.
            StartError: It did not come up; the message has the end of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._data.exists():
            self._initialise()
        for attempt in range(1, _START_ATTEMPTS + 1):
            if not self.port or attempt > 1:
                (self.port,) = free_ports(1)
            try:
                self._start_once()
            except StartError:
                self.kill()
                if attempt == _START_ATTEMPTS:
                    raise
            else:
                return

    def stop(self) -> None:
        """Shut down and cut off whoever is connected; killed if that takes longer than 15 s."""
        if self._process is not None:
            stop(self._process, grace_seconds=_STOP_SECONDS, how=signal.SIGINT)

    def kill(self) -> None:
        """End it at once (PostgreSQL's immediate shutdown: as a crash, without leaving children)."""
        if self._process is not None:
            stop(self._process, grace_seconds=_STOP_SECONDS, how=signal.SIGQUIT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _initialise(self) -> None:
        self._data.mkdir(mode=0o700)
        account = server_account()
        if account is not None:
            shutil.chown(self._data, account)
            _open_path_to(self.folder)
        command = [str(find_programs() / "initdb"), "--pgdata", str(self._data)]
        options = ["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-locale"]
        process = spawn([*command, *options], log=self.log, folder=self.folder, user=account)
        try:
            failed = process.wait(_INIT_SECONDS) != 0
        except subprocess.TimeoutExpired:
            process.kill()
            failed = True
        if failed:
            shutil.rmtree(self._data)
            raise StartError("initdb", self.log)

    def _start_once(self) -> None:
        self._process = spawn(
            [
                str(find_programs() / "postgres"),
                *("-D", str(self._data)),
                *("-p", str(self.port), "-h", "127.0.0.1", "-k", ""),
                *(() if self._durable else _FAST),
            ],
            log=self.log,
            folder=self.folder,
            user=server_account(),
        )
        deadline = monotonic() + _START_SECONDS
        while not self._takes_connections():
            if self._process.poll() is not None or monotonic() > deadline:
                raise StartError("PostgreSQL", self.log)
            sleep(0.05)

    def _takes_connections(self) -> bool:
        """Whether its pid file says "ready" and somebody listens on the port."""
        note = self._data / "postmaster.pid"
        lines = note.read_text().splitlines() if note.exists() else []
        if len(lines) <= _STATUS_LINE or lines[_STATUS_LINE].strip() != "ready":
            return False
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


_STATUS_LINE: Final = 7


def _open_path_to(folder: Path) -> None:
    """Let the server's account walk to `folder`, within the folders that are ours to open.

    pytest's temporary folders are 0700 for root; the data folder itself stays closed to others.
    """
    for parent in (folder, *folder.parents):
        mode = parent.stat().st_mode
        if mode & 0o001:
            continue
        if parent.stat().st_uid != os.geteuid():
            raise InfrastructureError(f"{parent} is closed to the account of PostgreSQL")
        parent.chmod(mode | 0o011)
