"""Making a ledger of an export: the same blocks, hashes and checkpoints, somewhere else.

```
audit of the export -> blocks, byte for byte -> new log -> state store by the reader rule -> same tip?
```

Nothing is made before the whole export is proven as far as it goes. A folder gets its name when it is
complete; a topic that was filled in part stays behind, and the error says so. The copy is read-only until
it is taken over (`indelible.engine.restored`).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from indelible.client.addresses import ExportAddress, FileAddress, KafkaAddress
from indelible.engine.auditing import audit_journal
from indelible.engine.checkpoints import LAST_SIGNED_FILE
from indelible.engine.creation import Durability
from indelible.engine.journals import accepted_blocks
from indelible.engine.keys import KEY_FILE, PASSPHRASE_VARIABLE, public_key
from indelible.engine.ledgers import folder_of
from indelible.engine.node import STATE_FILE, open_store
from indelible.engine.opening import (
    JOURNAL_FILE,
    LOCK_FILE,
    kafka_log,
    private_folder,
    topic_admin,
    topic_of,
)
from indelible.engine.rebuilding import rebuild
from indelible.engine.restored import Restored, mark_restored, mark_taken_over, restored_in
from indelible.files import replace_file
from journal.ambient import system_clock, system_entropy
from journal.chain import Tip
from journal.errors import (
    ConfigurationError,
    InputError,
    IntegrityError,
    LedgerExistsError,
    LogUnavailableError,
)
from journal.export import ExportLog, Manifest
from journal.export.writer import new_folder, put_in_place
from journal.ids import id_text, new_id
from journal.lock import WriterLock
from journal.log import AppendUnknownError, Log
from journal.sqlite import SqliteLog
from materializer.follower import Progress
from verifier.audit import Report
from verifier.keys import parse_verifier_key

_BLOCKS_AT_ONCE: Final = 100
_BYTES_AT_ONCE: Final = 16 * 2**20
_ATTEMPTS_MAX: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredLedger:
    """A ledger that was just restored.

    Attributes:
        report: What the audit of the export found.
        tip: The last block of the copy, which is that of the export.
        folder: Where its state is, on this machine.
        taken_over: Whether it can be written.
    """

    report: Report
    tip: Tip
    folder: Path
    taken_over: bool


def restore(
    export: Path,
    address: FileAddress | KafkaAddress,
    *,
    key: str | None = None,
    take_over: bool = False,
    private_key: bytes | None = None,
    durability: Durability | None = None,
    kafka: dict[str, str] | None = None,
    on_audit: Progress | None = None,
    on_progress: Progress | None = None,
) -> RestoredLedger:
    """Make the ledger of an export at an address where there is none.

    Args:
        export: The folder of the export.
        address: Where to; for a topic its folder of state must hold none either.
        key: The ledger's public key as it is known from elsewhere; checked if given.
        take_over: The original is given up: the copy may be written at once.
        private_key: The ledger's current private key (PEM), to go on signing checkpoints.
        durability: What is accepted about the new topic.
        kafka: Further options of the Kafka client.
        on_audit, on_progress: Called while the export is audited, and while it is copied.

    Raises:
        IntegrityError: The export is damaged, or of another ledger than `key` says.
        LedgerExistsError: There is a ledger at the address.
        InputError: It has another name; or the private key is not the ledger's current one.
        LedgerError: See `rebuild` and `TopicAdmin`.
    """
    log = ExportLog(export)
    _expect_name(log.manifest, address)
    _expect_nothing(address)
    report = audit_journal(ExportAddress(folder=export), key=key, on_progress=on_audit)
    if private_key is not None:
        _expect_current(private_key, report.current_key)
    mark = Restored(
        taken_over=take_over,
        allow_single_broker=durability is not None and durability.allow_single_broker,
        unverified_settings=durability is not None and durability.unverified_settings,
    )
    values = _values(log, on_progress)
    if isinstance(address, FileAddress):
        folder = address.folder
        _fill_folder(address, values, log.manifest, mark, private_key)
    else:
        folder = private_folder(address.folder())
        _furnish(folder, log.manifest, mark, private_key)
        _fill_topic(address, values, durability or Durability(), kafka or {})
    tip = rebuild(address, kafka=kafka)
    if tip.block_hash != report.tip_hash:
        raise IntegrityError(
            f"the copy ends with block {tip.sequence_number} ({tip.block_hash.hex()}), the export "
            f"with block {report.blocks - 1} ({report.tip_hash.hex()})",
            hint="somebody else wrote there meanwhile; delete it and restore again",
        )
    return RestoredLedger(report=report, tip=tip, folder=folder, taken_over=take_over)


def take_over(address: FileAddress | KafkaAddress, *, private_key: bytes | None = None) -> bool:
    """Say that a restored copy is the ledger from now on; False if that was said before.

    Raises:
        InputError: It is no restored copy, or the private key is not the ledger's current one.
        LedgerLockedError: Somebody has it open for writing.
    """
    folder = folder_of(address)
    with WriterLock(folder / LOCK_FILE):
        if restored_in(folder) is None:
            raise InputError(
                f"the ledger in {folder} is no restored copy", hint="it can be written"
            )
        if private_key is not None:
            _expect_current(private_key, _current_key(folder))
            _write(folder / KEY_FILE, private_key)
        return mark_taken_over(folder)


def _expect_name(manifest: Manifest, address: FileAddress | KafkaAddress) -> None:
    if address.name != manifest.ledger_name:
        wanted = (
            f"file:{address.folder}?name={manifest.ledger_name}"
            if isinstance(address, FileAddress)
            else f"kafka://{address.bootstrap}/{manifest.ledger_name}"
        )
        raise InputError(
            f"the export is of ledger {manifest.ledger_name!r}, not {address.name!r}",
            hint=f"the name is part of its first block; restore to {wanted}",
        )


def _expect_nothing(address: FileAddress | KafkaAddress) -> None:
    if isinstance(address, FileAddress):
        folder, there = address.folder, address.folder.exists() and any(address.folder.iterdir())
    else:
        folder = address.folder()
        there = (folder / STATE_FILE).exists() or _holds_original(folder)
    if there:
        raise LedgerExistsError(
            f"{folder} is not empty", hint="restore into a folder that is not there yet"
        )


def _holds_original(folder: Path) -> bool:
    """Whether a node's folder keeps what its ledger signed, or its key: a copy must not put it back.

    What a restore that was cut short left there is not meant.
    """
    kept = any((folder / name).exists() for name in (KEY_FILE, LAST_SIGNED_FILE))
    return kept and restored_in(folder) is None


def _values(log: ExportLog, on_progress: Progress | None) -> Iterator[bytes]:
    """The blocks' bytes, checked by the reader rule once more as they are copied."""
    blocks = accepted_blocks(log, log.manifest.ledger_name, exclusive=True, on_progress=on_progress)
    return (value for _, value in blocks)


