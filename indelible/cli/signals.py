"""How SIGINT and SIGTERM end a command: cleanly, and with the exit code shells expect."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def end_on_signals() -> None:
    """From now on a signal raises SystemExit in the main thread, so ledgers are closed on the way."""
    for number in _SIGNALS:
        signal.signal(number, _leave)


@contextmanager
def stopping_on_signals() -> Iterator[Event]:
    """A signal sets the event, and the work ends at its next good moment."""
    stop = Event()

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)
