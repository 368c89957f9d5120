"""A replica: a state store in a process of its own, kept current by following the journal.

```
open -> read to the end asked for -> wait a moment -> read again ...          until `stop` is set
              |                          ^
              +-- log or store away -----+  pause 0.1, 0.2, 0.4 ... 5 s, then go on where it was
              +-- evidence of damage: raises; the store keeps everything before it
```

It only reads the journal. Other processes query its store with `connect(url, read_only=True)`.
"""

import time
from collections.abc import Callable, Mapping
from threading import Event
from types import TracebackType
from typing import Final, Self

from journal.chain import Tip
from journal.errors import UnavailableError
from journal.events import event_logger
from journal.log import Log
from materializer.follower import Follower, Progress
from materializer.store.store import Store

POLL_SECONDS: Final = 0.1
"""How long a replica that is up to date waits before it asks for the journal's end again."""
PAUSE_MIN: Final = 0.1
PAUSE_MAX: Final = 5.0
IDENTITY_CHECK_INTERVAL: Final = 5.0
_STEP_OFFSETS: Final = 5_000

_log = event_logger("indelible.replica")


class Replica:
    """Follows one log into one store. Used by one thread; `stop` may be set by any.

    Args:
        log, store: What to follow, and where to; the replica closes both.
        ledger_name: Whose genesis to look for.
        exclusive: The log has one writer and no strangers (file).
        release: Called at `close`, for instance to give the folder's lock back.

    Raises:
        JournalReplacedError: The store was made from another log, or the log was cut.
        UnavailableError: The log cannot be reached now.
    """

    def __init__(
        self,
        log: Log,
        store: Store,
        ledger_name: str,
        *,
        exclusive: bool,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self._log, self._store, self._release = log, store, release
        self._follower = Follower(log, store, ledger_name, exclusive=exclusive)
        self._identity_checked = time.monotonic()

    @property
    def tip(self) -> Tip | None:
        """The newest block in the store; None before the genesis."""
        return self._store.tip

    @property
    def position(self) -> int:
        """Next log offset to look at."""
        return self._follower.position

    @property
    def ignored(self) -> Mapping[str, int]:
        """How many records of the log are not part of the ledger, by reason."""
        return self._follower.ignored

    def run(
        self,
        stop: Event,
        *,
        on_progress: Progress | None = None,
        on_current: Callable[[], bool] = lambda: False,
    ) -> None:
        """Follow the journal until `stop` is set; what was applied by then is in the store.

        Args:
            stop: Looked at between batches.
            on_progress: Called with (next offset, end offset) after each batch.
            on_current: Called each time the store holds everything up to an end asked for before;
                a true answer ends the run.

        Raises:
            IntegrityError, UnsupportedError: The journal cannot be followed further.
            UnknownLedgerError: The topic is gone.
        """
        pause = PAUSE_MIN
        while not stop.is_set():
            try:
                current = self._catch_up(stop, on_progress)
            except UnavailableError as error:
                _log.warning("journal not followed now", error=str(error), pause=pause)
                stop.wait(pause)
                pause = min(2 * pause, PAUSE_MAX)
                continue
            pause = PAUSE_MIN
            if current and on_current():
                return
            stop.wait(POLL_SECONDS)

    def close(self) -> None:
        """Close cursor, store and log and give the lock back; closing twice is fine."""
        self._follower.close()
        self._store.close()
        self._log.close()
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _catch_up(self, stop: Event, on_progress: Progress | None) -> bool:
        """Apply what the log holds now, in steps; False if it was stopped on the way."""
        if time.monotonic() - self._identity_checked > IDENTITY_CHECK_INTERVAL:
            self._follower.check_identity()
            self._identity_checked = time.monotonic()
        end = self._log.end_offset()
        while True:
            self._follower.catch_up(min(end, self.position + _STEP_OFFSETS))
            if on_progress is not None:
                on_progress(self.position, end)
            if self.position >= end:
                return True
            if stop.is_set():
                return False
