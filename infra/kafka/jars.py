"""Kafka's jars, fetched by Maven once and kept in `.runtime/` of the checkout.

```
.runtime/kafka-4.3.1/libs/      the jars, complete or not there
.runtime/kafka-4.3.1/jars.lock  held while they are fetched: of two processes one fetches, one waits
```
"""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree, which
from tempfile import mkdtemp
from typing import Final

from infra.errors import InfrastructureError, MissingProgramError

KAFKA_VERSION: Final = "4.3.1"
"""Stands in pom.xml too; a test holds them together."""

RUNTIME: Final = Path(__file__).parents[2] / ".runtime"
FOLDER: Final = RUNTIME / f"kafka-{KAFKA_VERSION}"

_POM: Final = Path(__file__).with_name("pom.xml")
_TIMEOUT_SECONDS: Final = 900


def ensure_jars() -> Path:
    """The folder with all jars; fetches them (about 60 MB) if they are not there.

    Raises:
        MissingProgramError: Maven is needed and not installed.
        InfrastructureError: Maven cannot fetch them.
    """
    libs = FOLDER / "libs"
    if not libs.exists():
        with only_one(FOLDER / "jars.lock"):
            if not libs.exists():
                _fetch(libs)
    return libs


def classpath() -> str:
    """All jars in one fixed order, which a class-data archive depends on."""
    return ":".join(sorted(str(jar) for jar in ensure_jars().glob("*.jar")))


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Wait until no other process holds `lock`, and hold it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(libs: Path) -> None:
    maven = which("mvn")
    if maven is None:
        raise MissingProgramError("Maven (mvn)", install="apt-get install maven")
    FOLDER.mkdir(parents=True, exist_ok=True)
    unfinished = Path(mkdtemp(prefix="libs-", dir=FOLDER))
    try:
        _run_maven(maven, unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(libs)
    finally:
        rmtree(unfinished, ignore_errors=True)


def _run_maven(maven: str, target: Path) -> None:
    command = [maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies"]
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"Maven took more than {_TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise InfrastructureError(f"Maven cannot fetch Kafka:\n{done.stdout}{done.stderr}")
