"""A real Kafka Connect worker (standalone) with Debezium's JDBC sink, from Maven, without Docker.

```
plugins.py     Debezium's plugin archive -> .runtime/, once per checkout
properties.py  what a worker is told (pure)
rest.py        its REST interface: make, restart, wait until RUNNING
worker.py      ConnectWorker: start, stop, kill, restart
errors.py      what can go wrong with connectors
__main__.py    python -m infra.connect plugins | up | down
```

Kafka's own jars (`infra.kafka`) bring the worker and the FileStreamSink.
"""

from infra.connect.errors import ConnectError, ConnectorFailedError
from infra.connect.worker import ConnectWorker

__all__ = ["ConnectError", "ConnectWorker", "ConnectorFailedError"]
