"""Configurations of Kafka Connect's sinks that fit the topics of a ledger (pure).

```
source.py         which topic is read
jdbc.py           Debezium's JDBC sink: a table of current state, or of every revision
file.py           Kafka's FileStreamSink: one line a record
configuration.py  what all of them share; as the text that Connect takes
```
"""

from streams.connect.configuration import Connector, format_connector
from streams.connect.file import file_sink
from streams.connect.jdbc import jdbc_sink
from streams.connect.source import Source

__all__ = ["Connector", "Source", "file_sink", "format_connector", "jdbc_sink"]
