"""Declared columns of tables, in TOML; and a declaration to begin with, inferred from what is there.

    [tables.vehicles]
    vin = "string"
    price = "decimal(2)"
    seen = "timestamp"
    tags = "json"

Every declared column is in every record of its table, as null where a document lacks it: sinks would keep
a removed field's old value otherwise. Fields that are not declared are not sent. A table that is not
declared has one column `data`. The types stand in `streams.columns`.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from journal.errors import SettingsError
from streams.columns import DECIMAL_DIGITS_MAX, Column, kind_of
from streams.plain import tag_of

Declarations = Mapping[str, tuple[Column, ...]]
"""Table -> its columns."""

COLUMNS_MAX: Final = 1_000
NAME_SIZE_MAX: Final = 63
"""Bytes of a column's name: what PostgreSQL keeps of one."""
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_RESERVED: Final = frozenset({"op"})
_TAGGED_KINDS: Final = {
    "$date": "date", "$time": "time", "$bytes": "bytes",
    "$symbol": "string", "$float": "float", "$int": "json", "$ion": "json",
}  # fmt: skip


def read_declarations(path: Path) -> Declarations:
    """The declarations in a file.

    Raises:
        SettingsError: It cannot be read, or says what cannot be.
    """
    try:
        return parse_declarations(path.read_text("utf-8"), source=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error


def parse_declarations(text: str, *, source: str) -> Declarations:
    """The declarations in a TOML text; `source` is named in errors.

    Raises:
        SettingsError: Not TOML, an unknown type, or a table without columns.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is not TOML: {error}") from error
    tables = content.pop("tables", None)
    if content or not isinstance(tables, dict):
        raise SettingsError(
            f"{source} declares no columns"
            if not content
            else f"{source}: only tables are declared",
            hint='write [tables.NAME] and below it lines such as vin = "string"',
        )
    return {table: _columns(table, given, source) for table, given in tables.items()}


def infer(table: str, documents: Iterable[bytes]) -> str:
    """A declaration that fits these documents, as TOML to start from.

    Args:
        table: Its name.
        documents: Canonical bytes.
    """
    seen: dict[str, Counter[str]] = {}
    scales: dict[str, int] = {}
    for document in documents:
        tagged = orjson.loads(document)
        if not isinstance(tagged, dict) or tag_of(tagged):
            continue
        for key, value in tagged.items():
            kinds = seen.setdefault(key.removeprefix("$"), Counter())
            kinds[_kind_seen(value)] += 1
            scales[key.removeprefix("$")] = max(scales.get(key.removeprefix("$"), 0), _scale(value))
    columns = [
        f"{_key(field)} = {json.dumps(_merged(kinds, scales[field]))}\n"
        for field, kinds in sorted(seen.items())
    ]
    return f"[tables.{_key(table)}]\n{''.join(columns)}"


def _columns(table: str, given: Any, source: str) -> tuple[Column, ...]:
    if not isinstance(given, dict) or not given:
        raise SettingsError(f"{source}: table {table!r} has no columns")
    if len(given) > COLUMNS_MAX:
        raise SettingsError(f"{source}: table {table!r} has more than {COLUMNS_MAX} columns")
    columns = []
    for field, kind in given.items():
        if not isinstance(kind, str):
            raise SettingsError(f"{source}: {table}.{field} needs a type in quotes, not {kind!r}")
        column = Column(field, kind_of(kind))
        if fault := _name_fault(column.name):
            raise SettingsError(
                f"{source}: table {table!r}: a column {column.name!r} {fault}",
                hint="leave it out of the declaration, or the table without one",
            )
        columns.append(column)
    folded = Counter(column.name.casefold() for column in columns)
    for column in columns:
        if folded[column.name.casefold()] > 1:
            raise SettingsError(
                f"{source}: table {table!r}: two columns differ only in case from {column.name!r}"
            )
    return tuple(columns)


def _name_fault(name: str) -> str:
    """Why a column cannot have a name: sinks put it into SQL as it is."""
    if name in _RESERVED:
        return "makes Debezium's sinks take the record for a change event of theirs"
    if '"' in name or not name.isprintable() or not name:
        return "cannot be named in SQL"
    if len(name.encode("utf-8", "surrogatepass")) > NAME_SIZE_MAX:
        return f"has a name of more than {NAME_SIZE_MAX} bytes"
    return ""


def _kind_seen(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, dict):
        tag = tag_of(value)
        if tag == "$timestamp":
            return _timestamp_kind(value)
        return "decimal" if tag == "$decimal" else _TAGGED_KINDS.get(tag, "json")
    return {str: "string", int: "int", float: "float"}.get(type(value), "json")


def _timestamp_kind(value: Any) -> str:
    for name in ("timestamp", "timestamp(6)"):
        try:
            kind_of(name).take(value)
        except ValueError:
            continue
        return name
    return "string"


def _scale(value: Any) -> int:
    if isinstance(value, dict) and tag_of(value) == "$decimal":
        digits = re.fullmatch(r"-?\d+(?:\.(\d+))?", value["$decimal"])
        return len(digits[1] or "") if digits else DECIMAL_DIGITS_MAX + 1
    return 0


def _merged(kinds: Counter[str], scale: int) -> str:
    found = set(kinds) - {"null"}
    if found and found <= {"decimal", "int"} and "decimal" in found:
        return f"decimal({scale})" if scale <= 18 else "json"
    if found == {"int", "float"}:
        return "float"
    if found == {"timestamp", "timestamp(6)"}:
        return "timestamp(6)"
    return found.pop() if len(found) == 1 else "json"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name)
