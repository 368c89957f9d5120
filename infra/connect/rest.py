"""The REST interface of a Connect worker, as far as it is needed here."""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import quote

from infra.connect.errors import ConnectError, ConnectorFailedError
from infra.connect.properties import Configuration

_TIMEOUT_SECONDS: Final = 90
"""Connect answers a request that it cannot fulfil after 90 s itself."""
_INTERVAL_SECONDS: Final = 0.05
_NOT_FOUND: Final = 404
_TRACE_SIZE_MAX: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a connector does.

    Attributes:
        connector: RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, RESTARTING.
        tasks: The same of each task; none before the first one is assigned.
        trace: The stack trace of the first that failed, else empty.
    """

    connector: str
    tasks: Sequence[str]
    trace: str

    @property
    def is_running(self) -> bool:
        """Whether the connector and at least one task run, and no task does anything else."""
        return bool(self.tasks) and {self.connector, *self.tasks} == {"RUNNING"}

    @property
    def has_failed(self) -> bool:
        """Whether the connector or a task has given up."""
        return "FAILED" in (self.connector, *self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectREST:
    """Requests to the worker on this port of 127.0.0.1; each has a connection of its own."""

    port: int

    def names(self) -> list[str]:
        """All connectors there are."""
        return sorted(self._call("GET", "/connectors"))

    def plugins(self) -> list[str]:
        """The classes of the connectors that could be made."""
        return sorted(plugin["class"] for plugin in self._call("GET", "/connector-plugins"))

    def put(self, name: str, configuration: Configuration) -> None:
        """Make a connector, or give it another configuration, which restarts it.

        Raises:
            ConnectError: The worker refuses the configuration; the message says why.
        """
        self._call("PUT", f"{_path(name)}/config", dict(configuration))

    def configuration(self, name: str) -> Configuration:
        """What a connector was made with, placeholders as they are."""
        found: Configuration = self._call("GET", f"{_path(name)}/config")
        return found

    def delete(self, name: str) -> None:
        """End a connector; what it wrote stays."""
        self._call("DELETE", _path(name))

    def restart(self, name: str) -> None:
        """Start a connector and its tasks anew, where they left off."""
        self._call("POST", f"{_path(name)}/restart?includeTasks=true&onlyFailed=false")

    def status(self, name: str) -> Status | None:
        """How a connector does; None when there is no such connector (yet)."""
        try:
            answer = self._call("GET", f"{_path(name)}/status")
        except ConnectError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        parts = [answer["connector"], *answer["tasks"]]
        return Status(
            connector=answer["connector"]["state"],
            tasks=[task["state"] for task in answer["tasks"]],
            trace=next((part["trace"] for part in parts if part.get("trace")), ""),
        )

    def wait_until_running(self, name: str, *, seconds: float) -> None:
        """Wait until a connector and its tasks run.

        Raises:
            ConnectorFailedError: It has given up, or does not run in that time.
        """
        deadline = monotonic() + seconds
        while not ((status := self.status(name)) and status.is_running):
            if status is not None and status.has_failed:
                raise ConnectorFailedError(name, status.trace[:_TRACE_SIZE_MAX])
            if monotonic() > deadline:
                raise ConnectorFailedError(name, f"not running after {seconds} s: {status}")
            sleep(_INTERVAL_SECONDS)

    def wait_until_failed(self, name: str, *, seconds: float) -> str:
        """Wait until a connector has given up; returns the stack trace.

        Raises:
            ConnectError: It has not in that time.
        """
        deadline = monotonic() + seconds
        while not ((status := self.status(name)) and status.has_failed):
            if monotonic() > deadline:
                raise ConnectError(name, f"has not failed in {seconds} s: {status}")
            sleep(_INTERVAL_SECONDS)
        return status.trace

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_SECONDS)
        headers = {"Content-Type": "application/json"}
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body).encode(), headers
            )
            response = connection.getresponse()
            text, status = response.read(), response.status
        except (OSError, http.client.HTTPException) as error:
            raise ConnectError(f"{method} {path}", f"no answer: {error}") from error
        finally:
            connection.close()
        if status >= http.client.BAD_REQUEST:
            raise ConnectError(f"{method} {path}", text.decode(errors="replace"), status=status)
        return json.loads(text) if text else None


def _path(name: str) -> str:
    return f"/connectors/{quote(name, safe='')}"