def _portions(values: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Blocks that are written at once; a portion is bounded in bytes, as blocks may be large."""
    portion: list[bytes] = []
    size = 0
    for value in values:
        portion.append(value)
        size += len(value)
        if len(portion) == _BLOCKS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _fill_folder(
    address: FileAddress,
    values: Iterator[bytes],
    manifest: Manifest,
    mark: Restored,
    private_key: bytes | None,
) -> None:
    temporary = new_folder(address.folder)
    try:
        identity = id_text(new_id(system_clock(), system_entropy))
        log = SqliteLog.create(temporary / JOURNAL_FILE, database_id=identity)
        try:
            for some in _portions(values):
                log.append_all(some)
        finally:
            log.close()
        _furnish(temporary, manifest, mark, private_key)
        put_in_place(temporary, address.folder)
    except OSError as error:
        raise _unwritable(address.folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill_topic(
    address: KafkaAddress,
    values: Iterator[bytes],
    durability: Durability,
    kafka: dict[str, str],
) -> None:
    # Loaded here: other restores need no Kafka client.
    from indelible.engine.kafka_ledgers import ensure_topic  # noqa: PLC0415

    topic = topic_of(address)
    ensure_topic(topic_admin(address, kafka), topic, durability)
    log = kafka_log(address, kafka, read_only=False)
    try:
        if log.end_offset() > 0:
            raise LedgerExistsError(
                f"topic {topic} is not empty",
                hint="if a restore was cut short there, delete the topic and try again",
            )
        for value in values:
            _append(log, value)
    finally:
        log.close()


def _append(log: Log, value: bytes) -> None:
    """Append until it is there; of a block that is there twice the reader rule passes over the copy."""
    for _ in range(_ATTEMPTS_MAX):
        with suppress(AppendUnknownError):
            log.append(value)
            return
    raise LogUnavailableError("the topic did not take a block; delete the topic and restore again")


def _furnish(folder: Path, manifest: Manifest, mark: Restored, private_key: bytes | None) -> None:
    """What lies beside the journal: the mark first, the last checkpoint, the key."""
    mark_restored(folder, mark)
    if manifest.checkpoint:
        _write(folder / LAST_SIGNED_FILE, manifest.checkpoint.encode())
    if private_key is not None:
        _write(folder / KEY_FILE, private_key)


def _expect_current(private_key: bytes, current_key: str) -> None:
    name = parse_verifier_key(current_key).name
    passphrase = os.environ.get(PASSPHRASE_VARIABLE, "").encode() or None
    if public_key(private_key, name, passphrase) != current_key:
        raise InputError(
            "this private key is not the ledger's current one",
            hint=f"the ledger's public key is {current_key}",
        )


def _current_key(folder: Path) -> str:
    store = open_store(folder / STATE_FILE)
    try:
        ledger = store.catalog.ledger
    finally:
        store.close()
    if ledger is None:
        raise IntegrityError(
            f"the state store in {folder} holds no ledger", hint="run `indelible rebuild` first"
        )
    return ledger.checkpoint_key


def _write(path: Path, data: bytes) -> None:
    try:
        replace_file(path, data)
    except OSError as error:
        raise _unwritable(path.parent, error) from error


def _unwritable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot write {folder}: {error.strerror or error}")
