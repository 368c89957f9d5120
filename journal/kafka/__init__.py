"""A log in one Kafka topic of one partition: the production journal. All Kafka code is in here.

```
settings.py      what each client is told (pure)
requirements.py  what a topic must be set to, and how to repair it (pure)
names.py         ledger <-> topic (pure)
failures.py      Kafka's errors as ours
appender.py      one producer, one record at a time
reader.py        one consumer: a cursor
offsets.py       first and end offset, on a handle of their own
admin.py         TopicAdmin: create, check, identity, list
log.py           KafkaLog: all of them as a `journal.log.Log`
```
"""

from journal.kafka.admin import TopicAdmin
from journal.kafka.log import KafkaLog
from journal.kafka.names import ledger_of, topic_name
from journal.kafka.requirements import acl_commands
from journal.kafka.settings import Cluster

__all__ = ["Cluster", "KafkaLog", "TopicAdmin", "acl_commands", "ledger_of", "topic_name"]
