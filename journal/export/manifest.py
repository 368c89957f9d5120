"""The manifest of an export: one text for one content, and a hash of itself.

The text is JSON with sorted keys, two spaces of indentation and a line feed at the end; a manifest that
is written in any other way is refused. `sha256` is the hash of that text without its own line. So a
changed byte breaks the form or the hash. Neither keeps anybody from writing another manifest: what is
proven is what a checkpoint signs.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from journal.errors import InputError, IntegrityError, UnknownLedgerError, UnsupportedError
from journal.ids import id_text, parse_id

MANIFEST_FILE: Final = "manifest.json"
MANIFEST_SIZE_MAX: Final = 64 * 1024 * 1024
_FORMAT: Final = "indelible-export/"
_VERSION: Final = 1
_NUMBER_MAX: Final = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """One file of blocks: those with sequence numbers `[start, end)`. `sha256` is 32 bytes."""

    name: str
    start: int
    end: int
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an export holds.

    Attributes:
        ledger_name, strand_id: Which ledger.
        checkpoint_key: The key that the genesis names (a vkey).
        tip_hash: Hash of the last block, 32 bytes.
        files: In order; the first starts at 0, each where the one before ended.
        checkpoint: A checkpoint note over these blocks or the first of them; "" if there was none.
        key_chain: The rotation notes of the ledger's key, oldest first.
    """

    ledger_name: str
    strand_id: bytes
    checkpoint_key: str
    tip_hash: bytes
    files: tuple[ExportedFile, ...]
    checkpoint: str = ""
    key_chain: tuple[str, ...] = ()

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return self.files[-1].end if self.files else 0


def file_name(start: int) -> str:
    """The name of the file that begins with block `start`.

    >>> file_name(10240)
    'blocks-000000010240.avro'
    """
    return f"blocks-{start:012d}.avro"


def format_manifest(manifest: Manifest) -> bytes:
    """The bytes of the file."""
    facts: dict[str, Any] = {
        "blocks": manifest.blocks,
        "checkpoint": manifest.checkpoint,
        "checkpointKey": manifest.checkpoint_key,
        "files": [
            {
                "end": file.end,
                "name": file.name,
                "sha256": file.sha256.hex(),
                "sizeBytes": file.size_bytes,
                "start": file.start,
            }
            for file in manifest.files
        ],
        "format": f"{_FORMAT}{_VERSION}",
        "keyChain": list(manifest.key_chain),
        "ledger": manifest.ledger_name,
        "strandId": id_text(manifest.strand_id),
        "tipHash": manifest.tip_hash.hex(),
    }
    return _text({**facts, "sha256": sha256(_text(facts)).hexdigest()})


def parse_manifest(data: bytes, place: str) -> Manifest:
    """Read a manifest; `place` names it in errors.

    Raises:
        IntegrityError: It is damaged.
        UnsupportedError: A newer release wrote it.
    """
    try:
        facts = json.loads(data)
        if type(facts) is dict and type(facts.get("format")) is str:
            _refuse_newer(facts["format"], place)
        manifest = _manifest(facts)
        same = format_manifest(manifest) == data
    except (ValueError, KeyError, TypeError, AttributeError, InputError, RecursionError) as error:
        raise _damaged(place, f"{type(error).__name__}: {error}") from error
    if not same:
        raise _damaged(place, "it is not what was written, or its own hash is another one")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest in a folder.

    Raises:
        UnknownLedgerError: There is none, so the folder is no export (or its making was cut short).
        IntegrityError, UnsupportedError: See `parse_manifest`.
    """
    path = folder / MANIFEST_FILE
    try:
        if path.exists() and not path.is_file():
            raise _damaged(str(path), "it is no regular file")
        with path.open("rb") as file:
            data = file.read(MANIFEST_SIZE_MAX + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise UnknownLedgerError(f"no export in {folder}: it has no {MANIFEST_FILE}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MANIFEST_SIZE_MAX:
        raise _damaged(str(path), f"it has more than {MANIFEST_SIZE_MAX} bytes")
    return parse_manifest(data, str(path))


def _text(facts: dict[str, Any]) -> bytes:
    text = json.dumps(facts, sort_keys=True, indent=2, ensure_ascii=True)
    return text.encode("ascii") + b"\n"


def _manifest(facts: dict[str, Any]) -> Manifest:
    """Every field read by its type; whatever is left over makes another text in the end."""
    files = tuple(
        ExportedFile(
            name=_name(each["name"], each["start"]),
            start=_number(each["start"]),
            end=_number(each["end"]),
            size_bytes=_number(each["sizeBytes"]),
            sha256=_hash(each["sha256"]),
        )
        for each in facts["files"]
    )
    if not files or files[0].start != 0:
        raise ValueError("its files do not begin with block 0")
    for before, after in pairwise(files):
        if after.start != before.end:
            raise ValueError(f"{after.name} does not begin where {before.name} ends")
    if any(file.start >= file.end for file in files):
        raise ValueError("a file without blocks")
    return Manifest(
        ledger_name=_ledger_name(facts["ledger"]),
        strand_id=parse_id(facts["strandId"]),
        checkpoint_key=_string(facts["checkpointKey"]),
        tip_hash=_hash(facts["tipHash"]),
        files=files,
        checkpoint=_string(facts["checkpoint"]),
        key_chain=tuple(map(_string, facts["keyChain"])),
    )


def _string(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"{value!r} is no text")
    return value


def _name(value: Any, start: Any) -> str:
    """The one name that a file with this first block has."""
    if value != file_name(_number(start)):
        raise ValueError(f"{value!r} is not the name of the file that begins with block {start}")
    return file_name(start)


def _ledger_name(value: Any) -> str:
    name = _string(value)
    if not name.isprintable():
        raise ValueError(f"{name!r} is no name of a ledger")
    return name


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _NUMBER_MAX:
        raise TypeError(f"{value!r} is no number of blocks or bytes")
    return value


def _hash(value: Any) -> bytes:
    data = bytes.fromhex(_string(value))
    if len(data) != 32:
        raise ValueError(f"{value!r} is no SHA-256")
    return data


def _refuse_newer(text: str, place: str) -> None:
    number = text.removeprefix(_FORMAT)
    if text.startswith(_FORMAT) and number.isdecimal() and int(number[:9]) > _VERSION:
        raise UnsupportedError(
            f"{place} has format {text}, this release reads {_FORMAT}{_VERSION}",
            hint="use the release that made it, or a newer one",
        )


def _damaged(place: str, problem: str) -> IntegrityError:
    return IntegrityError(f"{place} is damaged: {problem}", hint="use another copy of the export")
