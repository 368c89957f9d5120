"""Signing keys of ledgers, and their public form (C2SP signed-note verifier keys).

```
vkey = <name>+<key id, 8 hex digits>+<base64(01 || 32-byte public key)>
key id = first 4 bytes of SHA-256(name || 0A || 01 || public key)
```

The name is the ledger's checkpoint origin, `<prefix>/<ledger>/<strand id>`. This is the one module of the
verifier that uses `cryptography`.

Source: C2SP signed-note, "Verifier keys" and "Ed25519".
"""

from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from journal.errors import InputError

ED25519: Final = b"\x01"


class VerifierKey(NamedTuple):
    """A public key and the name it signs for. `public_key` is 32 bytes, `key_id` 4."""

    name: str
    key_id: bytes
    public_key: bytes


def new_private_key() -> bytes:
    """A fresh Ed25519 private key, PKCS#8 in PEM. Keep it in a file of mode 0600."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def verifier_key_of(private_key: bytes, name: str) -> str:
    """The vkey text that belongs to a private key (PEM) under a name.

    Raises:
        InputError: Not an unencrypted Ed25519 key in PEM, or a name that notes cannot carry.
    """
    try:
        key = serialization.load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"not a private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("the private key is not an Ed25519 key")
    public = key.public_key().public_bytes_raw()
    return format_verifier_key(name, public)


def format_verifier_key(name: str, public_key: bytes) -> str:
    """The vkey text of a public key (32 bytes).

    >>> format_verifier_key("example.com/log", bytes(32))
    'example.com/log+a3ad76db+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

    Raises:
        InputError: A name that notes cannot carry.
    """
    _check_name(name)
    material = ED25519 + public_key
    return f"{name}+{_key_id(name, material).hex()}+{b64encode(material).decode()}"


def parse_verifier_key(text: str) -> VerifierKey:
    """Read a vkey text.

    Raises:
        InputError: It is none, or its key id is not that of its name and key.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise InputError("a verifier key has the form name+id+base64")
    name, key_id, encoded = parts
    _check_name(name)
    try:
        material = b64decode(encoded, validate=True)
    except ValueError:
        raise InputError("the key part of the verifier key is not base64") from None
    if len(material) != 33 or material[:1] != ED25519:
        raise InputError("the verifier key is not an Ed25519 key")
    if key_id != _key_id(name, material).hex():
        raise InputError("the verifier key's id is not that of its name and key")
    return VerifierKey(name, bytes.fromhex(key_id), material[1:])


def _check_name(name: str) -> None:
    """C2SP signed-note: no Unicode space, no plus; and a note holds no control characters."""
    if not name or any(
        letter in "+\x7f" or letter < " " or letter.isspace() or "\ud800" <= letter <= "\udfff"
        for letter in name
    ):
        raise InputError(f"a key name has no spaces, no control characters and no '+': {name!r}")


def _key_id(name: str, material: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + material).digest()[:4]
