"""Workers of Faust applications as processes of their own, and what they left in Kafka."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
from confluent_kafka import Consumer, TopicPartition

from infra.processes import Process, spawn, stop

ROOT = Path(__file__).parents[2]


class Worker:
    """A worker of one program; a context manager that ends it."""

    def __init__(self, program: Path, *arguments: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "worker.log"
        self._command = [sys.executable, str(program), *arguments, str(folder)]
        self._folder = folder
        self.process: Process = self._spawn()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        stop(self.process, grace_seconds=10)

    def restart(self) -> None:
        """As a supervisor does when the process has ended."""
        assert self.process.poll() is not None
        self.process = self._spawn()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def wait_for(self, text: str, *, count: int = 1, seconds: float = 60) -> None:
        """Wait until the log has `text` so many times."""
        wait_until(lambda: self.log.read_text().count(text) >= count, seconds, self.log)

    def exit_code(self, seconds: float = 60) -> int:
        """Wait for the end."""
        return self.process.wait(seconds)

    def _spawn(self) -> Process:
        environment = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        return spawn(
            self._command,
            log=self.log,
            folder=self._folder,
            environment={**os.environ, **environment},
        )


def wait_until(done: Callable[[], bool], seconds: float, log: Path) -> None:
    """Wait for something that a worker does."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, log.read_text()[-4000:]
        time.sleep(0.1)


def read_all(bootstrap_servers: str, topic: str) -> list[tuple[str, Any]]:
    """Every committed record of a topic: key and JSON value, partition by partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "test",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    try:
        found = consumer.list_topics(topic, timeout=10).topics[topic]
        if found.error is not None:
            return []
        consumer.assign([TopicPartition(topic, number, 0) for number in found.partitions])
        open_partitions, records = len(found.partitions), []
        while open_partitions:
            message = consumer.poll(10)
            assert message is not None
            if message.error():
                open_partitions -= 1
            else:
                records.append((_text(message.key()), orjson.loads(message.value())))
        return records
    finally:
        consumer.close()


def table_of(bootstrap_servers: str, topic: str) -> dict[str, Any]:
    """What a table holds, from its changelog: key -> state."""
    return {key: value["state"] for key, value in read_all(bootstrap_servers, topic)}


def _text(key: bytes) -> str:
    text = key.decode()
    return orjson.loads(text) if text.startswith('"') else text
