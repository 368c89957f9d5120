"""Effects exactly once, although Faust delivers at least once.

```
record --> covered by the table? --yes--> skip
              |no
           handler(record, state) -> new state        may forward, and awaits what it forwards
              |
           table[key] = {positions, new state}        one record of the changelog: both or neither
              |
           acknowledged by Kafka --> only then may the record's offset be committed
```

A worker that is killed at any moment leaves, for each key, the state after some prefix of its records,
and the position that says which. Whoever takes over begins at the committed offset, before which every
effect is kept, and skips those behind it that are kept too.

A handler that raises ends the worker: the offset stays, and the next start begins with the same record.
Faust itself would acknowledge that record and go on with the next.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final
from weakref import WeakSet

import faust
from faust.types import TP, StreamT, TopicT
from faust.types.tuples import FutureMessage

from streams.agents.handled import Handled
from streams.agents.records import Placed
from streams.agents.watching import check_lease

Handler = Callable[[Any, Any], Awaitable[Any]]
"""Takes a record and the state kept for its key, returns the new state."""

UNACKNOWLEDGED_MAX: Final = 500
"""So many changes of a table may wait for Kafka's acknowledgement; then the agent waits."""


def once(
    app: faust.App,
    name: str,
    *,
    key: Callable[[Any], str] | None = None,
    initial: Any = None,
) -> Callable[[Handler], Callable[[StreamT[Any]], Awaitable[None]]]:
    """Make an agent of a handler, which then is given each record once. Put it under `app.agent`.

    The handler is called with a record and the state kept for the record's key, and returns the new
    state (JSON values). What it forwards (`deliver`) may be delivered again after a crash, with the same
    position: whoever reads it uses `once` too. A handler gives at most one record to a key of a topic.

    The state is in a table of the app named `name`, as `{"positions": ..., "state": ...}`.

    Args:
        app: Whose table it is. The topic has as many partitions as the app's tables.
        name: Of the table: its changelog topic is `<app>-<name>-changelog`.
        key: Of what the state is kept; the topic must be partitioned by it. Default: the document's id.
        initial: The state of a key that was never seen.
    """
    table = _Table(app, name=name, partitions=app.conf.topic_partitions)
    app.tables.add(table)
    key_of = key or _document_id

    def decorate(handler: Handler) -> Callable[[StreamT[Any]], Awaitable[None]]:
        @wraps(handler)
        async def agent(stream: Any) -> None:
            window = _Window(app)
            try:
                async for event in stream.noack().events():
                    await window.make_room()
                    if window.is_current(event):
                        await _handle(event, table, handler, key_of, initial, window)
            except Exception as error:
                await app.crash(error)
                raise

        # Faust reads the stream's element type from the annotations, which are the handler's.
        del agent.__wrapped__
        agent.__annotations__ = {"stream": StreamT[Any]}
        return agent

    return decorate


async def deliver(topic: TopicT, *, key: str, value: Any) -> None:
    """Send a record and wait until Kafka has it; what is not awaited is lost when a worker is killed.

    Makes the topic first, if it is one of the app's own (`internal=True`) and is not there.
    """
    if topic not in _declared:
        await topic.maybe_declare()
        _declared.add(topic)
    await (await topic.send(key=key, value=value))


_declared: WeakSet[TopicT] = WeakSet()


async def _handle(
    event: Any,
    table: "_Table",
    handler: Handler,
    key_of: Callable[[Any], str],
    initial: Any,
    window: "_Window",
) -> None:
    record: Placed = event.value
    key = key_of(record)
    found = table.get(key)
    handled = Handled({}, initial) if found is None else Handled.from_json(found)
    if handled.covers(record.lane, record.position):
        window.add(event, None)
        return
    state = await handler(record, handled.state)
    check_lease(table.app)
    if window.is_current(event):
        window.add(event, table.keep(key, handled.after(record.lane, record.position, state)))


class _Table(faust.Table[str, dict[str, Any]]):
    """A table that says when the changelog has what was put into it."""

    def keep(self, key: str, handled: Handled) -> FutureMessage:
        value = handled.to_json()
        sent = self.send_changelog(self.partition_for_key(key), key, value)
        self.data[key] = value
        return sent


class _Window:
    """Events whose changes are on their way; acknowledged strictly in order within each partition.

    In order, because Faust commits past one event that is not acknowledged if those behind it are, or if
    transaction markers lie behind it.

    After each rebalance Faust fetches everything from the committed offsets again. So events of an
    earlier generation are let go of: their partition may be another worker's, else they come again.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._partitions: dict[TP, deque[tuple[Any, FutureMessage | None]]] = {}
        self._generation = app.consumer_generation_id
        self._order: deque[FutureMessage] = deque()

    def is_current(self, event: Any) -> bool:
        """Whether an event was fetched since the last rebalance."""
        return bool(event.message.generation_id == self._app.consumer_generation_id)

    def add(self, event: Any, sent: FutureMessage | None) -> None:
        """Take in the next event of its partition, and the change that it waits for, if any."""
        if self._generation != self._app.consumer_generation_id:
            self._generation = self._app.consumer_generation_id
            self._partitions.clear()
        waiting = self._partitions.setdefault(event.message.tp, deque())
        waiting.append((event, sent))
        if sent is None:
            self._acknowledge(waiting)
        else:
            self._order.append(sent)
            sent.add_done_callback(lambda _: self._acknowledge(waiting))

    async def make_room(self) -> None:
        """Forget what has arrived; wait for the oldest if too many have not.

        Raises:
            KafkaError: One of them was not taken.
        """
        while self._order and (self._order[0].done() or len(self._order) >= UNACKNOWLEDGED_MAX):
            await self._order.popleft()

    def _acknowledge(self, waiting: deque[tuple[Any, FutureMessage | None]]) -> None:
        while waiting and _has_arrived(waiting[0][1]) and self.is_current(waiting[0][0]):
            waiting.popleft()[0].ack()


def _has_arrived(sent: FutureMessage | None) -> bool:
    return sent is None or (sent.done() and not sent.cancelled() and sent.exception() is None)


def _document_id(record: Any) -> str:
    document_id: str = record.document_id
    return document_id
