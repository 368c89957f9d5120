"""What is measured, each behind the `Target` protocol.

```
target.py    the protocol
ledgers.py   a Ledger of this process shared by threads: in a file, on one broker, on three
postgres.py  PostgreSQL: plain, with history and deferred block hash, with an inline hash chain
pgbench.py   PostgreSQL's own client, in C
sql/         tables, triggers and functions; pgbench's scripts
```
"""
