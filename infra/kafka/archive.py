"""A class-data archive (AppCDS): halves the time and work of every later start; made once per Java.

It is an optimisation and nothing else: where it cannot be made, or does not fit, Java starts without.
"""

from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from time import monotonic
from typing import Final

from infra.errors import StartError
from infra.kafka.broker import Broker
from infra.kafka.jars import FOLDER
from infra.kafka.java import find_java
from infra.kafka.properties import Node
from infra.maven import only_one
from infra.processes import free_ports

_TIMEOUT_SECONDS: Final = 60


def archive_options(checkpoint: bytes) -> list[str]:
    """Java options that use the archive, after making it if there is none (about 6 s)."""
    archive = _archive_path()
    if not archive.exists():
        with only_one(archive.with_suffix(".lock")):
            if not archive.exists():
                _make(archive, checkpoint)
    usable = archive.exists() and archive.stat().st_size > 0
    return [f"-XX:SharedArchiveFile={archive}"] if usable else []


def _archive_path() -> Path:
    java = find_java()
    build = f"{java.program.resolve()} {java.version}".encode()
    return FOLDER / f"classes-{sha256(build).hexdigest()[:12]}.jsa"


def _make(archive: Path, checkpoint: bytes) -> None:
    folder = Path(mkdtemp(prefix="archive-", dir=FOLDER))
    unfinished = folder / "classes.jsa"
    port, controller_port = free_ports(2)
    node = Node(id=1, port=port, controller_port=controller_port)
    broker = Broker(node, folder, java_options=[f"-XX:ArchiveClassesAtExit={unfinished}"])
    try:
        broker.format(checkpoint, cluster_id="archive")
        broker.start([node])
        broker.wait_until_ready(monotonic() + _TIMEOUT_SECONDS)
        broker.stop(grace_seconds=_TIMEOUT_SECONDS)
        unfinished.touch()  # An empty one says that this Java makes none.
        unfinished.rename(archive)
    except StartError:
        pass
    finally:
        broker.kill()
        rmtree(folder, ignore_errors=True)
