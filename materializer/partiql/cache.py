"""Compiled statements by text, the least recently used forgotten first."""

import threading
from collections import OrderedDict
from contextlib import suppress

from materializer.partiql.statement import Statement, prepare
from materializer.partiql.view import Catalog


class StatementCache:
    """At most `size` statements. Each is for the very catalog object that it was compiled for.

    Any number of threads may use one. A hit takes no lock: entries are immutable pairs, and the order
    of use is kept by `move_to_end`, which is atomic.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[str, tuple[Catalog, Statement]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, text: str, catalog: Catalog) -> Statement:
        """The statement of a text, compiled if it is not there or was for another catalog.

        Raises:
            InputError: As `prepare`; nothing is kept then.
        """
        entry = self._entries.get(text)
        if entry is not None and entry[0] is catalog:
            if len(self._entries) >= self._size:
                self._touch(text)
            return entry[1]
        statement = prepare(text, catalog)
        with self._lock:
            self._entries[text] = (catalog, statement)
            self._entries.move_to_end(text)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
        return statement

    def _touch(self, text: str) -> None:
        """Note a use; another thread may have forgotten the entry meanwhile."""
        with suppress(KeyError):
            self._entries.move_to_end(text)
