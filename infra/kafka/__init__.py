"""A real Apache Kafka of one or three brokers from Maven jars: KRaft, no ZooKeeper, no Docker.

```
jars.py        pom.xml -> .runtime/kafka-4.3.1/libs, once per checkout
java.py        the Java that runs them
archive.py     a class-data archive that halves the start, made once
checkpoint.py  what a formatted folder holds, made once
properties.py  what a broker is told (pure)
broker.py      one broker process
cluster.py     KafkaCluster: start, stop, kill, pause, restart
__main__.py    python -m infra.kafka jars | up | down
```
"""

from infra.kafka.cluster import KafkaCluster

__all__ = ["KafkaCluster"]
