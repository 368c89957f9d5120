"""The Java that runs Kafka: found once, checked once."""

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import which
from typing import Final

from infra.errors import MissingProgramError

VERSION_MIN: Final = 17
_INSTALL: Final = "apt-get install default-jre-headless, or set JAVA_HOME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """One Java runtime.

    Attributes:
        program: The `java` to run.
        version: As it says itself, e.g. "17.0.15".
    """

    program: Path
    version: str


@cache
def find_java() -> Java:
    """The Java of JAVA_HOME, else the one in PATH.

    Raises:
        MissingProgramError: There is none, or it is older than 17.
    """
    program = _program()
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r'version "((\d+)[^"]*)"', answer.stderr)
    if found is None or int(found[2]) < VERSION_MIN:
        raise MissingProgramError(f"Java {VERSION_MIN} or newer", install=_INSTALL)
    return Java(program=program, version=found[1])


def _program() -> Path:
    home = os.environ.get("JAVA_HOME")
    found = which("java", path=f"{home}/bin") if home else which("java")
    if found is None:
        raise MissingProgramError(f"Java {VERSION_MIN} or newer", install=_INSTALL)
    return Path(found)
