"""Signing beside the commits: a checkpoint every second in which the ledger grew."""

import threading
from collections.abc import Callable
from typing import Final

from journal.errors import IntegrityError, LedgerError, UnavailableError
from journal.events import event_logger

SIGNING_INTERVAL: Final = 1.0
_CLOSING_SECONDS_MAX: Final = 5.0

_logger = event_logger("indelible.engine")


class PeriodicSigning:
    """Signs from construction to `close`, in a thread of its own; nobody waits for it.

    It ends by itself where signing cannot go on; whoever asks for a checkpoint then gets the error.
    """

    def __init__(
        self, sign: Callable[[], object], position: Callable[[], int], interval: float
    ) -> None:
        """Start.

        Args:
            sign: Makes a checkpoint durable.
            position: Changes when the ledger grew; called often.
            interval: Least seconds between two checkpoints.
        """
        self._sign, self._position, self._interval = sign, position, interval
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signing", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, after the checkpoint that is being signed. Closing twice is fine."""
        self._closing.set()
        self._thread.join(_CLOSING_SECONDS_MAX)

    def _run(self) -> None:
        signed = -1
        while not self._closing.wait(self._interval):
            position = self._position()
            if position == signed:
                continue
            try:
                self._sign()
            except UnavailableError as error:
                _logger.info("no checkpoint signed now", error=str(error))
            except IntegrityError:
                _logger.exception("no checkpoint is signed any more")
                return
            except LedgerError as error:
                _logger.warning("no checkpoint is signed here", error=str(error))
                return
            else:
                signed = position
