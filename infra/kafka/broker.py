"""One broker process: its folder, its log, its life.

```
<folder>/server.properties   written at each start
<folder>/broker.log          everything it prints, all starts
<folder>/data/               its logs; meta.properties and bootstrap.checkpoint make it a formatted folder
```
"""

import signal
from collections.abc import Sequence
from pathlib import Path
from secrets import token_urlsafe
from time import monotonic, sleep
from typing import Final

from infra.errors import StartError
from infra.kafka.jars import classpath
from infra.kafka.java import find_java
from infra.kafka.properties import Node, format_properties, meta_properties, server_properties
from infra.processes import Process, spawn, stop

_READY: Final = b"Kafka Server started"
_QUIET: Final = "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn"
_DATED: Final = "-Dorg.slf4j.simpleLogger.showDateTime=true"
_HEAP: Final = "-Xmx512m"


def random_id() -> str:
    """128 random bits as Kafka writes them."""
    return "I" + token_urlsafe(16)[1:]  # Kafka's ids never begin with "-".


class Broker:
    """A node of a cluster; not running until `start`."""

    def __init__(self, node: Node, folder: Path, *, java_options: Sequence[str] = ()) -> None:
        self.node = node
        self.log = folder / "broker.log"
        self._folder = folder
        self._data = folder / "data"
        self._java_options = java_options
        self._process: Process | None = None
        self._log_start = 0

    def format(self, checkpoint: bytes, *, cluster_id: str) -> None:
        """Make an empty folder a formatted one; leaves a formatted one alone.

        Args:
            checkpoint: The `bootstrap.checkpoint` of `kafka-storage.sh format`; the same for every node.
            cluster_id: The same for every node.
        """
        self._data.mkdir(parents=True, exist_ok=True)
        meta = self._data / "meta.properties"
        if not meta.exists():
            (self._data / "bootstrap.checkpoint").write_bytes(checkpoint)
            meta.write_text(
                meta_properties(self.node, cluster_id=cluster_id, directory_id=random_id())
            )

    def start(self, nodes: Sequence[Node]) -> None:
        """Start the process; `wait_until_ready` says when it serves."""
        settings = self._folder / "server.properties"
        settings.write_text(format_properties(server_properties(self.node, nodes, self._data)))
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._process = spawn(
            [
                str(find_java().program),
                _HEAP,
                _QUIET,
                _DATED,
                *self._java_options,
                "kafka.Kafka",
                str(settings),
            ],
            log=self.log,
            folder=self._folder,
            environment={"CLASSPATH": classpath()},
        )

    def is_running(self) -> bool:
        """Whether the process lives (it may be paused)."""
        return self._process is not None and self._process.poll() is None

    def wait_until_ready(self, deadline: float) -> None:
        """Wait for the broker to say that it serves.

        Args:
            deadline: By `time.monotonic`.

        Raises:
            StartError: It ended, or the deadline passed.
        """
        while _READY not in self.output():
            if not self.is_running() or monotonic() > deadline:
                raise StartError(f"Kafka broker {self.node.id}", self.log)
            sleep(0.02)

    def output(self) -> bytes:
        """What it has printed since its last start."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read()

    def stop(self, *, grace_seconds: float) -> None:
        """Let it shut down; kill it if that takes longer. Also ends a paused one."""
        if self._process is not None:
            self.resume()
            stop(self._process, grace_seconds=grace_seconds)

    def ask_to_stop(self) -> None:
        """Begin a shutdown and come back at once; `stop` waits for its end."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: as a crash of the process."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: its connections stay open and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(what)
