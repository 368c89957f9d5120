"""Ledger URLs.

```
memory:                                             gone when it is closed
file:DIR[?name=NAME&prefix=PREFIX]                  journal and state in a folder
kafka://HOST:PORT[,HOST:PORT]/LEDGER[?data=DIR&prefix=PREFIX]
```
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

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
    """`file:DIR`."""

    folder: Path
    name: str = DEFAULT_NAME
    prefix: str = DEFAULT_PREFIX


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


Address = MemoryAddress | FileAddress | KafkaAddress


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
            return FileAddress(folder=Path(folder), **_only(url, options, "name", "prefix"))
        case "kafka":
            return _kafka(url, options)
        case "http" | "https":
            raise UnsupportedError("this release has no HTTP node", hint=_FORMS)
        case _:
            raise InputError(f"unknown kind of ledger URL: {url!r}", hint=_FORMS)


_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
"""What neither a path nor a topic can have."""
_PREFIX: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9._-]{1,100}")
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
