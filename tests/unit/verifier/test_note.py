import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.errors import InputError, ProofRejectedError
from tests.support.signing import a_key, a_signer, a_witness, a_witness_key
from verifier.keys import verifier_for
from verifier.note import (
    NOTE_SIZE_MAX,
    SIGNATURES_MAX,
    Note,
    SignatureLine,
    add_signature,
    format_note,
    open_note,
    parse_note,
    sign_note,
    signature_line,
)

PUBLISHED_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PUBLISHED = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1"
    "Yu72IneyaQM=\n"
)
"""The example of C2SP signed-note."""

SIGNED = sign_note("one\ntwo\n", a_signer())
OWN = verifier_for(a_key())
LINE = parse_note(SIGNED).signatures[0]


def test_the_published_note_opens():
    note, lines = open_note(PUBLISHED, [verifier_for(PUBLISHED_KEY)])

    assert note.text == "This is an example message.\n"
    assert [line.name for line in lines] == ["example.com/foo"]
    assert format_note(note) == PUBLISHED


def test_bytes_and_text_are_read_alike():
    assert parse_note(SIGNED) == parse_note(SIGNED.encode())


def test_a_text_with_empty_lines_is_split_at_the_last_one():
    for text in ("\n", "\n\n", "a\n\nb\n\n", "— a AAAAAAAA\n\n— b AAAAAAAA\n"):
        note = sign_note(text, a_signer())

        assert open_note(note, [OWN])[0].text == text


def test_lines_of_unknown_keys_are_passed_over():
    stranger = sign_note("one\ntwo\n", a_signer("stranger", "stranger"))
    same_name = sign_note("one\ntwo\n", a_signer("stranger"))
    same_id = SignatureLine("another", LINE.key_id, LINE.signature)
    note = SIGNED
    for line in (parse_note(stranger).signatures[0], parse_note(same_name).signatures[0], same_id):
        note = add_signature(note, line)

    assert len(parse_note(note).signatures) == 4
    assert open_note(note, [OWN])[1] == (LINE,)


def test_a_false_line_of_a_known_key_spoils_the_note():
    false = LINE._replace(signature=bytes(64))
    witnessed = add_signature(SIGNED, signature_line("one\ntwo\n", a_witness()))
    witness = verifier_for(a_witness_key())

    assert len(open_note(witnessed, [OWN, witness])[1]) == 2
    with pytest.raises(ProofRejectedError, match="is not one of this text"):
        open_note(add_signature(witnessed, false), [OWN, witness])
    with pytest.raises(ProofRejectedError, match="is not one of this text"):
        open_note(format_note(Note("one\ntwo\n", (LINE, false))), [OWN])


def test_a_note_without_a_line_of_a_known_key_is_rejected():
    for known in ([], [verifier_for(a_key("stranger"))]):
        with pytest.raises(ProofRejectedError, match="not signed by"):
            open_note(SIGNED, known)


def test_two_keys_of_one_name_and_id_are_refused():
    with pytest.raises(InputError, match="two keys"):
        open_note(SIGNED, [OWN, verifier_for(a_key())])


def test_a_second_line_of_a_key_takes_the_place_of_the_first():
    first = add_signature(SIGNED, signature_line("one\ntwo\n", a_witness(seconds=1)))
    second = add_signature(first, signature_line("one\ntwo\n", a_witness(seconds=2)))

    assert len(parse_note(second).signatures) == 2
    assert second != first
    open_note(second, [OWN, verifier_for(a_witness_key())])


