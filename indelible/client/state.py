"""What a client remembers of ledgers between its runs, in files of the user's.

```
known_ledgers              URL VKEY, one a line: the keys trusted at first use, as ssh's known_hosts
last/<key>.json            the largest verified checkpoint of the ledger with that pinned key
last/<key>.cosigned.json   the last one that had the cosignatures which were asked for
saved/<origin>/<size>.note checkpoints that somebody chose to keep
evidence/<...>.json        pairs of checkpoints that contradict each other
```

The folder is INDELIBLE_STATE_HOME, else `indelible` in XDG_STATE_HOME, else `~/.local/state/indelible`.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from indelible.files import locked, replace_file
from journal.errors import ConfigurationError, InputError
from verifier.keys import parse_verifier_key

STATE_VARIABLE: Final = "INDELIBLE_STATE_HOME"
KNOWN_FILE: Final = "known_ledgers"
_FILE_SIZE_MAX: Final = 16 * 1024 * 1024


class Known(NamedTuple):
    """A key trusted before, and where that is written."""

    key: str
    place: str


class ClientState(Protocol):
    """What a client remembers; any number of threads and processes may share it."""

    def known(self, url: str) -> Known | None:
        """The key that was trusted for a URL."""

    def remember(self, url: str, key: str) -> Known:
        """Trust a key from now on; the answer is another one if somebody was faster."""

    def last(self, key: str, *, witnessed: bool = False) -> str | None:
        """The last verified checkpoint of the ledger with this pinned key (`indelible.client.memory`).

        With `witnessed` the last one that was verified to be cosigned as well; kept by itself.
        """

    def replace_last(
        self, key: str, expected: str | None, seen: str, *, witnessed: bool = False
    ) -> bool:
        """Put `seen` in the place of `expected`; False if that is not the last one any more."""

    def save_evidence(self, name: str, data: bytes) -> str:
        """Keep evidence; the answer says where, or is empty where nothing is kept."""


class StateInMemory:
    """`ClientState` of a ledger that is gone with its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._last: dict[tuple[str, bool], str] = {}

    def known(self, url: str) -> Known | None:
        """See `ClientState.known`."""
        key = self._known.get(url)
        return None if key is None else Known(key, "this process")

    def remember(self, url: str, key: str) -> Known:
        """See `ClientState.remember`."""
        return Known(self._known.setdefault(url, key), "this process")

    def last(self, key: str, *, witnessed: bool = False) -> str | None:
        """See `ClientState.last`."""
        return self._last.get((key, witnessed))

    def replace_last(
        self, key: str, expected: str | None, seen: str, *, witnessed: bool = False
    ) -> bool:
        """See `ClientState.replace_last`."""
        with self._lock:
            if self._last.get((key, witnessed)) != expected:
                return False
            self._last[key, witnessed] = seen
            return True

    def save_evidence(self, name: str, data: bytes) -> str:
        """See `ClientState.save_evidence`; the error carries the notes."""
        del name, data
        return ""


@dataclass(frozen=True, slots=True)
class StateFolder:
    """`ClientState` in files of mode 0600; each is replaced as a whole.

    Raises:
        ConfigurationError: (every method) A file cannot be read or written, or is damaged.
    """

    path: Path

    @classmethod
    def default(cls) -> "StateFolder":
        """The folder of this user."""
        if named := os.environ.get(STATE_VARIABLE):
            return cls(Path(named))
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return cls(Path(home) / "indelible")

    def known(self, url: str) -> Known | None:
        """See `ClientState.known`."""
        path = self.path / KNOWN_FILE
        for number, line in enumerate((_read(path) or "").split("\n"), 1):
            if not line.strip() or line.startswith("#"):
                continue
            place, _, key = line.partition(" ")
            if place == url:
                return Known(_checked(key.strip(), path, number), f"{path}, line {number}")
        return None

    def remember(self, url: str, key: str) -> Known:
        """See `ClientState.remember`."""
        with self._locked():
            if (known := self.known(url)) is None:
                text = _read(self.path / KNOWN_FILE) or ""
                if text and not text.endswith("\n"):
                    text += "\n"
                _write(self.path / KNOWN_FILE, f"{text}{url} {key}\n".encode())
        return known or self.known(url) or Known(key, str(self.path / KNOWN_FILE))

    def last(self, key: str, *, witnessed: bool = False) -> str | None:
        """See `ClientState.last`."""
        return _read(self._last_file(key, witnessed))

    def replace_last(
        self, key: str, expected: str | None, seen: str, *, witnessed: bool = False
    ) -> bool:
        """See `ClientState.replace_last`."""
        with self._locked():
            if self.last(key, witnessed=witnessed) != expected:
                return False
            _write(self._last_file(key, witnessed), seen.encode())
            return True

    def save_evidence(self, name: str, data: bytes) -> str:
        """See `ClientState.save_evidence`."""
        path = self.path / "evidence" / name
        _write(path, data)
        return str(path)

    def save_checkpoint(self, origin: str, tree_size: int, note: str) -> Path:
        """Keep a verified checkpoint for later audits."""
        path = self._saved_folder(origin) / f"{tree_size:020d}.note"
        _write(path, note.encode())
        return path

    def saved_checkpoints(self, origin: str) -> Sequence[str]:
        """The checkpoints of an origin that were kept, as notes, smallest tree first."""
        try:
            paths = sorted(self._saved_folder(origin).glob("*.note"))
        except OSError as error:
            raise ConfigurationError(f"cannot list {self.path}: {error.strerror}") from error
        return [note for path in paths if (note := _read(path)) is not None]

    def _last_file(self, key: str, witnessed: bool) -> Path:
        return self.path / "last" / f"{_digest(key)}{'.cosigned' if witnessed else ''}.json"

    def _saved_folder(self, origin: str) -> Path:
        return self.path / "saved" / _digest(origin)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        _make(self.path)
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.path / "lock"))
            except OSError as error:
                raise ConfigurationError(f"cannot lock {self.path}: {error.strerror}") from error
            yield


def checked_path(path: Any, what: str) -> Path:
    """A path that was given to the SDK, if it is one.

    Raises:
        InputError: It is none.
    """
    if not isinstance(path, str | os.PathLike) or "\x00" in str(path):
        raise InputError(f"{what} is a path, not {path!r:.80}")
    return Path(path)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_SIZE_MAX + 1)
        if len(data) > _FILE_SIZE_MAX:  # what is cut off would be forgotten
            raise ConfigurationError(f"{path} has more than {_FILE_SIZE_MAX} bytes")
        return data.decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error


def _write(path: Path, data: bytes) -> None:
    _make(path.parent)
    try:
        replace_file(path, data)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot make folder {folder}: {error.strerror}") from error


def _checked(key: str, path: Path, number: int) -> str:
    try:
        parse_verifier_key(key)
    except InputError as error:
        raise ConfigurationError(
            f"{path}, line {number}: {error.message}", hint="each line is: URL VERIFIER-KEY"
        ) from error
    return key
