"""Ledgers on Kafka: making one, and listing those of a cluster.

A ledger on Kafka is made on purpose, never at first use: its topic must have settings that cannot be
repaired later without doubt (retention, replicas), and somebody must restrict who may write it.
"""

from collections.abc import Mapping, Sequence

from indelible.client.addresses import KafkaAddress
from indelible.engine.creation import Durability, check_name, origin_of, private_key_in
from indelible.engine.ledgers import CreatedLedger
from indelible.engine.node import create_genesis
from indelible.engine.opening import LOCK_FILE, open_node, private_folder
from journal.errors import LedgerExistsError
from journal.ids import parse_id
from journal.kafka import Cluster, KafkaLog, TopicAdmin, acl_commands, topic_name
from journal.lock import WriterLock
from verifier.keys import verifier_key_of


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
        LedgerError: See `open_node`.
    """
    check_name(address.name)
    cluster = Cluster(bootstrap_servers=address.bootstrap, options=dict(kafka))
    topic = topic_name(address.prefix, address.name)
    folder = private_folder(address.folder())
    with WriterLock(folder / LOCK_FILE):
        private_key = private_key_in(folder)
        _write_genesis(
            cluster,
            topic,
            address,
            private_key=private_key,
            durability=durability,
            principal=principal,
        )
    key, strand_id = _genesis_of(address, kafka, principal)
    own = verifier_key_of(private_key, origin_of(address.prefix, address.name, parse_id(strand_id)))
    if key != own:
        raise LedgerExistsError(f"ledger {address.name!r} was made by somebody else just now")
    writer = kafka.get("sasl.username", "indelible")
    return CreatedLedger(
        name=address.name,
        strand_id=strand_id,
        checkpoint_key=key,
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


def _write_genesis(
    cluster: Cluster,
    topic: str,
    address: KafkaAddress,
    *,
    private_key: bytes,
    durability: Durability,
    principal: str,
) -> None:
    admin = TopicAdmin(cluster)
    try:
        admin.create(topic, allow_single_broker=durability.allow_single_broker)
        existing = None
    except LedgerExistsError as error:
        existing = error
    admin.check(
        topic,
        allow_single_broker=durability.allow_single_broker,
        unverified_settings=durability.unverified_settings,
    )
    log = KafkaLog(cluster, topic)
    try:
        if existing is not None and log.end_offset() > 0:
            raise existing
        create_genesis(
            log,
            name=address.name,
            prefix=address.prefix,
            private_key=private_key,
            durability=durability,
            principal=principal,
        )
    finally:
        log.close()


def _genesis_of(address: KafkaAddress, kafka: Mapping[str, str], principal: str) -> tuple[str, str]:
    """Checkpoint key and strand id of the genesis that won."""
    node = open_node(address, principal=principal, kafka=dict(kafka))
    try:
        status = node.status()
        return status.checkpoint_key, status.tip.strand_id
    finally:
        node.close()
