"""Revisions as signed HTTP requests, one after another.

```
POST <url>
Content-Type: application/json
Idempotency-Key: <strand id>:<sequence number>:<entry index>      the same for every copy of a request
Indelible-Timestamp: 1795552913                                    seconds since 1970, of this attempt
Indelible-Signature: v1=<hex of HMAC-SHA256(secret, timestamp "." body)>

{"data":"...","_document_id":...,"_table":"vehicles","_entry_index":1}
```

An answer of 200-299 is a delivery. Anything else, and no answer within 10 s, is tried again, with longer
and longer pauses and for ever: nothing is skipped, and no later revision overtakes. So a document's
revisions arrive in order, each at least once. The position is kept in a file; after `kill -9` up to a
second of requests is repeated.
"""

import hmac
import http.client
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import orjson

from journal.ambient import SYSTEM_TIMER, Clock, Timer, system_clock
from journal.errors import (
    ConfigurationError,
    InputError,
    IntegrityError,
    StoreUnavailableError,
    UnavailableError,
)
from journal.ids import id_text
from journal.lock import WriterLock
from streams.declarations import Declarations
from streams.lines import LineFormat
from streams.planning import RevisionChange, tables_from_json, tables_to_json
from streams.progress import Progress
from streams.records import Position
from streams.sinks import Batch, Tombstone

ANSWER_SECONDS: Final = 10.0
_SAVE_SECONDS: Final = 1.0
_ANSWER_SIZE_MAX: Final = 64 * 1024


class WebhookSink:
    """One URL. Used by one thread."""

    def __init__(
        self,
        url: str,
        ledger: str,
        declarations: Declarations,
        *,
        secret: bytes | None,
        position_file: Path,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Clock = system_clock,
        timer: Timer = SYSTEM_TIMER,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: http or https.
            ledger: Its name.
            declarations: Columns of tables.
            secret: What requests are signed with; None: they are not.
            position_file: Made if it is not there, with its folder.
            answer_seconds: How long to wait for an answer.
            clock, timer: Time.

        Raises:
            InputError: No such URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InputError(f"not a webhook's URL: {url!r}", hint="https://HOST/PATH")
        self._url, self._parts = url, parts
        self._path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        self._ledger, self._format = ledger, LineFormat(ledger, declarations)
        self._secret, self._file = secret, position_file
        self._answer_seconds, self._clock, self._timer = answer_seconds, clock, timer
        self._connection: http.client.HTTPConnection | None = None
        self._lock: WriterLock | None = None
        self._done: Progress | None = None
        self._saved_at = 0.0

    def open(self) -> Progress | None:
        """Lock the position and read it.

        Raises:
            LedgerLockedError: Another process has it.
            ConfigurationError: It cannot be read or made.
            IntegrityError: The file holds something else.
        """
        if self._lock is None:
            try:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock = WriterLock(self._file.with_name(f"{self._file.name}.lock"))
            except OSError as error:
                raise ConfigurationError(
                    f"cannot make {self._file.parent}: {error.strerror}"
                ) from error
        self._done = self._read()
        return self._done

    def deliver(self, batch: Batch) -> None:
        """Send the batch's revisions, one after another; returns when all were accepted.

        Raises:
            UnavailableError: One was not; those before it are noted as delivered.
        """
        strand = id_text(batch.strand_id)
        sent: RevisionChange | None = None
        try:
            for change in batch.changes:
                if type(change) is RevisionChange:
                    self._send(change, strand)
                    sent = change
                    self._save_now_and_then(change)
        except UnavailableError:
            if sent is not None:
                self._save(self._up_to(sent))
            raise
        self._done = batch.progress
        if self._timer.monotonic() - self._saved_at >= _SAVE_SECONDS:
            self._save(batch.progress)

    def deliver_state(self, items: Iterable[RevisionChange | Tombstone]) -> None:
        """Nothing: requests are history."""

    def close(self) -> None:
        """Note the position and give the lock back; closing twice is fine."""
        self._disconnect()
        if self._lock is not None:
            if self._done is not None:
                self._save(self._done)
            self._lock.close()
            self._lock = None

    def _send(self, change: RevisionChange, strand: str) -> None:
        body = self._format.line(change)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "indelible-stream",
            "Idempotency-Key": f"{strand}:{change.sequence_number}:{change.entry_index}",
            **signature_headers(self._secret, self._clock() // 1_000_000, body),
        }
        what = f"{self._url} did not take revision {change.document_id}/{change.version}"
        try:
            connection = self._connect()
            connection.request("POST", self._path, body, headers)
            answer = connection.getresponse()
            answer.read(_ANSWER_SIZE_MAX)
        except (OSError, http.client.HTTPException) as error:
            self._disconnect()
            raise UnavailableError(f"{what}: {error or type(error).__name__}") from error
        if not answer.isclosed():
            self._disconnect()
        if not 200 <= answer.status < 300:
            self._disconnect()
            raise UnavailableError(f"{what}: it answered {answer.status} {answer.reason}")

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            secure = self._parts.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            host = self._parts.hostname or ""
            self._connection = kind(host, self._parts.port, timeout=self._answer_seconds)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _up_to(self, change: RevisionChange) -> Progress:
        """Everything up to a revision, on what was known at the end of the last whole batch."""
        position = Position(change.sequence_number, change.entry_index + 1)
        done = self._done
        return Progress(
            position=position,
            bookmark=None if done is None else done.bookmark,
            tables=() if done is None else done.tables,
        )

    def _save_now_and_then(self, change: RevisionChange) -> None:
        if self._timer.monotonic() - self._saved_at >= _SAVE_SECONDS:
            self._save(self._up_to(change))

    def _save(self, progress: Progress) -> None:
        self._saved_at = self._timer.monotonic()
        content = {**progress.to_json(), "tables": tables_to_json(progress.tables)}
        beside = self._file.with_name(f"{self._file.name}.new")
        try:
            with beside.open("wb") as file:
                file.write(orjson.dumps({"ledger": self._ledger, **content}) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._file)
        except OSError as error:
            raise StoreUnavailableError(f"cannot write {self._file}: {error.strerror}") from error

    def _read(self) -> Progress | None:
        try:
            content = orjson.loads(self._file.read_bytes())
            if content["ledger"] != self._ledger:
                raise IntegrityError(
                    f"{self._file} is of ledger {content['ledger']!r}, not {self._ledger!r}",
                    hint="another exporter needs another --name or --position",
                )
            return Progress.from_json(content, tables_from_json(content["tables"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(f"cannot read {self._file}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"{self._file} is no position of an exporter: {error}",
                hint="move it away, and the exporter begins anew, or where --from says",
            ) from error


def signature_headers(secret: bytes | None, seconds: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows a request for ours, and how old it is.

    >>> sorted(signature_headers(b"0123456789abcdef", 1795552913, b"{}"))
    ['Indelible-Signature', 'Indelible-Timestamp']
    """
    headers = {"Indelible-Timestamp": str(seconds)}
    if secret is not None:
        signed = b"%d.%b" % (seconds, body)
        headers["Indelible-Signature"] = f"v1={hmac.new(secret, signed, sha256).hexdigest()}"
    return headers
