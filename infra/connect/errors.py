"""What can go wrong with connectors.

```
InfrastructureError
  ConnectError            the worker refused a request, or does not answer
    ConnectorFailedError  a connector or one of its tasks has given up; the message has its stack trace
```
"""

from infra.errors import InfrastructureError


class ConnectError(InfrastructureError):
    """A request to the REST interface did not succeed."""

    def __init__(self, request: str, reason: str, *, status: int | None = None) -> None:
        self.request, self.reason, self.status = request, reason, status
        super().__init__(f"{request}: {reason}")


class ConnectorFailedError(ConnectError):
    """A connector is FAILED: it does nothing until it is restarted."""
