"""Signing keys of ledgers and witnesses, and their public form (C2SP signed-note verifier keys).

```
vkey = <name>+<key id, 8 hex digits>+<base64(type || 32-byte public key)>
key id = first 4 bytes of SHA-256(name || 0A || type || public key)

type   a signature is
01     Ed25519 over the note's text                                        a ledger's key
04     time (8 bytes, seconds since 1970) || Ed25519 over the lines        a witness's key
       "cosignature/v1", "time <seconds>" and the note's text
```

The name of a ledger's key is its checkpoint origin, `<prefix>/<ledger>/<strand id>`. This is the one
module of the verifier that uses `cryptography`. No error message has key material in it.

Source: C2SP signed-note, "Verifier keys" and "Ed25519"; C2SP tlog-cosignature, v1.
"""

from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from journal.ambient import Clock
from journal.errors import InputError, ProofRejectedError
from verifier.encoding import NUMBER_MAX, read_base64, shown, write_base64
from verifier.note import SignatureVerifier, Signer, is_key_name

ED25519: Final = b"\x01"
COSIGNATURE: Final = b"\x04"
PUBLIC_KEY_SIZE: Final = 32
PASSPHRASE_SIZE_MAX: Final = 1023

_TIME_SIZE: Final = 8
_SIGNATURE_SIZE: Final = 64


class VerifierKey(NamedTuple):
    """A public key and the name it signs for. `public_key` is 32 bytes, `key_id` 4, the type 1."""

    name: str
    key_id: bytes
    public_key: bytes
    signature_type: bytes = ED25519


def new_private_key(passphrase: bytes | None = None) -> bytes:
    """A fresh Ed25519 private key, PKCS#8 in PEM, encrypted if there is a passphrase (1 to 1023 bytes).

    Keep it in a file of mode 0600.

    Raises:
        InputError: A passphrase of another size.
    """
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        if not 1 <= len(passphrase) <= PASSPHRASE_SIZE_MAX:
            raise InputError(f"a passphrase has 1 to {PASSPHRASE_SIZE_MAX} bytes")
        encryption = serialization.BestAvailableEncryption(passphrase)
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def verifier_key_of(
    private_key: bytes,
    name: str,
    passphrase: bytes | None = None,
    *,
    signature_type: bytes = ED25519,
) -> str:
    """The vkey text that belongs to a private key (PEM) under a name.

    Raises:
        InputError: Not an Ed25519 key in PEM, the wrong passphrase, one too many or one missing, or a
            name that notes cannot carry.
    """
    key = _private_key(private_key, passphrase)
    return format_verifier_key(name, key.public_key().public_bytes_raw(), signature_type)


def format_verifier_key(name: str, public_key: bytes, signature_type: bytes = ED25519) -> str:
    """The vkey text of a public key (32 bytes).

    >>> format_verifier_key("example.com/log", bytes(32))
    'example.com/log+a3ad76db+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

    Raises:
        InputError: A name that notes cannot carry.
    """
    _check_name(name)
    material = signature_type + public_key
    return f"{name}+{_key_id(name, material).hex()}+{write_base64(material)}"


