"""The connector plugins that Kafka does not bring: Debezium's JDBC sink, with PostgreSQL's driver in it.

```
.runtime/connect-debezium-jdbc-3.6.0.Final/debezium-connector-jdbc/*.jar
```

Debezium publishes it as an archive of jars that are loaded beside Kafka's, not among them. The archive is
58 MB; it is compared with the digest below before anything of it is used.
"""

import hashlib
import tarfile
from pathlib import Path
from typing import Final

from infra.errors import InfrastructureError
from infra.kafka.jars import RUNTIME
from infra.maven import fetch_once, run_maven

DEBEZIUM_VERSION: Final = "3.6.0.Final"
ARCHIVE_SHA256: Final = "c23af8d416f0f801ffb0271b1a8fd9b5360ff8d66b0dd650e066bb56ecfddc05"
FOLDER: Final = RUNTIME / f"connect-debezium-jdbc-{DEBEZIUM_VERSION}"

_ARTIFACT: Final = f"io.debezium:debezium-connector-jdbc:{DEBEZIUM_VERSION}:tar.gz:plugin"


def ensure_plugins() -> Path:
    """The folder for `plugin.path`; fetches what is not there.

    Raises:
        MissingProgramError: Maven is needed and not installed.
        InfrastructureError: It cannot be fetched, or is not what it was.
    """
    return fetch_once(FOLDER, _fetch)


def _fetch(target: Path) -> None:
    run_maven("dependency:copy", f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={target}")
    (archive,) = target.glob("*.tar.gz")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != ARCHIVE_SHA256:
        raise InfrastructureError(
            f"{_ARTIFACT} has SHA-256 {digest}, expected {ARCHIVE_SHA256}: do not use it"
        )
    with tarfile.open(archive) as opened:
        opened.extractall(target, filter="data")
    archive.unlink()
