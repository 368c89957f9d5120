"""A watch over the log's identity, beside the commit path.

A topic that is deleted and made anew under a running node looks like the old one until somebody asks for
its id. Asking may take seconds while a broker is down, so commits do not wait for it: a thread asks, and
what it finds stops the sequencer before its next block.
"""

import threading
from collections.abc import Callable

from journal.errors import IntegrityError, LedgerError
from journal.events import event_logger

_logger = event_logger("indelible.engine")


class IdentityWatch:
    """Asks every few seconds, from construction to `close`.

    Attributes:
        failure: What was found, once the log is not the same any more.
    """

    def __init__(self, check: Callable[[], None], interval: float) -> None:
        """Start.

        Args:
            check: Raises IntegrityError where the log is another one; called from the watch's thread.
            interval: Seconds between two looks.
        """
        self.failure: IntegrityError | None = None
        self._check, self._interval = check, interval
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="identity-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; does not wait for an answer that is on its way. Closing twice is fine."""
        self._closing.set()

    def _run(self) -> None:
        while self.failure is None and not self._closing.wait(self._interval):
            try:
                self._check()
            except IntegrityError as error:
                self.failure = error
                _logger.exception("the journal's log was replaced")
            except LedgerError as error:
                _logger.info("the log's identity is not known now", error=str(error))
