"""PostgreSQL's own programs; Debian keeps them out of PATH."""

import os
from pathlib import Path
from shutil import which
from typing import Final

from infra.errors import MissingProgramError

_DEBIAN: Final = Path("/usr/lib/postgresql")
_ACCOUNT: Final = "postgres"


def find_programs() -> Path:
    """The folder with `initdb` and `postgres`, of the newest version there is.

    Raises:
        MissingProgramError: There is none.
    """
    found = which("initdb")
    if found is not None and which("postgres") is not None:
        return Path(found).resolve().parent
    folders = [initdb.parent for initdb in _DEBIAN.glob("*/bin/initdb")]
    if not folders:
        raise MissingProgramError("the PostgreSQL server", install="apt-get install postgresql")
    return max(folders, key=lambda folder: float(folder.parent.name))


def server_account() -> str | None:
    """Who must run the server: it refuses root, so root runs it as `postgres`; else we ourselves."""
    return _ACCOUNT if os.geteuid() == 0 else None
