"""FEEDS OUT: every revision of a ledger, once and in order, into Kafka topics and elsewhere.

```
topics.py        table <-> topic (pure)          records.py       what a revision says (pure)
plain.py         documents as plain JSON (pure)  declarations.py  columns by TOML; --infer (pure)
columns.py       one type of column each (pure)  json_format.py, avro_format.py  bytes (pure)
feed.py          follows a journal by the reader rule; where it was, it goes on
planning.py      blocks -> batches of changes; what a dropped table leaves behind
sinks.py         the port through which changes leave; progress.py: how far it got
kafka/           transactions, topics, progress: exactly once into Kafka
webhook.py, files.py  the sinks without Kafka; lines.py, parking.py: what they write
exporter.py      the loop: feed -> plan -> sink
connect/         configurations of Kafka Connect sinks (pure)
agents/          Faust: typed topics, and what was handled is skipped
```

Whoever reads Kafka does so with `isolation.level=read_committed`. Everything here is derived: the journal
is the only truth, and each record carries the hash that leads to its receipt.
"""
