"""One Kafka Connect worker in one folder, on 127.0.0.1 only.

    with ConnectWorker(folder, bootstrap_servers=cluster.bootstrap_servers) as worker:
        worker.create("vehicles", configuration)

```
<folder>/worker.properties    written at each start
<folder>/connectors/*.json    its connectors: a standalone worker forgets them, each start names them
<folder>/worker.log           everything it prints, all starts
```

How far sinks are is kept on the broker (consumer group `connect-<name>`), so that a worker that is killed
goes on where it was, with the last records once more.
"""

import signal
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from infra.connect.errors import ConnectError
from infra.connect.plugins import ensure_plugins
from infra.connect.properties import Configuration, connector_file, worker_properties
from infra.connect.rest import ConnectREST
from infra.errors import StartError
from infra.kafka.archive import archive_options
from infra.kafka.checkpoint import bootstrap_checkpoint
from infra.kafka.jars import classpath
from infra.kafka.java import find_java
from infra.kafka.properties import format_properties
from infra.processes import Process, free_ports, spawn, stop

_MAIN: Final = "org.apache.kafka.connect.cli.ConnectStandalone"
_HEAP: Final = "-Xmx384m"
_LOGGER: Final = "-Dorg.slf4j.simpleLogger"
_LOG: Final = (
    f"{_LOGGER}.showDateTime=true",
    f"{_LOGGER}.log.org.apache.kafka.common.config=warn",
    f"{_LOGGER}.log.org.apache.kafka.connect.runtime.WorkerConfig=error",
    f"{_LOGGER}.log.org.hibernate=warn",
)
_START_SECONDS: Final = 90
_RUNNING_SECONDS: Final = 60
_STOP_SECONDS: Final = 30
_START_ATTEMPTS: Final = 3


class ConnectWorker:
    """A standalone worker; a context manager that starts and stops it."""

    def __init__(self, folder: Path, *, bootstrap_servers: str, port: int | None = None) -> None:
        """Nothing is started or written yet.

        Args:
            folder: Kept over restarts; made if it is not there.
            bootstrap_servers: The Kafka it reads from.
            port: Of its REST interface; a free one is taken when it is None.
        """
        self.folder = folder.absolute()
        self.log = self.folder / "worker.log"
        self._bootstrap_servers = bootstrap_servers
        self._fixed_port = port
        self._port = port or 0
        self._process: Process | None = None

    @property
    def rest(self) -> ConnectREST:
        """Requests to it, while it runs."""
        return ConnectREST(port=self._port)

    @property
    def url(self) -> str:
        """Of its REST interface."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it with the connectors of its folder, and wait until it answers; about 4 s.

        Whether connectors run is another matter: `wait_until_running`.

        Raises:
            MissingProgramError: Java or Maven is missing; the message says what to install.
            StartError: It did not come up; the message has the end of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, _START_ATTEMPTS + 1):
            self._port = self._fixed_port or free_ports(1)[0]
            try:
                self._start_once()
            except StartError:
                self.kill()
                if self._fixed_port is not None or attempt == _START_ATTEMPTS:
                    raise
            else:
                return

    def create(self, name: str, configuration: Configuration) -> None:
        """Make a connector, or change it, and wait until it runs; later starts begin with it.

        Raises:
            ConnectError: The worker refuses the configuration.
            ConnectorFailedError: It has given up, or does not run within a minute.
        """
        self.rest.put(name, configuration)
        self._file_of(name).parent.mkdir(exist_ok=True)
        self._file_of(name).write_text(connector_file(name, configuration))
        self.wait_until_running(name)

    def delete(self, name: str) -> None:
        """End a connector; what it wrote stays."""
        self._file_of(name).unlink(missing_ok=True)
        self.rest.delete(name)

    def wait_until_running(self, name: str) -> None:
        """Wait until a connector and its tasks run.

        Raises:
            ConnectorFailedError: It has given up, or does not run within a minute.
        """
        self.rest.wait_until_running(name, seconds=_RUNNING_SECONDS)

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Let its connectors finish and commit how far they are; killed if that takes over 30 s."""
        if self._process is not None:
            stop(self._process, grace_seconds=_STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL: as a crash of the process."""
        if self._process is not None:
            stop(self._process, grace_seconds=_STOP_SECONDS, how=signal.SIGKILL)

    def restart(self) -> None:
        """Stop it if it runs, start it again, wait until it answers.

        Raises:
            StartError: It did not come up.
        """
        self.stop()
        self.start()

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

    def _file_of(self, name: str) -> Path:
        return self.folder / "connectors" / f"{quote(name, safe='')}.json"

    def _start_once(self) -> None:
        settings = self.folder / "worker.properties"
        settings.write_text(
            format_properties(
                worker_properties(
                    bootstrap_servers=self._bootstrap_servers,
                    port=self._port,
                    plugins=ensure_plugins(),
                    folder=self.folder,
                )
            )
        )
        options = [_HEAP, *_LOG, *archive_options(bootstrap_checkpoint())]
        connectors = sorted(map(str, (self.folder / "connectors").glob("*.json")))
        self._process = spawn(
            [str(find_java().program), *options, _MAIN, str(settings), *connectors],
            log=self.log,
            folder=self.folder,
            environment={"CLASSPATH": classpath()},
        )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = monotonic() + _START_SECONDS
        while not self._answers():
            if not self.is_running() or monotonic() > deadline:
                raise StartError("Kafka Connect", self.log)
            sleep(0.1)

    def _answers(self) -> bool:
        """Whether its REST interface serves; the connectors it was started with are known by then."""
        wanted = {file.stem for file in (self.folder / "connectors").glob("*.json")}
        try:
            return wanted <= {quote(name, safe="") for name in self.rest.names()}
        except ConnectError:
            return False