def parse_verifier_key(text: str) -> VerifierKey:
    """Read a vkey text of type 01 or 04.

    Raises:
        InputError: It is none, or its key id is not that of its name and key.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise InputError(f"a verifier key has the form name+id+base64: {shown(text)}")
    name, key_id, encoded = parts
    _check_name(name)
    try:
        material = read_base64(encoded, "the key part of the verifier key")
    except ProofRejectedError as error:
        raise InputError(str(error)) from None
    kind = material[:1]
    if len(material) != 1 + PUBLIC_KEY_SIZE or kind not in {ED25519, COSIGNATURE}:
        raise InputError("the verifier key is neither an Ed25519 key nor one for cosignatures")
    if key_id != _key_id(name, material).hex():
        raise InputError("the verifier key's id is not that of its name and key")
    return VerifierKey(name, bytes.fromhex(key_id), material[1:], kind)


def ed25519_signer(private_key: bytes, name: str, passphrase: bytes | None = None) -> Signer:
    """What signs as a ledger (type 01), from a private key in PEM.

    Raises:
        InputError: As `verifier_key_of`.
    """
    _check_name(name)
    return _Ed25519Signer(name, _private_key(private_key, passphrase))


def cosignature_signer(
    private_key: bytes, name: str, clock: Clock, passphrase: bytes | None = None
) -> Signer:
    """What signs as a witness (type 04), with the time of `clock`; only texts of checkpoints.

    Raises:
        InputError: As `verifier_key_of`.
    """
    _check_name(name)
    return _CosignatureSigner(name, _private_key(private_key, passphrase), clock)


def ed25519_verifier(key: str | VerifierKey) -> SignatureVerifier:
    """What verifies the signatures of a ledger.

    Raises:
        InputError: Not a verifier key of type 01.
    """
    parsed = parse_verifier_key(key) if isinstance(key, str) else key
    if parsed.signature_type != ED25519:
        raise InputError(
            f"the verifier key of {parsed.name} is one for cosignatures, not a ledger's"
        )
    return _Ed25519Verifier(parsed)


def cosignature_verifier(key: str | VerifierKey) -> SignatureVerifier:
    """What verifies the cosignatures of a witness. Any time is accepted, also one to come.

    Raises:
        InputError: Not a verifier key of type 04.
    """
    parsed = parse_verifier_key(key) if isinstance(key, str) else key
    if parsed.signature_type != COSIGNATURE:
        raise InputError(f"the verifier key of {parsed.name} is a ledger's, not a witness's")
    return _CosignatureVerifier(parsed)


def verifier_for(key: str | VerifierKey) -> SignatureVerifier:
    """What verifies the signatures of a key, whichever type it has.

    Raises:
        InputError: Not a verifier key.
    """
    parsed = parse_verifier_key(key) if isinstance(key, str) else key
    if parsed.signature_type == COSIGNATURE:
        return cosignature_verifier(parsed)
    return ed25519_verifier(parsed)


def cosignature_time(signature: bytes) -> int:
    """When a witness says it signed: seconds since 1970. Verify the signature first."""
    return int.from_bytes(signature[:_TIME_SIZE])


class _Ed25519Verifier:
    __slots__ = ("_key", "key_id", "name")

    def __init__(self, key: VerifierKey) -> None:
        self.name, self.key_id = key.name, key.key_id
        self._key = Ed25519PublicKey.from_public_bytes(key.public_key)

    def verify(self, text: bytes, signature: bytes) -> bool:
        return _is_signed(self._key, text, signature)


class _CosignatureVerifier:
    __slots__ = ("_key", "key_id", "name")

    def __init__(self, key: VerifierKey) -> None:
        self.name, self.key_id = key.name, key.key_id
        self._key = Ed25519PublicKey.from_public_bytes(key.public_key)

    def verify(self, text: bytes, signature: bytes) -> bool:
        seconds = cosignature_time(signature)
        if len(signature) != _TIME_SIZE + _SIGNATURE_SIZE or seconds > NUMBER_MAX:
            return False
        return _is_signed(self._key, _cosigned(seconds, text), signature[_TIME_SIZE:])


class _Ed25519Signer:
    __slots__ = ("_key", "key_id", "name")

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name, self._key = name, key
        self.key_id = _key_id(name, ED25519 + key.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        return self._key.sign(text)


class _CosignatureSigner:
    __slots__ = ("_clock", "_key", "key_id", "name")

    def __init__(self, name: str, key: Ed25519PrivateKey, clock: Clock) -> None:
        self.name, self._key, self._clock = name, key, clock
        self.key_id = _key_id(name, COSIGNATURE + key.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        seconds = self._clock() // 1_000_000
        return seconds.to_bytes(_TIME_SIZE) + self._key.sign(_cosigned(seconds, text))


def _is_signed(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    if len(signature) != _SIGNATURE_SIZE:
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _cosigned(seconds: int, text: bytes) -> bytes:
    """What a witness signs; it says nothing about who the witness is, so a key is one witness's."""
    return b"cosignature/v1\ntime %d\n%b" % (seconds, text)


def _private_key(pem: bytes, passphrase: bytes | None) -> Ed25519PrivateKey:
    """The library's own messages are left out: nobody promises what is in them."""
    try:
        key = serialization.load_pem_private_key(pem, password=passphrase)
    except TypeError:
        if passphrase is None:
            raise InputError("the private key is encrypted: give its passphrase") from None
        raise InputError("the private key is not encrypted: give no passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        tried = "" if passphrase is None else ", or the passphrase is wrong"
        raise InputError(f"this is not a private key in PEM{tried}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("the private key is not an Ed25519 key")
    return key


def _check_name(name: str) -> None:
    if not is_key_name(name):
        raise InputError(
            f"a key name has no spaces, no control characters and no '+': {shown(name)}"
        )


def _key_id(name: str, material: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + material).digest()[:4]
