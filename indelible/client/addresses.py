"""Ledger URLs.

```
memory:                                             gone when it is closed
file:DIR[?name=NAME&prefix=PREFIX]                  journal and state in a folder
kafka://HOST:PORT[,HOST:PORT]/LEDGER[?data=DIR&prefix=PREFIX]
export:DIR                                          an exported journal: audited and restored, not opened
```
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from journal.errors import InputError, UnsupportedError

DEFAULT_NAME: Final = "ledger"
DEFAULT_PREFIX: Final = "indelible"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAddress:
    """`memory:`."""

    name: str = DEFAULT_NAME
    prefix: str = DEFAULT_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAddress:
    """`file:DIR`.

    Attributes:
        named: The URL says the name, even if it is the default one.
    """

    folder: Path
    name: str = DEFAULT_NAME
    prefix: str = DEFAULT_PREFIX
    named: bool = field(default=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAddress:
    """`kafka://BOOTSTRAP/LEDGER`. `name` is empty where the URL names a cluster only."""

    bootstrap: str
    name: str
    data: Path | None = None
    prefix: str = DEFAULT_PREFIX

    def folder(self) -> Path:
        """Where this machine keeps the ledger's state: `data`, or a folder of the user's."""
        if self.data is not None:
            return self.data
        home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        server = self.bootstrap.split(",")[0].replace(":", "_")
        return Path(home) / "indelible" / server / f"{self.prefix}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAddress:
    """`export:DIR`."""

    folder: Path


Address = MemoryAddress | FileAddress | KafkaAddress
JournalAddress = FileAddress | KafkaAddress | ExportAddress
"""Where the bytes of a journal are."""


def parse_address(url: str) -> Address:
    """What a URL names.

    >>> parse_address("file:./registry")
    FileAddress(folder=PosixPath('registry'), name='ledger', prefix='indelible')
    >>> parse_address("kafka://127.0.0.1:9092/registry").name
    'registry'

    Raises:
        InputError: Not a ledger URL.
    """
    if not isinstance(url, str):
        raise InputError(f"a ledger URL is a string, not a {type(url).__name__}", hint=_FORMS)
    scheme, colon, rest = url.partition(":")
    if not colon or _UNFIT.search(unquote(url)):
        raise InputError(f"not a ledger URL: {url!r}", hint=_FORMS)
    path, _, query = rest.partition("?")
    options = _options(url, query)
    match scheme:
        case "memory":
            return MemoryAddress(**_only(url, options, "name", "prefix"))
        case "file":
            folder = unquote(path.removeprefix("//") if path.startswith("///") else path)
            if not folder:
                raise InputError(f"no folder in {url!r}", hint=_FORMS)
            allowed = _only(url, options, "name", "prefix")
            return FileAddress(folder=Path(folder), named="name" in allowed, **allowed)
        case "kafka":
            return _kafka(url, options)
        case "export":
            raise InputError(
                f"an export is not opened as a ledger: {url!r}",
                hint="`indelible audit` checks it, `indelible restore` makes a ledger of it",
            )
        case "http" | "https":
            raise UnsupportedError("this release has no HTTP node", hint=_FORMS)
        case _:
            raise InputError(f"unknown kind of ledger URL: {url!r}", hint=_FORMS)


def canonical_url(address: Address) -> str:
    """The one URL under which a client remembers a ledger; empty for one in memory.

    >>> canonical_url(parse_address("kafka://127.0.0.1:9092/registry?data=/var/lib/indelible"))
    'kafka://127.0.0.1:9092/registry'
    """
    if isinstance(address, MemoryAddress):
        return ""
    given = {"prefix": (address.prefix, DEFAULT_PREFIX)}
    if isinstance(address, FileAddress):
        place = f"file:{quote(os.fsencode(address.folder.resolve()))}"
        given["name"] = (address.name, DEFAULT_NAME)
    else:
        place = f"kafka://{quote(address.bootstrap, safe=',:[]')}/{quote(address.name)}"
    options = {key: value for key, (value, default) in given.items() if value != default}
    return f"{place}?{urlencode(options)}" if options else place


def parse_journal_address(url: str) -> JournalAddress:
    """What a URL names, where only the journal is read.

    >>> parse_journal_address("export:./copy")
    ExportAddress(folder=PosixPath('copy'))

    Raises:
        InputError: Not the URL of a ledger or an export, or of a ledger that leaves no journal.
    """
    if isinstance(url, str) and url.startswith("export:") and not _UNFIT.search(unquote(url)):
        folder = unquote(url.removeprefix("export:"))
        if not folder:
            raise InputError(f"no folder in {url!r}", hint=_JOURNAL_FORMS)
        return ExportAddress(folder=Path(folder))
    address = parse_address(url)
    if isinstance(address, MemoryAddress):
        raise InputError("a ledger in memory leaves no journal", hint=_JOURNAL_FORMS)
    if not address.name:
        raise InputError(f"no ledger is named in {url!r}", hint=_JOURNAL_FORMS)
    return address


_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
"""What neither a path nor a topic can have."""
_PREFIX: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9._-]{1,100}")
_JOURNAL_FORMS: Final = "file:DIR, kafka://HOST:PORT/LEDGER or export:DIR"
_FORMS: Final = "memory:, file:DIR or kafka://HOST:PORT/LEDGER?data=DIR"


def _kafka(url: str, options: dict[str, str]) -> KafkaAddress:
    try:
        parts = urlsplit(url)
    except ValueError as error:  # brackets that are no IPv6 address
        raise InputError(f"not a ledger URL: {url!r}: {error}", hint=_FORMS) from None
    name = parts.path.strip("/")
    if not parts.netloc or "/" in name:
        raise InputError(f"not a ledger URL: {url!r}", hint=_FORMS)
    allowed = _only(url, options, "data", "prefix")
    data = allowed.pop("data", None)
    return KafkaAddress(
        bootstrap=parts.netloc, name=name, data=None if data is None else Path(data), **allowed
    )


def _options(url: str, query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else {}
    except ValueError:
        raise InputError(f"the part after ? cannot be read in {url!r}", hint=_FORMS) from None


def _only(url: str, options: dict[str, str], *known: str) -> dict[str, str]:
    for key in options:
        if key not in known:
            raise InputError(
                f"unknown option {key!r} in {url!r}", hint=f"known: {', '.join(known)}"
            )
    if not _PREFIX.fullmatch(options.get("prefix", DEFAULT_PREFIX)):
        raise InputError(
            f"not a prefix: {options['prefix']!r}",
            hint="1 to 100 letters, digits, dots, hyphens and underscores, and no two dots together",
        )
    return dict(options)
