"""`python3 -m infra.system`: install the programs that servers in `infra` need, where that is possible.

On a machine with `apt-get` and root (or sudo without a password) it installs what is missing, touching
nothing when nothing is. Elsewhere it says what to install and exits with 1. Standard library only: it
runs before there is a virtual environment.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from shutil import which
from typing import Final

from infra.errors import MissingProgramError
from infra.kafka.java import VERSION_MIN, find_java
from infra.postgres.programs import find_programs


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that must be there.

    Attributes:
        what: For people.
        package: Debian's name.
        is_present: Looks for it.
    """

    what: str
    package: str
    is_present: Callable[[], bool]


def main() -> int:
    """Install what is missing; returns the exit code."""
    missing = [need for need in NEEDS if not need.is_present()]
    if not missing:
        return 0
    packages = [need.package for need in missing]
    prefix = _installer_prefix()
    if prefix is None:
        _tell(missing)
        return 1
    _run([*prefix, "apt-get", "update", "-qq"])
    _run([*prefix, "apt-get", "install", "-qq", "--yes", "--no-install-recommends", *packages])
    find_java.cache_clear()
    still = [need for need in missing if not need.is_present()]
    if still:
        _tell(still)
    return 1 if still else 0


def _has_java() -> bool:
    try:
        find_java()
    except MissingProgramError:
        return False
    return True


def _has_postgres() -> bool:
    try:
        find_programs()
    except MissingProgramError:
        return False
    return True


NEEDS: Final = (
    Need(what=f"Java {VERSION_MIN}", package="default-jre-headless", is_present=_has_java),
    Need(what="Maven", package="maven", is_present=lambda: which("mvn") is not None),
    Need(what="the PostgreSQL server", package="postgresql", is_present=_has_postgres),
    Need(
        what="Python's venv",
        package="python3-venv",
        is_present=lambda: find_spec("ensurepip") is not None,
    ),
)


def _installer_prefix() -> list[str] | None:
    """What to put before apt-get to be root; None where that cannot be."""
    if which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive"]
    sudo = which("sudo")
    if sudo is None or subprocess.run([sudo, "-n", "true"], check=False).returncode != 0:  # noqa: S603
        return None
    return [sudo, "-n", "env", "DEBIAN_FRONTEND=noninteractive"]


def _run(command: list[str]) -> None:
    """Run it; a failure shows in what is still missing afterwards."""
    subprocess.run(command, check=False)  # noqa: S603


def _tell(missing: list[Need]) -> None:
    print("These programs are missing; install them first:", file=sys.stderr)
    for need in missing:
        print(f"  {need.what} (Debian: {need.package})", file=sys.stderr)
    print(f"  apt-get install {' '.join(need.package for need in missing)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
