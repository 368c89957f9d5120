"""Identifiers: 128 bits, time-ordered, 16 bytes in blocks and 22 letters in texts.

```
 48 bits            4      12 bits   2     62 bits          UUIDv7, RFC 9562 section 5.7
 milliseconds     0111     random   10     random
```

The text is base62 with the digits in ASCII order (`0-9A-Za-z`), left-padded to 22, so texts sort as the
bytes do. A document id is derived from its transaction id and a counter: executing a transaction again
gives the same ids. A transaction id may be any 128 bits; the client may choose it.
"""

import hashlib
from typing import Any, Final, NewType

from journal.ambient import Entropy
from journal.errors import InputError

StrandId = NewType("StrandId", bytes)
TableId = NewType("TableId", bytes)
DocumentId = NewType("DocumentId", bytes)
TransactionId = NewType("TransactionId", bytes)

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = [a + b for a in _DIGITS for b in _DIGITS]
_PAIR_VALUES: Final = {pair: value for value, pair in enumerate(_PAIRS)}
_VERSIONS: Final = [bytes((0x70 | value & 0x0F,)) for value in range(256)]
_VARIANTS: Final = [bytes((0x80 | value & 0x3F,)) for value in range(256)]
_HALF: Final = 62**12


def id_text(value: bytes) -> str:
    """The 22 letters of a 16-byte id.

    >>> id_text(bytes(16)), id_text(bytes([255] * 16))
    ('0000000000000000000000', '7n42DGM5Tflk9n8mt7Fhc7')
    """
    high, low = divmod(int.from_bytes(value, "big"), _HALF)
    high, e = divmod(high, 3844)
    high, d = divmod(high, 3844)
    high, c = divmod(high, 3844)
    a, b = divmod(high, 3844)
    low, k = divmod(low, 3844)
    low, j = divmod(low, 3844)
    low, i = divmod(low, 3844)
    low, h = divmod(low, 3844)
    f, g = divmod(low, 3844)
    p = _PAIRS
    return f"{p[a]}{p[b]}{p[c]}{p[d]}{p[e]}{p[f]}{p[g]}{p[h]}{p[i]}{p[j]}{p[k]}"


def parse_id(text: Any) -> bytes:
    """The 16 bytes of an id's text. Inverse of `id_text`.

    Raises:
        InputError: Not 22 letters of base62, or above 2^128 - 1.
    """
    try:
        if len(text) != 22:
            raise ValueError
        value = 0
        for index in range(0, 22, 2):
            value = value * 3844 + _PAIR_VALUES[text[index : index + 2]]
        return value.to_bytes(16, "big")
    except (KeyError, ValueError, OverflowError, TypeError):
        raise InputError(
            f"not an id: {text!r}", hint="ids are 22 characters of 0-9, A-Z, a-z"
        ) from None


def new_id(timestamp: int, entropy: Entropy) -> bytes:
    """A fresh id made at `timestamp` (UTC microseconds)."""
    return _uuid7((timestamp // 1000).to_bytes(6, "big"), entropy(10))


def derived_id(transaction_id: bytes, counter: int) -> bytes:
    """The `counter`-th id that a transaction needs: its time, then bits of SHA-256(id, counter)."""
    digest = hashlib.sha256(transaction_id + counter.to_bytes(8, "big")).digest()
    return _uuid7(transaction_id[:6], digest)


def _uuid7(milliseconds: bytes, random: bytes) -> bytes:
    """6 bytes of time, then 10 of `random`, of which 6 bits give way to version and variant."""
    version, variant = _VERSIONS[random[0]], _VARIANTS[random[2]]
    return milliseconds + version + random[1:2] + variant + random[3:10]
