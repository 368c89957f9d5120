"""Kafka's jars, fetched by Maven once and kept in `.runtime/` of the checkout.

```
.runtime/kafka-4.3.1/libs/      the jars, complete or not there
.runtime/kafka-4.3.1/libs.lock  held while they are fetched: of two processes one fetches, one waits
```
"""

from pathlib import Path
from typing import Final

from infra.maven import fetch_once, run_maven

KAFKA_VERSION: Final = "4.3.1"
"""Stands in pom.xml too; a test holds them together."""

RUNTIME: Final = Path(__file__).parents[2] / ".runtime"
FOLDER: Final = RUNTIME / f"kafka-{KAFKA_VERSION}"

_POM: Final = Path(__file__).with_name("pom.xml")


def ensure_jars() -> Path:
    """The folder with all jars; fetches them (about 60 MB) if they are not there.

    Raises:
        MissingProgramError: Maven is needed and not installed.
        InfrastructureError: Maven cannot fetch them.
    """
    return fetch_once(FOLDER / "libs", _fetch)


def classpath() -> str:
    """All jars in one fixed order, which a class-data archive depends on."""
    return ":".join(sorted(str(jar) for jar in ensure_jars().glob("*.jar")))


def _fetch(target: Path) -> None:
    copy = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}")
    run_maven("-f", str(_POM), *copy)
