"""Exactly once into Kafka: topics, progress and transactions.

```
settings.py   what each client is told (pure)
names.py      which topics an exporter writes, and its transactional id (pure)
topics.py     makes topics, and refuses those that would lose something
progress.py   reads how far the exporters are
sink.py       one transaction per batch: records and the new position, all or none
```
"""
