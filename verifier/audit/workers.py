"""Processes that read ranges of a log, and their results in the order of the log.

```
range 0 -> worker 0 -+
range 1 -> worker 1 -+-> results 0, 1, 2, ... to whoever links them
range 2 -> worker 0 -+
```

Each worker has one range in hand and one waiting. How long a range is follows from how long the last one
took, so that a message is worth its sending and little is held at a time. With one worker everything
happens in this process.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol

from journal.ambient import SYSTEM_TIMER
from journal.errors import LedgerError, LogUnavailableError
from verifier.audit.neighbours import Fault, MergeTask, check_runs
from verifier.audit.sources import RangeReader, RangeResult, Source

_RANGE_SECONDS: Final = 0.3
_RANGE_SIZE_MAX: Final = 20_000
_FIRST_RANGE_SIZE: Final = 64
_GROWTH_MAX: Final = 4
_IN_HAND: Final = 2
_FLUSH: Final = "flush"


class Crew:
    """Some workers. Used by one thread, and closed by it."""

    def __init__(self, source: Source, folder: Path, count: int) -> None:
        """Start `count` workers; with one there is no process but this one.

        Raises:
            LedgerError: The log cannot be opened.
        """
        kind = _ProcessWorker if count > 1 else _LocalWorker
        self._workers: list[_Worker] = []
        self._range_size = _FIRST_RANGE_SIZE
        try:
            for number in range(count):
                self._workers.append(kind(source, folder, str(number)))
        except BaseException:
            self.close()
            raise

    @property
    def count(self) -> int:
        """How many workers there are."""
        return len(self._workers)

    def ranges(self, start: int, end: int) -> Iterator[tuple[int, RangeResult]]:
        """What is in `[start, end)`: the end of each range and its result, in order.

        Raises:
            LedgerError: See `RangeReader.read`.
        """
        free = deque(worker for _ in range(_IN_HAND) for worker in self._workers)
        given: deque[tuple[_Worker, int, int]] = deque()
        while start < end or given:
            while start < end and free:
                worker, range_end = free.popleft(), min(end, start + self._range_size)
                worker.give((start, range_end))
                given.append((worker, start, range_end))
                start = range_end
            worker, range_start, range_end = given.popleft()
            seconds, result = worker.fetch()
            free.append(worker)
            self._adapt(range_end - range_start, seconds)
            start = max(start, min(end, result.next_offset))
            yield range_end, result

    def flush(self) -> list[RangeResult]:
        """Have all workers write the keys they hold."""
        return [result for _, result in self._each([_FLUSH] * self.count)]

    def check(self, tasks: Sequence[MergeTask]) -> Fault | None:
        """The first fault that any of the tasks finds; as many tasks as workers, or fewer."""
        faults = [fault for _, fault in self._each(tasks) if fault is not None]
        return min(faults, default=None)

    def close(self) -> None:
        """End the workers; closing twice is fine."""
        while self._workers:
            self._workers.pop().close()

    def _each(self, tasks: Sequence[Any]) -> list[Any]:
        chosen = self._workers[: len(tasks)]
        for worker, task in zip(chosen, tasks, strict=True):
            worker.give(task)
        return [worker.fetch() for worker in chosen]

    def _adapt(self, size: int, seconds: float) -> None:
        wanted = int(size * _RANGE_SECONDS / max(seconds, 0.001))
        most = min(size * _GROWTH_MAX, _RANGE_SIZE_MAX)
        self._range_size = max(1, min(wanted, most))


class _Worker(Protocol):
    """Does one task after another; `fetch` gives the oldest task's seconds and result, or raises."""

    def give(self, task: Any) -> None: ...

    def fetch(self) -> tuple[float, Any]: ...

    def close(self) -> None: ...


class _LocalWorker:
    """In this process: a task is done when its result is fetched."""

    def __init__(self, source: Source, folder: Path, name: str) -> None:
        self._reader = RangeReader(source, folder, name)
        self._tasks: deque[Any] = deque()

    def give(self, task: Any) -> None:
        self._tasks.append(task)

    def fetch(self) -> tuple[float, Any]:
        return _perform(self._reader, self._tasks.popleft())

    def close(self) -> None:
        self._reader.close()


class _ProcessWorker:
    """In a process of its own."""

    def __init__(self, source: Source, folder: Path, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, source, folder, name), name=f"audit-{name}"
        )
        self._process.start()
        theirs.close()

    def give(self, task: Any) -> None:
        try:
            self._connection.send(task)
        except OSError:
            raise _lost() from None

    def fetch(self) -> tuple[float, Any]:
        try:
            error, outcome = self._connection.recv()
        except (EOFError, OSError):
            raise _lost() from None
        if error is not None:
            raise _unpacked(error)
        return outcome  # type: ignore[no-any-return]

    def close(self) -> None:
        """At once: all it has are files that are deleted anyway."""
        self._connection.close()
        self._process.terminate()
        self._process.join()


def _serve(connection: "Connection[Any, Any]", source: Source, folder: Path, name: str) -> None:
    """The life of a worker's process: it ends when its owner hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner gets it too, and ends this process
    reader = None
    try:
        while True:
            task = connection.recv()
            outcome: tuple[Any, Any]
            try:
                reader = reader or RangeReader(source, folder, name)
                outcome = None, _perform(reader, task)
            except LedgerError as error:
                outcome = _packed(error), None
            connection.send(outcome)
    except (EOFError, OSError):
        return


def _perform(reader: RangeReader, task: Any) -> tuple[float, Any]:
    started = SYSTEM_TIMER.monotonic()
    result: Any
    if isinstance(task, MergeTask):
        result = check_runs(task)
    elif task == _FLUSH:
        result = reader.flush()
    else:
        result = reader.read(*task)
    return SYSTEM_TIMER.monotonic() - started, result


def _packed(error: LedgerError) -> tuple[type[LedgerError], tuple[Any, ...], dict[str, Any]]:
    """An error as its parts: pickle would call its class, which takes other arguments than it keeps."""
    return type(error), error.args, error.__dict__


def _unpacked(parts: tuple[type[LedgerError], tuple[Any, ...], dict[str, Any]]) -> LedgerError:
    kind, args, facts = parts
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


def _lost() -> LogUnavailableError:
    return LogUnavailableError(
        "a process of the audit ended before its work", hint="run it again; out of memory?"
    )
