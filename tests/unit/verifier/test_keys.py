import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from journal.errors import InputError
from tests.support.receipts import a_private_key
from verifier.keys import (
    COSIGNATURE,
    VerifierKey,
    cosignature_signer,
    cosignature_time,
    cosignature_verifier,
    ed25519_signer,
    ed25519_verifier,
    format_verifier_key,
    new_private_key,
    parse_verifier_key,
    verifier_for,
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
    "type-of-ecdsa": format_verifier_key("example.com/foo", PUBLIC, b"\x02"),
    "type-of-ml-dsa": format_verifier_key("example.com/foo", PUBLIC, b"\x06"),
    "no-type": format_verifier_key("example.com/foo", PUBLIC, b""),
    "two-type-bytes": format_verifier_key("example.com/foo", PUBLIC, b"\x01\x01"),
    "no-padding-needed-but-there": PUBLISHED + "====",
    "surrogate": PUBLISHED.replace("AekyeR", "\ud800"),
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


TEXT = b"example.com/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
PEM = a_private_key()
NAME = "example.com/log"
WITNESS_KEY = verifier_key_of(PEM, NAME, signature_type=COSIGNATURE)


def a_witness(seconds=1_679_315_147):
    return cosignature_signer(PEM, NAME, lambda: seconds * 1_000_000 + 999_999)


def test_what_a_ledger_signs_verifies():
    signer, verifier = ed25519_signer(PEM, NAME), ed25519_verifier(verifier_key_of(PEM, NAME))

    assert (signer.name, signer.key_id) == (verifier.name, verifier.key_id)
    assert verifier.verify(TEXT, signer.sign(TEXT))
    assert not verifier.verify(TEXT + b"x", signer.sign(TEXT))


def test_a_witness_signs_the_time_and_the_text():
    """The message of C2SP tlog-cosignature, checked with nothing of ours."""
    signature = a_witness().sign(TEXT)

    assert signature[:8] == (1_679_315_147).to_bytes(8)
    assert cosignature_time(signature) == 1_679_315_147
    public = ed25519.Ed25519PublicKey.from_public_bytes(parse_verifier_key(WITNESS_KEY).public_key)
    public.verify(signature[8:], b"cosignature/v1\ntime 1679315147\n" + TEXT)
    assert verifier_for(WITNESS_KEY).verify(TEXT, signature)


def test_the_key_id_of_a_witness_is_that_of_the_standard():
    material = b"\x04" + parse_verifier_key(WITNESS_KEY).public_key

    key_id = hashlib.sha256(NAME.encode() + b"\n" + material).digest()[:4]

    assert key_id == a_witness().key_id == cosignature_verifier(WITNESS_KEY).key_id
    assert key_id != ed25519_signer(PEM, NAME).key_id


@pytest.mark.parametrize(
    "key", [verifier_key_of(PEM, NAME), WITNESS_KEY], ids=["ledger", "witness"]
)
def test_bytes_that_are_no_signature_do_not_verify(key):
    verifier = verifier_for(key)
    signer = a_witness() if key == WITNESS_KEY else ed25519_signer(PEM, NAME)
    good = signer.sign(TEXT)
    assert verifier.verify(TEXT, good)

    for size in (0, 1, 7, 8, 63, 64, 65, 71, 72, 73, 5000):
        assert not verifier.verify(TEXT, bytes(size))
        assert not verifier.verify(TEXT, b"\xff" * size)
    for at in range(len(good)):
        assert not verifier.verify(TEXT, good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    assert not verifier.verify(TEXT, good + b"\x00")


def test_a_time_beyond_63_bits_does_not_verify():
    key = serialization.load_pem_private_key(PEM, password=None)
    for seconds, verifies in ((2**63 - 1, True), (2**63, False)):
        message = f"cosignature/v1\ntime {seconds}\n".encode() + TEXT
        signature = seconds.to_bytes(8) + key.sign(message)

        assert verifies == cosignature_verifier(WITNESS_KEY).verify(TEXT, signature)


def test_a_ledgers_key_is_no_witness_and_a_witness_no_ledger():
    with pytest.raises(InputError, match="not a ledger's"):
        ed25519_verifier(WITNESS_KEY)
    with pytest.raises(InputError, match="not a witness's"):
        cosignature_verifier(verifier_key_of(PEM, NAME))


def test_a_name_that_a_note_cannot_carry_is_refused_for_a_signer():
    with pytest.raises(InputError, match="key name"):
        ed25519_signer(PEM, "a b")
    with pytest.raises(InputError, match="key name"):
        cosignature_signer(PEM, "a+b", lambda: 0)


def test_a_private_key_is_encrypted_with_a_passphrase():
    pem = new_private_key(b"correct horse")

    assert b"ENCRYPTED" in pem
    signer = ed25519_signer(pem, NAME, b"correct horse")
    key = verifier_key_of(pem, NAME, b"correct horse")
    assert ed25519_verifier(key).verify(TEXT, signer.sign(TEXT))
    assert cosignature_signer(pem, NAME, lambda: 0, b"correct horse").name == NAME


@pytest.mark.parametrize("passphrase", [b"", b"x" * 1024])
def test_a_passphrase_of_another_size_is_refused(passphrase):
    with pytest.raises(InputError, match="1 to 1023 bytes"):
        new_private_key(passphrase)


def test_a_missing_wrong_or_needless_passphrase_is_named_and_nothing_of_the_key_is_shown():
    plain, encrypted = new_private_key(), new_private_key(b"correct horse")

    for pem, passphrase, problem in (
        (encrypted, None, "is encrypted"),
        (encrypted, b"wrong", "passphrase is wrong"),
        (plain, b"correct horse", "is not encrypted"),
        (plain[:60] + plain[64:], None, "not a private key"),
    ):
        with pytest.raises(InputError, match=problem) as caught:
            ed25519_signer(pem, NAME, passphrase)

        told = str(caught.value) + repr(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        assert not any(line in told for line in pem.decode().splitlines())
        assert "horse" not in told


def test_a_signer_shows_nothing_of_its_key():
    secret = base64.b64encode(
        serialization.load_pem_private_key(PEM, password=None).private_bytes_raw()
    ).decode()

    for signer in (ed25519_signer(PEM, NAME), a_witness()):
        assert secret not in repr(signer)
        assert not hasattr(signer, "__dict__")