B64 = "AAAAAAAA"
REFUSED = {
    "nothing": "",
    "one-line-break": "\n",
    "only-line-breaks": "\n\n\n",
    "no-signature": "text\n\n",
    "no-empty-line": f"text\n— a {B64}\n",
    "no-text": f"— a {B64}\n",
    "empty-line-first": f"\n— a {B64}\n",
    "text-without-end": "text\n\n— a",
    "signature-without-line-break": f"text\n\n— a {B64}",
    "hyphen-for-dash": f"text\n\n- a {B64}\n",
    "en-dash-for-dash": f"text\n\n– a {B64}\n",
    "no-space-after-dash": f"text\n\n—a {B64}\n",
    "two-spaces-after-dash": f"text\n\n—  a {B64}\n",
    "two-spaces-after-name": f"text\n\n— a  {B64}\n",
    "no-name": f"text\n\n— {B64}\n",
    "plus-in-name": f"text\n\n— a+b {B64}\n",
    "unicode-space-in-name": f"text\n\n— a\u2003b {B64}\n",
    "next-line-in-name": f"text\n\n— a\u0085b {B64}\n",
    "delete-in-name": f"text\n\n— a\x7fb {B64}\n",
    "no-base64": "text\n\n— a \n",
    "no-base64-and-no-space": "text\n\n— a\n",
    "base64-left-over-bits": "text\n\n— a AAAAAAB=\n",
    "base64-without-padding": "text\n\n— a AAAAAAA\n",
    "base64-trailing-space": f"text\n\n— a {B64} \n",
    "base64-url-safe": "text\n\n— a AAAA_AAA\n",
    "key-id-alone": "text\n\n— a AAAAAA==\n",
    "key-id-cut": "text\n\n— a AAAA\n",
    "text-after-signature": f"text\n\n— a {B64}\nmore\n",
    "carriage-return-in-text": f"text\r\n\n— a {B64}\n",
    "carriage-return-in-signature": f"text\n\n— a {B64}\r\n",
    "carriage-returns-everywhere": f"text\r\n\r\n— a {B64}\r\n",
    "tab": f"te\txt\n\n— a {B64}\n",
    "nul": f"te\x00xt\n\n— a {B64}\n",
    "escape": f"te\x1bxt\n\n— a {B64}\n",
    "surrogate": f"te\ud800xt\n\n— a {B64}\n",
    "not-utf8-text": b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAAA\n",
    "not-utf8-signature": b"text\n\n\xe2\x80\x94 a\xe2\x80 AAAAAAAA\n",
    "overlong-utf8": b"te\xc0\x8axt\n\n\xe2\x80\x94 a AAAAAAAA\n",
    "utf8-of-a-surrogate": b"te\xed\xa0\x80xt\n\n\xe2\x80\x94 a AAAAAAAA\n",
    "utf-16": f"text\n\n— a {B64}\n".encode("utf-16"),
    "too-many-signatures": "text\n\n" + f"— a {B64}\n" * (SIGNATURES_MAX + 1),
    "too-large-in-bytes": "é" * (NOTE_SIZE_MAX // 2) + f"\n\n— a {B64}\n",
    "too-large": "x" * NOTE_SIZE_MAX + f"\n\n— a {B64}\n",
    "none": None,
    "number": 7,
    "list": ["text\n"],
}


@pytest.mark.parametrize("mutation", REFUSED)
def test_a_note_is_refused_for(mutation):
    with pytest.raises(ProofRejectedError):
        parse_note(REFUSED[mutation])


def test_as_many_signatures_as_there_may_be_are_read():
    note = "text\n\n" + f"— a {B64}\n" * SIGNATURES_MAX

    assert len(parse_note(note).signatures) == SIGNATURES_MAX


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("a\nb\r\n\n— a AAAAAAAA\n", 2),
        (b"a\nb\n\xff\n\n", 3),
        ("a\n\n— a AAAAAAAA\nrest\n", 4),
        ("a\nb\n\n— a AAAAAAB=\n", 4),
        ("a\nb\n\n— a AAAA\n", 4),
    ],
)
def test_the_error_names_the_line(note, line):
    with pytest.raises(ProofRejectedError, match=f"line {line} of the note"):
        parse_note(note)


def opens(data: bytes) -> bool:
    """Whether the note opens, with the text that was signed; only a typed error may come of it."""
    try:
        note, _ = open_note(data, [OWN])
    except ProofRejectedError:
        return False
    assert note.text == "one\ntwo\n"
    return True


SPOILERS = b"\x00\n\r\t +-=/AB\x7f\x80\xc0\xe2\xff"


def test_no_byte_of_a_signed_note_can_be_changed_added_or_left_out():
    """Left-over bits of base64 too: two notes never say the same."""
    data = SIGNED.encode()
    assert opens(data)

    for at in range(len(data)):
        assert not opens(data[:at] + data[at + 1 :])
        assert not opens(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        for spoiler in SPOILERS:
            byte = bytes([spoiler])
            assert data[at : at + 1] == byte or not opens(data[:at] + byte + data[at + 1 :])
            added = data[:at] + byte + data[at:]
            assert added == data[: at + 1] + data[at:] or not opens(added)


def test_no_last_letter_of_base64_but_one_is_read():
    data = SIGNED.encode()
    at = data.rindex(b"=") - 1

    opened = [byte for byte in range(256) if opens(data[:at] + bytes([byte]) + data[at + 1 :])]

    assert opened == [data[at]]


def test_lines_cannot_be_left_out_doubled_or_swapped():
    lines = SIGNED.encode().splitlines(keepends=True)

    for at in range(len(lines)):
        assert not opens(b"".join(lines[:at] + lines[at + 1 :]))
    for at in range(len(lines) - 1):
        assert not opens(b"".join([*lines[:at], lines[at], *lines[at:]]))
        assert not opens(b"".join([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]))


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything_is_a_note_or_refused(data):
    try:
        note = parse_note(data)
    except ProofRejectedError:
        return
    assert format_note(note) == (data if isinstance(data, str) else data.decode())


@given(st.text("—\n a+=A", max_size=40))
def test_what_looks_like_a_note_is_read_back_as_it_is_or_refused(data):
    try:
        note = parse_note("t\n\n— a " + data)
    except ProofRejectedError:
        return
    assert format_note(note) == "t\n\n— a " + data


@pytest.mark.parametrize(
    "text", ["", "a", "a\rb\n", "a\x00\n", "a\ud800\n", "a\n\ud800"], ids=ascii
)
def test_a_text_that_a_note_cannot_carry_is_not_signed(text):
    with pytest.raises(InputError):
        sign_note(text, a_signer())


@pytest.mark.parametrize(
    "line",
    [
        SignatureLine("a b", bytes(4), bytes(64)),
        SignatureLine("a\nb", bytes(4), bytes(64)),
        SignatureLine("", bytes(4), bytes(64)),
        SignatureLine("a", bytes(4), b""),
        SignatureLine("a", bytes(3), bytes(64)),
        SignatureLine("a", bytes(5), bytes(64)),
    ],
)
def test_a_line_that_a_note_cannot_carry_is_not_added(line):
    with pytest.raises(InputError, match="cannot be a signed note"):
        add_signature(SIGNED, line)


def test_a_note_without_signatures_is_not_written():
    with pytest.raises(InputError, match="cannot be a signed note"):
        format_note(Note("text\n", ()))
