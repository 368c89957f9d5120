"""Reading of base64, decimals and JSON out of untrusted text: one text for each value, or refused.

A second text for the same bytes (a line break, missing padding, left-over bits) would let a proof be
changed and stay valid, so that two parties compare texts and wrongly see a difference.

Source: RFC 4648 section 4, with section 3.5 (canonical encoding) enforced.
"""

import json
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Sequence
from typing import Any, Final

from journal.errors import ProofRejectedError

NUMBER_MAX: Final = (1 << 63) - 1
"""The largest tree size, index or time that is read."""

_SHOWN: Final = 60


def write_base64(data: bytes) -> str:
    """Standard base64 with padding.

    >>> write_base64(bytes(2))
    'AAA='
    """
    return b64encode(data).decode()


def read_base64(text: str, what: str, size: int | None = None) -> bytes:
    """The bytes of a standard base64 text; `size` is how many there must be.

    >>> read_base64("AAA=", "the hash", size=2).hex()
    '0000'

    Raises:
        ProofRejectedError: Not what `write_base64` writes for any bytes, or bytes of another number.
    """
    try:
        data = a2b_base64(text)
    except (ValueError, TypeError, AttributeError):
        raise ProofRejectedError(f"{what} is not base64: {shown(text)}") from None
    if b64encode(data).decode() != text:
        raise ProofRejectedError(f"{what} is not base64 in its one canonical form: {shown(text)}")
    if size is not None and len(data) != size:
        raise ProofRejectedError(f"{what} has {len(data)} bytes instead of {size}")
    return data


def read_hashes(texts: object, what: str, count_max: int = 64) -> list[bytes]:
    """The hashes (32 bytes each) of a list of base64 texts.

    Raises:
        ProofRejectedError: Not such a list, or one of more than `count_max`.
    """
    if not isinstance(texts, Sequence) or isinstance(texts, str | bytes):
        raise ProofRejectedError(f"{what} is not a list of hashes")
    if len(texts) > count_max:
        raise ProofRejectedError(f"{what} has {len(texts)} hashes; at most {count_max} make sense")
    return [
        read_base64(text, f"hash {index} of {what}", size=32) for index, text in enumerate(texts)
    ]


def read_decimal(text: str, what: str, maximum: int = NUMBER_MAX) -> int:
    """A number in ASCII digits without leading zeros, at most `maximum`.

    >>> read_decimal("70000", "the tree size")
    70000

    Raises:
        ProofRejectedError: It is written otherwise, or is larger.
    """
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0"):
        raise ProofRejectedError(f"{what} is not a plain decimal number: {shown(text)}")
    if len(text) > len(str(maximum)) or (value := int(text)) > maximum:
        raise ProofRejectedError(f"{what} is larger than {maximum}: {shown(text)}")
    return value


def read_json_object(data: bytes | str, what: str, size_max: int) -> dict[str, Any]:
    """The object of a JSON text (UTF-8) of at most `size_max` bytes; what is in it stays unchecked.

    Raises:
        ProofRejectedError: No JSON, not an object, a name twice, NaN, or nested too deep.
    """
    if len(data) > size_max:
        raise ProofRejectedError(f"{what} has {len(data)} bytes; at most {size_max} are read")
    try:
        text = data if isinstance(data, str) else data.decode()
        value = json.loads(
            text, object_pairs_hook=_object_of, parse_constant=_refuse, parse_int=_int_of
        )
    except (ValueError, RecursionError) as error:
        raise ProofRejectedError(f"{what} is not JSON: {shown(str(error))}") from None
    if not isinstance(value, dict):
        raise ProofRejectedError(f"{what} is JSON, but not an object")
    return value


def shown(text: object) -> str:
    """A short, printable form of something untrusted for an error message.

    >>> shown("a" * 100)[-6:]
    "aaa'.."
    """
    form = repr(text[: _SHOWN + 1] if isinstance(text, str | bytes) else text)
    return form if len(form) <= _SHOWN + 2 else form[: _SHOWN + 1] + "'.."


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return fields


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _int_of(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError("a number of more than 20 digits")
    return int(digits)
