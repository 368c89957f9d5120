"""What the commands of one invocation share: the settings, and how a ledger is opened with them."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import typer

import indelible
from indelible.cli.progress import CatchUpBar
from indelible.client.addresses import (
    Address,
    FileAddress,
    KafkaAddress,
    MemoryAddress,
    parse_address,
)
from indelible.engine.ledgers import require_journal
from indelible.engine.limits import Limits
from indelible.engine.node import STATE_FILE
from indelible.engine.restored import is_read_only
from indelible.settings import Effective, load
from journal.errors import InputError, LedgerLockedError

_URL: Final = re.compile(r"(memory|file|kafka|https?|export):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The effective settings of this invocation."""

    effective: Effective

    @property
    def kafka(self) -> dict[str, str]:
        """Options for the Kafka client."""
        return dict(self.effective.settings.kafka)

    @property
    def principal(self) -> str | None:
        """Who transactions are by; None: the system's user."""
        return self.effective.settings.ledger.principal or None

    @property
    def limits(self) -> Limits:
        """Bounds on requests."""
        return Limits(**msgspec.structs.asdict(self.effective.settings.limits))

    def url_and(self, *values: str | None) -> list[str]:
        """The positional arguments, URL first; it is taken from the settings where it was left out.

        Args:
            values: As many as the command takes; what was not given is None, at the end.

        Raises:
            InputError: No URL, or too few arguments.
        """
        found = [value for value in values if value is not None]
        if not found or not _URL.match(found[0]):
            default = self.effective.settings.ledger.url
            if not default and not found:
                raise InputError("which ledger?", hint=_FORMS)
            if not default or len(found) == len(values):
                raise InputError(f"not a ledger URL: {found[0]!r}", hint=_FORMS)
            found.insert(0, default)
        if len(found) < len(values):
            raise InputError("an argument is missing", hint="--help shows what the command takes")
        return found

    def writer(self, url: str) -> indelible.Ledger:
        """The ledger at `url` for writing; one in a folder is made if it is not there."""
        return self._open(url, read_only=False)

    def reader(self, url: str, **trust: Any) -> indelible.Ledger:
        """The ledger at `url` for reading.

        A ledger that another process writes, a restored copy, or one whose folder is not ours to write
        is read as it is: what was committed, as of now. `trust`: what proofs are held against
        (`indelible.connect`).

        Raises:
            UnknownLedgerError: There is none.
        """
        address = parse_address(url)
        if _is_replica(address) or not _is_writable(address):
            return self._open(url, read_only=True, **trust)
        if isinstance(address, FileAddress):
            require_journal(address)
        try:
            return self._open(url, read_only=False, **trust)
        except LedgerLockedError:
            return self._open(url, read_only=True, **trust)

    def stored(self, url: str) -> FileAddress | KafkaAddress:
        """The address of a ledger that outlives its process.

        Raises:
            InputError: It is one in memory, or names no ledger.
        """
        address = parse_address(url)
        if isinstance(address, MemoryAddress):
            raise InputError("a ledger in memory is gone when the command ends", hint=_FORMS)
        if not address.name:
            raise InputError(f"no ledger is named in {url!r}", hint=_FORMS)
        return address

    def _open(self, url: str, *, read_only: bool, **trust: Any) -> indelible.Ledger:
        with CatchUpBar() as bar:
            options: dict[str, Any] = {} if read_only else {"on_progress": bar}
            return indelible.connect(
                url,
                read_only=read_only,
                principal=self.principal,
                limits=self.limits,
                kafka=self.kafka,
                accept_clock=self.effective.settings.ledger.accept_clock,
                **options,
                **trust,
            )


_FORMS: Final = "give a URL: file:DIR or kafka://HOST:PORT/LEDGER?data=DIR; or set INDELIBLE_URL"


def session_of(context: typer.Context) -> Session:
    """The session of a command's context; settings are read when a command needs them."""
    make: Callable[[], Session] = context.obj
    return make()


def make_session(config: Path | None, overrides: list[str]) -> Session:
    """Read the settings.

    Raises:
        SettingsError: See `indelible.settings.load`.
        InputError: An override is not KEY=VALUE.
    """
    pairs = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise InputError(f"--set takes KEY=VALUE, not {override!r}")
        pairs[key] = value
    return Session(effective=load(config=config, environment=os.environ, overrides=pairs))


def _is_replica(address: Address) -> bool:
    """A folder with a state store and no journal: what `indelible materialize` keeps."""
    if not isinstance(address, FileAddress):
        return False
    folder = address.folder
    return (folder / STATE_FILE).exists() and not (folder / "journal.db").exists()


def _is_writable(address: Address) -> bool:
    if not isinstance(address, MemoryAddress) and address.name:
        folder = address.folder if isinstance(address, FileAddress) else address.folder()
        if is_read_only(folder):
            return False
    if not isinstance(address, FileAddress) or not address.folder.exists():
        return True
    return os.access(address.folder, os.W_OK)
