"""A Kafka cluster of one or three brokers on 127.0.0.1, to use, and to break on purpose.

    with KafkaCluster(folder, brokers=3) as cluster:
        ...  cluster.bootstrap_servers
        cluster.kill(2)
        cluster.restart(2)

Brokers are numbered from 1. The folder keeps everything, so a stopped cluster starts again with its
topics, on other ports unless they were fixed. Not for several threads at once, except for breaking
things: `kill`, `pause`, `resume` and `restart` of different brokers may run beside each other.
"""

from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, Literal, Self

from infra.errors import InfrastructureError, StartError
from infra.kafka.archive import archive_options
from infra.kafka.broker import Broker, random_id
from infra.kafka.checkpoint import bootstrap_checkpoint
from infra.kafka.properties import Node
from infra.processes import free_ports

_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 15
_START_ATTEMPTS: Final = 3
_PORT_TAKEN: Final = b"Address already in use"


class KafkaCluster:
    """Real brokers in `folder`; a context manager that starts and stops them."""

    def __init__(
        self, folder: Path, *, brokers: Literal[1, 3] = 1, first_port: int | None = None
    ) -> None:
        """Nothing is started or written yet.

        Args:
            folder: Kept over restarts; made if it is not there.
            brokers: How many; with 3 the internal topics have 3 replicas, 2 of them in sync.
            first_port: Broker n listens on `first_port + n - 1`; free ports are taken when it is None.
        """
        self.folder = folder
        self._count = brokers
        self._first_port = first_port
        self._brokers: dict[int, Broker] = {}

    @property
    def bootstrap_servers(self) -> str:
        """`host:port,...` of all brokers."""
        return ",".join(node.address for node in self._nodes())

    @property
    def broker_ids(self) -> tuple[int, ...]:
        """The numbers of the brokers: 1, or 1, 2, 3."""
        return tuple(range(1, self._count + 1))

    def start(self) -> None:
        """Start all brokers and wait until each serves.

        Raises:
            MissingProgramError: Java or Maven is missing; the message says what to install.
            StartError: A broker did not come up; the message has the end of its log.
            InfrastructureError: The folder is of a cluster of another size.
        """
        checkpoint = bootstrap_checkpoint()
        options = archive_options(checkpoint)
        self._claim_folder()
        for attempt in range(1, _START_ATTEMPTS + 1):
            self._brokers = self._make_brokers(options)
            try:
                self._start_all(checkpoint)
            except BaseException as error:
                taken = any(_PORT_TAKEN in broker.output() for broker in self._brokers.values())
                self.kill_all()
                if isinstance(error, StartError) and taken and attempt < _START_ATTEMPTS:
                    continue
                raise
            return

    def stop(self) -> None:
        """Shut all brokers down in order; what takes longer than 15 s is killed."""
        for broker in self._brokers.values():
            broker.ask_to_stop()
        deadline = monotonic() + _STOP_SECONDS
        for broker in self._brokers.values():
            broker.stop(grace_seconds=max(0.0, deadline - monotonic()))

    def kill_all(self) -> None:
        """SIGKILL for all brokers: quick, for a cluster nobody needs again."""
        for broker in self._brokers.values():
            broker.kill()

    def kill(self, broker_id: int) -> None:
        """SIGKILL: as a crash of that process (the machine's page cache survives)."""
        self._brokers[broker_id].kill()

    def pause(self, broker_id: int) -> None:
        """SIGSTOP: it keeps its connections and answers nobody."""
        self._brokers[broker_id].pause()

    def resume(self, broker_id: int) -> None:
        """SIGCONT, after `pause`."""
        self._brokers[broker_id].resume()

    def restart(self, broker_id: int) -> None:
        """Stop it if it runs, start it again on the same port, wait until it serves.

        Raises:
            StartError: It did not come up.
        """
        broker = self._brokers[broker_id]
        broker.stop(grace_seconds=_STOP_SECONDS)
        broker.start(self._nodes())
        broker.wait_until_ready(monotonic() + _START_SECONDS)

    def is_running(self, broker_id: int) -> bool:
        """Whether its process lives (it may be paused)."""
        return self._brokers[broker_id].is_running()

    def log_file(self, broker_id: int) -> Path:
        """Everything that broker has printed."""
        return self._brokers[broker_id].log

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

    def _nodes(self) -> list[Node]:
        return [broker.node for broker in self._brokers.values()]

    def _claim_folder(self) -> None:
        """Note the cluster's id and size, or check them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        note = self.folder / "cluster"
        if not note.exists():
            note.write_text(f"{random_id()} {self._count}\n")
        if int(note.read_text().split()[1]) != self._count:
            raise InfrastructureError(
                f"{self.folder} holds a cluster of another size than {self._count}"
            )

    def _make_brokers(self, options: list[str]) -> dict[int, Broker]:
        ports = free_ports(2 * self._count)
        brokers = {}
        for broker_id in self.broker_ids:
            port, controller_port = ports.pop(), ports.pop()
            if self._first_port is not None:
                port = self._first_port + broker_id - 1
            node = Node(id=broker_id, port=port, controller_port=controller_port)
            folder = self.folder / f"broker-{broker_id}"
            brokers[broker_id] = Broker(node, folder, java_options=options)
        return brokers

    def _start_all(self, checkpoint: bytes) -> None:
        cluster_id = (self.folder / "cluster").read_text().split()[0]
        deadline = monotonic() + _START_SECONDS
        for broker in self._brokers.values():
            broker.format(checkpoint, cluster_id=cluster_id)
            broker.start(self._nodes())
        for broker in self._brokers.values():
            broker.wait_until_ready(deadline)
