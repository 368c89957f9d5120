"""How the cells of a CSV file become values.

```
str        the text as it is (the default)         bool       true, false
int        5, -5, unbounded                        timestamp  2026-11-23T18:00:00Z, 2026-11-23
decimal    10.50, exact                            json       any value in the tagged form
float      1e3, binary
```

An empty cell is null, except in a column of type str, where it is an empty text. Inference looks at all
cells of a column: int, else decimal, else bool, else str; a column of empty cells is str. Digits
with a leading zero are a text: a postal code is no number.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from journal import document
from journal.block import DOCUMENT_SIZE_MAX
from journal.errors import InputError, InvalidDocumentError
from journal.values import timestamp_of

Convert = Callable[[str], Any]

_INT: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_TRUTH: Final = MappingProxyType({"true": True, "false": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Types by column name; others are texts, or of the type found by inference.

    Attributes:
        types: Column name -> type name.
        inferred: Find the type of columns that are not in `types`.
        null: Cells that are null although their column is of type str; None for no such text.
    """

    types: Mapping[str, str]
    inferred: bool = False
    null: str | None = None

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse types for columns that are not there.

        Raises:
            InputError: Naming the column.
        """
        known = set(names)
        for name in self.types:
            if name not in known:
                raise InputError(
                    f"--types names column {name!r}, which the file does not have",
                    hint=f"it has {', '.join(sorted(known))}",
                )

    def document(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """The document of a row.

        Raises:
            ValueError: A cell cannot be of its column's type; the message names both.
        """
        return {name: self._value(name, cell) for name, cell in cells.items()}

    def infer(self, rows: Iterable[Mapping[str, str]]) -> "Columns":
        """The same with a type for every column; reads all rows."""
        candidates: dict[str, list[str]] = {}
        for row in rows:
            for name, cell in row.items():
                kinds = candidates.setdefault(name, list(_INFERRED))
                if cell not in {"", self.null}:
                    kinds[:] = [kind for kind in kinds if _INFERRED[kind](cell)]
                    candidates[name] = kinds
        filled = self._filled(candidates)
        return replace(self, types={**filled, **self.types}, inferred=False)

    @staticmethod
    def _filled(candidates: Mapping[str, list[str]]) -> dict[str, str]:
        """The first type that fits all cells; none fits or no cell says anything: str."""
        return {
            name: kinds[0] if kinds and len(kinds) < len(_INFERRED) else "str"
            for name, kinds in candidates.items()
        }

    def _value(self, name: str, cell: str) -> Any:
        kind = self.types.get(name, "str")
        if cell == self.null or (not cell and kind != "str"):
            return None
        try:
            return _CONVERT[kind](cell)
        except (ValueError, InvalidDocumentError) as error:
            raise ValueError(f"column {name!r}: {cell!r} is no {kind}") from error


def parse_types(text: str) -> dict[str, str]:
    """Read `name=type,name=type`.

    >>> parse_types("year=int,seats=int")
    {'year': 'int', 'seats': 'int'}

    Raises:
        InputError: Another form, or an unknown type.
    """
    types = {}
    for part in filter(None, text.split(",")):
        name, equals, kind = part.rpartition("=")
        if not equals or kind not in _CONVERT:
            raise InputError(
                f"--types takes COLUMN=TYPE, not {part!r}", hint=f"types: {', '.join(_CONVERT)}"
            )
        types[name] = kind
    return types


def _int(cell: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", cell):
        raise ValueError(cell)
    return int(cell)


def _decimal(cell: str) -> Decimal:
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", cell):
        raise ValueError(cell)
    return Decimal(cell)


def _bool(cell: str) -> bool:
    if cell.lower() not in _TRUTH:
        raise ValueError(cell)
    return _TRUTH[cell.lower()]


def _json(cell: str) -> Any:
    return document.parse_json(cell, size_max=DOCUMENT_SIZE_MAX)


_CONVERT: Final[Mapping[str, Convert]] = {
    "str": str,
    "int": _int,
    "decimal": _decimal,
    "float": float,
    "bool": _bool,
    "timestamp": timestamp_of,
    "json": _json,
}
_INFERRED: Final[Mapping[str, Callable[[str], object]]] = {
    "int": _INT.fullmatch,
    "decimal": _DECIMAL.fullmatch,
    "bool": lambda cell: cell in _TRUTH,
}
