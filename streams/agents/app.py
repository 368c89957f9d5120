"""A Faust application with the settings on which the promises of this folder rest."""

from pathlib import Path
from typing import Any, Final

import faust

from journal.errors import ConfigurationError
from streams.agents.transport import CommittedTransport
from streams.agents.watching import Watch, end_at_once, watch

_SESSION_SECONDS: Final = 10.0
_HEARTBEAT_SECONDS: Final = 3.0
_REQUEST_SECONDS: Final = 30.0
"""Faust waits 20 minutes for the answer to what it sends, and as long would everything behind it."""

_METADATA_AGE_MS: Final = 3_000
"""Topics that are made after Faust started are found when it looks again: else after 5 minutes."""

_FIXED: Final = frozenset(
    {
        "broker", "broker_session_timeout", "broker_heartbeat_interval", "consumer_auto_offset_reset",
        "datadir", "processing_guarantee", "topic_partitions", "topic_replication_factor",
    }
)  # fmt: skip


def agent_app(
    name: str,
    *,
    bootstrap_servers: str,
    partitions: int,
    replicas: int,
    data_folder: Path | None = None,
    stall_seconds: float = 60.0,
    **settings: Any,
) -> faust.App:
    """Make the application of one kind of worker; run as many workers of it as there are partitions.

    Args:
        name: Of the consumer group, and the beginning of its topics' names. Another name starts anew.
        bootstrap_servers: `HOST:PORT`, several separated by commas.
        partitions: As many as the topics that it reads have; those that it makes get as many.
        replicas: Of the topics that it makes (changelogs): 3, or 1 on a single broker.
        data_folder: Each worker's own.
        stall_seconds: A worker ends with exit code 75 when a partition stands still for so long.
        settings: Further settings of Faust, as in `faust.App(name, ...)`.

    Raises:
        ConfigurationError: A setting that is decided here.
    """
    refused = sorted(_FIXED & set(settings))
    if refused:
        raise ConfigurationError(
            f"{', '.join(refused)}: decided by agent_app",
            hint="use its own arguments; what rests on the others is in the guide",
        )
    if data_folder is not None:
        settings["datadir"] = str(data_folder)
    app = faust.App(
        name,
        broker=[f"kafka://{server.strip()}" for server in bootstrap_servers.split(",")],
        broker_session_timeout=_SESSION_SECONDS,
        broker_heartbeat_interval=_HEARTBEAT_SECONDS,
        consumer_auto_offset_reset="earliest",
        processing_guarantee="at_least_once",
        topic_partitions=partitions,
        topic_replication_factor=replicas,
        **{
            "store": "memory://",
            "web_enabled": False,
            "consumer_metadata_max_age_ms": _METADATA_AGE_MS,
            "broker_request_timeout": _REQUEST_SECONDS,
            "producer_request_timeout": _REQUEST_SECONDS,
            **settings,
        },
    )
    app.transport = CommittedTransport(app.conf.broker_consumer, app)
    watch(
        app,
        Watch(
            app,
            stall_seconds=stall_seconds,
            # Half the session: whoever takes over has to wait for all of it.
            lease_seconds=_SESSION_SECONDS / 2,
            end=end_at_once,
        ),
    )
    return app


def work(app: faust.App, *, log_level: str = "INFO") -> None:
    """Run a worker in this process until SIGTERM or SIGINT; raises SystemExit when it ends.

    `faust -A MODULE worker` does the same from a shell.
    """
    faust.Worker(app, loglevel=log_level).execute_from_commandline()
