"""What a worker is told: its properties file, and one file for each connector it starts with (pure)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

Configuration = Mapping[str, str]
"""A connector's settings, without its name."""

_JSON_CONVERTER: Final = "org.apache.kafka.connect.json.JsonConverter"


def worker_properties(
    *, bootstrap_servers: str, port: int, plugins: Path, folder: Path
) -> Mapping[str, str]:
    """All settings of a standalone worker.

    Args:
        bootstrap_servers: The Kafka it reads from.
        port: Of its REST interface, on 127.0.0.1 only: whoever reaches it can make connectors.
        plugins: See `infra.connect.plugins`.
        folder: Where it keeps the offsets of source connectors.
    """
    return {
        "bootstrap.servers": bootstrap_servers,
        "listeners": f"http://127.0.0.1:{port}",
        "plugin.path": str(plugins),
        "plugin.discovery": "service_load",  # Scanning all classes would take 8 s more.
        "key.converter": _JSON_CONVERTER,
        "value.converter": _JSON_CONVERTER,
        "offset.storage.file.filename": str(folder / "offsets"),
        "offset.flush.interval.ms": "1000",
        "connector.client.config.override.policy": "All",
        # `${env:NAME}` in a connector's settings is filled in by the worker and shown to nobody.
        "config.providers": "env",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    }


def connector_file(name: str, configuration: Configuration) -> str:
    """A connector as the worker takes it on its command line: JSON since Kafka 3.8 (KIP-980)."""
    return json.dumps({"name": name, "config": dict(configuration)}, indent=2) + "\n"
