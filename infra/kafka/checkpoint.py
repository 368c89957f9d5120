"""The `bootstrap.checkpoint` of a formatted folder, made once.

`kafka-storage.sh format` writes two files. This one holds Kafka's feature levels and is the same for
every node of every cluster of one Kafka version; so it is kept, and a node is formatted by copying it
instead of starting another Java.
"""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from infra.errors import InfrastructureError
from infra.kafka.jars import FOLDER, classpath
from infra.kafka.java import find_java
from infra.kafka.properties import Node, format_properties, server_properties
from infra.maven import only_one

_NAME: Final = "bootstrap.checkpoint"
_TIMEOUT_SECONDS: Final = 60


def bootstrap_checkpoint() -> bytes:
    """The bytes of the file.

    Raises:
        MissingProgramError: Java or Maven is missing.
        InfrastructureError: Kafka's tool failed.
    """
    jars = classpath()
    kept = FOLDER / _NAME
    if not kept.exists():
        with only_one(FOLDER / "checkpoint.lock"), TemporaryDirectory(dir=FOLDER) as folder:
            _format(Path(folder), jars).rename(kept)
    return kept.read_bytes()


def _format(folder: Path, jars: str) -> Path:
    settings = folder / "server.properties"
    node = Node(id=1, port=9092, controller_port=9093)
    settings.write_text(format_properties(server_properties(node, [node], folder / "data")))
    java = str(find_java().program)
    done = subprocess.run(  # noqa: S603
        [java, "kafka.tools.StorageTool", "format", "-t", "I" + "A" * 21, "-c", str(settings)],
        env={**os.environ, "CLASSPATH": jars},
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    if done.returncode != 0:
        raise InfrastructureError(f"Kafka cannot format a folder:\n{done.stdout}{done.stderr}")
    return folder / "data" / _NAME
