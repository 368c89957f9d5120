"""Ledgers on Kafka: making one, and listing those of a cluster.

A ledger on Kafka is made on purpose, never at first use: its topic must have settings that cannot be
repaired later without doubt (retention, replicas), and somebody must restrict who may write it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from indelible.client.addresses import KafkaAddress
from indelible.engine.creation import Durability, check_name, create_genesis
from indelible.engine.keys import KeyFolder
from indelible.engine.ledgers import CreatedLedger
from indelible.engine.node import writer_name
from indelible.engine.opening import LOCK_FILE, private_folder
from journal.errors import LedgerExistsError
from journal.ids import id_text
from journal.kafka import Cluster, KafkaLog, TopicAdmin, acl_commands, topic_name
from journal.lock import WriterLock


def create_kafka_ledger(
    address: KafkaAddress,
    *,
    principal: str,
    kafka: Mapping[str, str],
    durability: Durability,
) -> CreatedLedger:
    """Make a ledger on a cluster: its topic, its key pair and its genesis.

    A creation that was cut short after the topic was made is completed here.

    Args:
        address: Cluster, name, and the folder that gets the private key.
        principal: Who makes it; kept in the genesis.
        kafka: Further options of the Kafka client.
        durability: What its owner accepts about the topic; kept in the genesis for ever.

    Raises:
        LedgerExistsError: There is one, or somebody else was faster.
        JournalSettingsError: The cluster cannot keep what a journal promises.
        LedgerError: See `create_genesis`.
    """
    check_name(address.name)
    cluster = Cluster(bootstrap_servers=address.bootstrap, options=dict(kafka))
    topic = topic_name(address.prefix, address.name)
    folder = private_folder(address.folder())
    with WriterLock(folder / LOCK_FILE):
        ensure_topic(TopicAdmin(cluster), topic, durability)
        log = KafkaLog(cluster, topic)
        try:
            ledger = create_genesis(
                log,
                name=address.name,
                prefix=address.prefix,
                keys=KeyFolder(folder),
                durability=durability,
                principal=principal,
                writer=writer_name(),
            )
        finally:
            log.close()
    writer = kafka.get("sasl.username", "indelible")
    return CreatedLedger(
        name=ledger.name,
        strand_id=id_text(ledger.strand_id),
        checkpoint_key=ledger.checkpoint_key,
        folder=folder,
        access_commands=acl_commands(topic, principal=writer, bootstrap_servers=address.bootstrap),
    )


def kafka_ledgers(address: KafkaAddress, kafka: Mapping[str, str]) -> Sequence[str]:
    """Names of the ledgers of a cluster, sorted.

    Raises:
        LogUnavailableError: The cluster does not answer.
    """
    cluster = Cluster(bootstrap_servers=address.bootstrap, options=dict(kafka))
    return TopicAdmin(cluster).ledgers(address.prefix)


def ensure_topic(admin: TopicAdmin, topic: str, durability: Durability) -> None:
    """Make the topic; one that is there must have the right settings (and be empty).

    Raises:
        JournalSettingsError: They are weaker.
        LogUnavailableError: The cluster does not answer.
    """
    with suppress(LedgerExistsError):
        admin.create(topic, allow_single_broker=durability.allow_single_broker)
    admin.check(
        topic,
        allow_single_broker=durability.allow_single_broker,
        unverified_settings=durability.unverified_settings,
    )
