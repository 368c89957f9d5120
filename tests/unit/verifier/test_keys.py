import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from journal.errors import InputError
from verifier.keys import (
    VerifierKey,
    format_verifier_key,
    new_private_key,
    parse_verifier_key,
    verifier_key_of,
)

PUBLISHED = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
"""The verifier key of C2SP signed-note."""
PUBLIC = base64.b64decode(PUBLISHED.split("+", 2)[2])[1:]


def test_the_published_key_is_read():
    assert parse_verifier_key(PUBLISHED) == VerifierKey(
        "example.com/foo", bytes.fromhex("530d903a"), PUBLIC
    )


def test_the_published_key_is_written():
    assert format_verifier_key("example.com/foo", PUBLIC) == PUBLISHED


def test_a_fresh_private_key_has_a_public_one_under_any_name():
    pem = new_private_key()

    key = parse_verifier_key(verifier_key_of(pem, "indelible/registry/7n42DGM5Tflk9n8mt7Fhc7"))

    private = serialization.load_pem_private_key(pem, password=None)
    assert private.public_key().public_bytes_raw() == key.public_key
    assert key.name == "indelible/registry/7n42DGM5Tflk9n8mt7Fhc7"


def test_two_private_keys_differ():
    assert new_private_key() != new_private_key()


def test_base64_with_plus_signs_is_read_back():
    text = format_verifier_key("a", b"\xff\xff" + b"\xfb\xef\xbe" * 10)

    assert text.count("+") > 2
    assert parse_verifier_key(text).public_key == b"\xff\xff" + b"\xfb\xef\xbe" * 10


BAD_NAMES = ["", "a b", "a+b", "a\tb", "a\u00a0b", "a\u3000", "a\nb", "a\x00", "a\x7f", "\ud800"]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_that_a_note_cannot_carry_is_refused(name):
    with pytest.raises(InputError, match="key name"):
        format_verifier_key(name, PUBLIC)


@pytest.mark.parametrize("name", [name for name in BAD_NAMES if "+" not in name], ids=ascii)
def test_a_verifier_key_with_such_a_name_is_refused(name):
    material = b"\x01" + PUBLIC
    key_id = hashlib.sha256(name.encode(errors="surrogatepass") + b"\n" + material).hexdigest()[:8]

    with pytest.raises(InputError, match="key name"):
        parse_verifier_key(f"{name}+{key_id}+{base64.b64encode(material).decode()}")


MATERIAL = PUBLISHED.split("+", 2)[2]
REFUSED = {
    "empty": "",
    "no-plus": "example.com/foo",
    "one-plus": "example.com/foo+530d903a",
    "other-name": PUBLISHED.replace("foo", "bar"),
    "other-id": PUBLISHED.replace("530d903a", "530d903b"),
    "upper-case-id": PUBLISHED.replace("530d903a", "530D903A"),
    "other-key": PUBLISHED.replace("AekyeR", "AekyeS"),
    "type-four": format_verifier_key("example.com/foo", PUBLIC).replace("+Ae", "+BO"),
    "key-short": f"example.com/foo+530d903a+{MATERIAL[:-4]}",
    "key-long": f"example.com/foo+530d903a+{MATERIAL}AAAA",
    "key-empty": "example.com/foo+530d903a+",
    "not-base64": "example.com/foo+530d903a+****",
    "not-ascii": "example.com/foo+530d903a+é",
    "url-safe-base64": PUBLISHED.replace("AekyeR", "A-_yeR"),
    "trailing-newline": PUBLISHED + "\n",
    "trailing-plus": PUBLISHED + "+",
}


@pytest.mark.parametrize("mutation", REFUSED)
def test_a_verifier_key_is_refused_for(mutation):
    with pytest.raises(InputError):
        parse_verifier_key(REFUSED[mutation])


def pem_of(key, password: bytes | None = None) -> bytes:
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"hello",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem_of(ec.generate_private_key(ec.SECP256R1())),
        pem_of(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)), b"secret"),
    ],
    ids=["empty", "text", "broken", "another-kind", "encrypted"],
)
def test_what_is_no_plain_ed25519_key_is_refused(pem):
    with pytest.raises(InputError, match="private key"):
        verifier_key_of(pem, "a")
