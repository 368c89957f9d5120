"""A throwaway PostgreSQL server, for tests of the JDBC sink and for benchmarks.

```
programs.py  where its programs are, and who may run them
server.py    PostgresServer: start, stop
```
"""

from infra.postgres.server import PostgresServer

__all__ = ["PostgresServer"]
