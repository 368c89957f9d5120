"""RUNNING IT: real servers for development, tests and benchmarks, without Docker; nothing imports it.

`kafka` starts an Apache Kafka of one or three brokers, `connect` a Kafka Connect worker, `postgres` a
throwaway PostgreSQL, and `install-system-packages` brings what those need to a Debian-like machine.
Everything listens on 127.0.0.1 only, lives in one folder and ends with the process that started it. For
Docker users: `compose.yaml`.
"""
