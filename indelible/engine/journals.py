"""Journals as bytes, wherever they are: a folder's, a topic's, or an export's.

What audits, exports and restores read. None of it opens a node, takes a lock or needs a state store.
"""

from collections.abc import Iterator
from typing import Final

from indelible.client.addresses import ExportAddress, FileAddress, JournalAddress
from indelible.engine.checkpoints import LAST_SIGNED_FILE
from indelible.engine.opening import open_log
from journal.chain import Accepted, Ignored, Origin, Tip, check, link
from journal.errors import ConfigurationError, CorruptBlockError, LogUnavailableError
from journal.export import ExportLog, read_manifest
from journal.log import Log, Position
from materializer.follower import Progress

_READ_LIMIT: Final = 100
_SILENT_READS_MAX: Final = 20


def open_journal(address: JournalAddress, kafka: dict[str, str] | None = None) -> Log:
    """The journal's log at an address, for reading; picklable with its arguments.

    Raises:
        UnknownLedgerError: It is not there.
        LedgerError: It cannot be read.
    """
    if isinstance(address, ExportAddress):
        return ExportLog(address.folder)
    return open_log(address, kafka)


def ledger_name_of(address: JournalAddress) -> str:
    """The name of the ledger at an address.

    Raises:
        LedgerError: See `read_manifest`.
    """
    if isinstance(address, ExportAddress):
        return read_manifest(address.folder).ledger_name
    return address.name


def accepted_blocks(
    log: Log, ledger_name: str, *, exclusive: bool, on_progress: Progress | None = None
) -> Iterator[tuple[Accepted, bytes]]:
    """The blocks of a ledger and their bytes, in order, up to where the log ends now.

    Raises:
        BrokenLinkError, CorruptBlockError, UnsupportedError: The journal is damaged, or newer.
        LogUnavailableError: It cannot be read.
    """
    tip: Tip | Origin = Origin(ledger_name)
    end, silent_reads = log.end_offset(), 0
    reader = log.reader(Position(offset=log.start_offset()))
    try:
        while reader.position() < end:
            records = reader.read(timeout=0.5, limit=_READ_LIMIT)
            silent_reads = 0 if records else silent_reads + 1
            if silent_reads > _SILENT_READS_MAX:
                raise LogUnavailableError(f"the journal is silent before its end, offset {end}")
            for record in records:
                outcome = link(tip, check(record))
                if isinstance(outcome, Accepted):
                    tip = outcome.tip
                    yield outcome, record.value
                elif exclusive:
                    raise _damaged(outcome, tip)
            if on_progress is not None:
                on_progress(reader.position(), end)
    finally:
        reader.close()


def last_note(address: JournalAddress) -> str:
    """The checkpoint note that lies beside a journal on this machine; "" if there is none.

    Raises:
        ConfigurationError: It cannot be read.
        LedgerError: See `read_manifest`.
    """
    if isinstance(address, ExportAddress):
        return read_manifest(address.folder).checkpoint
    folder = address.folder if isinstance(address, FileAddress) else address.folder()
    path = folder / LAST_SIGNED_FILE
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def is_exclusive(address: JournalAddress) -> bool:
    """Whether the journal has one writer and no strangers, so that all in it must be blocks."""
    return isinstance(address, FileAddress | ExportAddress)


def _damaged(ignored: Ignored, tip: Tip | Origin) -> CorruptBlockError:
    return CorruptBlockError(
        f"the record at offset {ignored.offset} is damaged: {ignored.detail}",
        sequence_number=tip.sequence_number + 1 if isinstance(tip, Tip) else 0,
    )
