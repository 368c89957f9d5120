"""Fields of a JSON object that somebody else wrote, taken out by name and type.

`True` is no number here, a number beyond 63 bits is none, base64 has one spelling. Every refusal is a
`ProofRejectedError` that names the field: what is read here claims to prove something.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journal.errors import ProofRejectedError
from journal.values import is_utf8
from verifier.encoding import NUMBER_MAX, read_base64, read_hashes


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object; `path` is what errors call it."""

    values: Mapping[str, Any]
    path: str

    @classmethod
    def of(cls, value: Any, path: str) -> "Fields":
        """The fields of a value that must be an object."""
        if not isinstance(value, Mapping):
            raise ProofRejectedError(f"{path} is not a JSON object")
        return cls(value, path)

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name in self.values

    def inner(self, name: str) -> "Fields":
        """The fields of an object in here."""
        return Fields.of(self._get(name), f"the field {name!r}")

    def text(self, name: str) -> str:
        """A string, without lone surrogates."""
        return self._text(self._get(name), name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        found = self._get(name)
        if not isinstance(found, list):
            raise ProofRejectedError(f"the field {name!r} is not a list")
        return tuple(self._text(item, name) for item in found)

    def number(self, name: str) -> int:
        """An integer from 0 to 2^63 - 1."""
        value = self._get(name)
        if type(value) is not int or not 0 <= value <= NUMBER_MAX:
            raise ProofRejectedError(f"the field {name!r} is not an integer from 0 to 2^63 - 1")
        return value

    def data(self, name: str) -> bytes:
        """Bytes in base64 (RFC 4648 section 4)."""
        return read_base64(self.text(name), f"the field {name!r}")

    def proof(self, name: str) -> tuple[bytes, ...]:
        """At most 64 hashes in base64, 32 bytes each."""
        return tuple(read_hashes(self._get(name), f"the field {name!r}"))

    def _get(self, name: str) -> Any:
        if name not in self.values:
            raise ProofRejectedError(f"{self.path} lacks the field {name!r}")
        return self.values[name]

    @staticmethod
    def _text(value: Any, name: str) -> str:
        if type(value) is not str:
            raise ProofRejectedError(f"the field {name!r} does not hold text")
        if not is_utf8(value):
            raise ProofRejectedError(f"the field {name!r} has a lone surrogate")
        return value


def is_same(expected: Any, given: Any) -> bool:
    """Whether two values of JSON are one, type by type: 1 is neither true nor 1.0.

    `expected` is our own, so its depth is bounded; a `given` that is deeper is another value.

    >>> is_same({"a": [1]}, {"a": [1]}), is_same(1, True), is_same(0.0, 0)
    (True, False, False)
    """
    if isinstance(expected, dict):
        return (
            isinstance(given, Mapping)
            and given.keys() == expected.keys()
            and all(is_same(value, given[name]) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(given, list)
            and len(given) == len(expected)
            and all(map(is_same, expected, given))
        )
    return type(given) is type(expected) and bool(given == expected)
