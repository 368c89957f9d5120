from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.errors import ProofRejectedError
from verifier.encoding import (
    read_base64,
    read_decimal,
    read_hashes,
    read_json_object,
    shown,
    write_base64,
)

NOT_BASE64 = {
    "not-the-alphabet": "AA*=",
    "url-safe-alphabet": "-_8=",
    "no-padding": "AAA",
    "too-much-padding": "AAA==",
    "padding-alone": "====",
    "padding-within": "AA==AAAA",
    "after-padding": "AAA=A",
    "left-over-bits-in-one-byte": "AB==",
    "left-over-bits-in-two-bytes": "AAB=",
    "line-break-within": "AAAA\nAAAA",
    "line-break-after": "AAAA\n",
    "carriage-return": "AAAA\r",
    "space-before": " AAAA",
    "nul": "AAAA\x00",
    "not-ascii": "AAAé",
    "wide-digits": "AAA\uff11",
    "surrogate": "AAA\ud800",
    "one-letter": "A",
    "number": 7,
    "none": None,
    "list": ["AAAA"],
    "bytes": b"AAAA",
}


@pytest.mark.parametrize("mutation", NOT_BASE64)
def test_base64_is_refused_for(mutation):
    with pytest.raises(ProofRejectedError, match="the thing is not base64"):
        read_base64(NOT_BASE64[mutation], "the thing")


@given(st.binary())
def test_base64_is_read_as_it_was_written(data):
    assert data == read_base64(write_base64(data), "it", size=len(data))


@given(st.text("ABab01+/=\n -_", max_size=12))
def test_what_is_read_as_base64_is_what_would_be_written(text):
    try:
        data = read_base64(text, "it")
    except ProofRejectedError:
        return
    assert text == write_base64(data)


def test_bytes_of_another_number_are_refused():
    with pytest.raises(ProofRejectedError, match="has 3 bytes instead of 32"):
        read_base64("AAAA", "the root", size=32)


NOT_DECIMAL = [
    "",
    "00",
    "01",
    "+1",
    "-1",
    " 1",
    "1 ",
    "1_0",
    "0x1",
    "1.0",
    "1e3",
    "²",
    "١",
    "１",
    "\x001",
]


@pytest.mark.parametrize("text", NOT_DECIMAL, ids=ascii)
def test_a_number_written_otherwise_is_refused(text):
    with pytest.raises(ProofRejectedError, match="not a plain decimal"):
        read_decimal(text, "the size")


@pytest.mark.parametrize("text", [str(2**63), "9" * 30, "9" * 100_000], ids=len)
def test_a_number_that_is_too_large_is_refused_whatever_its_length(text):
    with pytest.raises(ProofRejectedError, match="larger than"):
        read_decimal(text, "the size")


@pytest.mark.parametrize("number", [0, 1, 10, 2**63 - 1])
def test_a_plain_number_is_read(number):
    assert number == read_decimal(str(number), "the size")


@pytest.mark.parametrize(
    "value", [None, "AAAA", b"AAAA", 7, {}, {"a": 1}, [None], [7], ["AAAA"], [["A"]]], ids=repr
)
def test_what_is_no_list_of_hashes_is_refused(value):
    with pytest.raises(ProofRejectedError, match="the proof"):
        read_hashes(value, "the proof")


def test_a_list_of_hashes_is_read_up_to_its_limit():
    texts = [write_base64(bytes(32))] * 64

    assert read_hashes(texts, "the proof") == [bytes(32)] * 64
    with pytest.raises(ProofRejectedError, match="has 65 hashes"):
        read_hashes([*texts, texts[0]], "the proof")


NOT_JSON = {
    "empty": b"",
    "text": b"hello",
    "array": b"[]",
    "null": b"null",
    "a-name-twice": b'{"a": 1, "a": 1}',
    "a-name-twice-within": b'{"b": {"a": 1, "a": 1}}',
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "huge-number": b'{"a": ' + b"9" * 5000 + b"}",
    "nested-too-deep": b'{"a":' * 100_000,
    "arrays-too-deep": b'{"a":' + b"[" * 100_000,
    "not-utf8": b'{"a": "\xff"}',
    "byte-order-mark": b"\xef\xbb\xbf{}",
    "utf-16": "{}".encode("utf-16"),
    "trailing": b"{} {}",
    "too-large": b"{" + b" " * 1_000_000 + b"}",
}


@pytest.mark.parametrize("mutation", NOT_JSON)
def test_json_is_refused_for(mutation):
    with pytest.raises(ProofRejectedError, match="the file"):
        read_json_object(NOT_JSON[mutation], "the file", 1_000_000)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_bytes_are_an_object_or_refused(data):
    with suppress(ProofRejectedError):
        assert isinstance(read_json_object(data, "the file", 1000), dict)


@given(st.text() | st.binary() | st.integers() | st.none())
def test_what_is_shown_of_something_is_short_and_printable(value):
    text = shown(value)

    assert len(text) < 80
    assert text.isprintable()
