"""Receipts that somebody changed, or made to hurt: all are refused with the typed error."""

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from journal.errors import ProofRejectedError
from tests.support.receipts import KEY, SignedLedger, a_varied_chain, with_every_byte_flipped
from tests.support.strategies import examples
from verifier.fields import is_same
from verifier.receipt import RECEIPT_SIZE_MAX, read_receipt, verify_receipt

LEDGER = SignedLedger(a_varied_chain(12))
RECEIPTS = {
    "transaction": LEDGER.receipt(7, 0),
    "insert": LEDGER.receipt(7, 1),
    "update": LEDGER.receipt(7, 2),
    "deletion": LEDGER.receipt(7, 3),
    "alone-in-its-block": LEDGER.receipt(1, 0),
    "genesis-alone": LEDGER.receipt(0, 1, tree_size=1),
}
VALUE = RECEIPTS["insert"].to_json()
TEXT = RECEIPTS["insert"].to_bytes().decode()

refused = pytest.raises(ProofRejectedError, match=r"^receipt refused in step \([0-5]\), ")


@pytest.mark.parametrize("name", RECEIPTS)
def test_no_bit_of_any_byte_can_be_changed(name):
    value = RECEIPTS[name].to_json()
    verify_receipt(value, KEY)
    count = 0
    for what, changed in with_every_byte_flipped(value):
        count += 1
        try:
            verify_receipt(changed, KEY)
        except ProofRejectedError:
            continue
        raise AssertionError(f"accepted with a change in {what}")

    assert count >= len(RECEIPTS[name].header) + len(RECEIPTS[name].entry_body)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECEIPTS)
def test_no_letter_of_the_checkpoint_can_be_changed(name):
    value = RECEIPTS[name].to_json()
    note = value["checkpoint"]
    for place, letter in enumerate(note):
        for other in {chr(ord(letter) ^ 1), chr(ord(letter) ^ 32), "\n", " ", "A", ""} - {letter}:
            changed = value | {"checkpoint": note[:place] + other + note[place + 1 :]}
            with refused:
                verify_receipt(changed, KEY)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a JSON value."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def changed_at(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of the value with something else at a path."""
    if not path:
        return new
    whole = copy.deepcopy(value)
    at(whole, path[:-1])[path[-1]] = new
    return whole


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.integers(-2, 20),
        st.floats(),
        st.text(st.characters(), max_size=12),
        st.sampled_from(
            ["", "AA==", "AAA=", "AAAA", "revision", "transaction", "INSERT", "DELETE"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(), max_size=6), inner, max_size=4),
    ),
    max_leaves=12,
)


@examples(500)
@given(st.data())
def test_no_field_can_be_replaced(data):
    value = RECEIPTS[data.draw(st.sampled_from(sorted(RECEIPTS)))].to_json()
    path = data.draw(st.sampled_from(places(value)))
    new = data.draw(
        st.one_of(json_values, st.sampled_from(places(value)).map(lambda p: at(value, p)))
    )
    assume(not is_same(at(value, path), new))

    with refused:
        verify_receipt(changed_at(value, path, new), KEY)


@pytest.mark.parametrize("name", RECEIPTS)
def test_no_field_can_be_left_out_or_added(name):
    value = RECEIPTS[name].to_json()
    for path in places(value):
        if path:
            whole = copy.deepcopy(value)
            del at(whole, path[:-1])[path[-1]]
            with refused:
                verify_receipt(whole, KEY)
        inner = at(value, path)
        if isinstance(inner, dict):
            with refused:
                verify_receipt(changed_at(value, path, inner | {"more": 1}), KEY)
        elif isinstance(inner, list):
            for item in [*inner[:1], None, "AAAA"]:
                with refused:
                    verify_receipt(changed_at(value, path, [*inner, item]), KEY)


def test_a_number_is_no_other_number_of_the_same_value():
    for path in places(VALUE):
        number = at(VALUE, path)
        if type(number) is int:
            with refused:
                verify_receipt(changed_at(VALUE, path, float(number)), KEY)
            if number in (0, 1):
                with refused:
                    verify_receipt(changed_at(VALUE, path, bool(number)), KEY)


@examples(300)
@given(st.data())
def test_any_change_of_the_text_is_refused_or_says_the_same(data):
    letters = list(TEXT)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(letters) - 1))
        letters[place] = data.draw(
            st.one_of(st.just(""), st.characters(), st.sampled_from('{}[]",:0\\'))
        )
    text = "".join(letters)
    try:
        verify_receipt(text, KEY)
    except ProofRejectedError:
        return

    assert read_receipt(text) == RECEIPTS["insert"]


def replaced(old: str, new: str) -> str:
    """The text of the receipt with one thing in it changed."""
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


HOSTILE_TEXTS: dict[str, str | bytes] = {
    "empty": "",
    "null": "null",
    "list": "[]",
    "string": '"x"',
    "number": "1",
    "empty-object": "{}",
    "not-utf-8": TEXT.encode().replace(b"INSERT", b"INS\xffRT"),
    "utf-16": TEXT.encode("utf-16"),
    "byte-order-mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "cut": TEXT[: len(TEXT) // 2],
    "trailing-object": TEXT + "{}",
    "deep-lists": '{"a":' * 5 + "[" * 1_000_000,
    "deep-objects": '{"a":' * 1_000_000,
    "deep-and-closed": "[" * 100_000 + "]" * 100_000,
    "deep-document": replaced('"paid":0.5', '"paid":' + "[" * 100_000 + "]" * 100_000),
    "deep-document-of-900": replaced('"paid":0.5', '"paid":' + "[" * 900 + "]" * 900),
    "field-twice": replaced('"kind": "revision"', '"kind": "revision",\n"kind": "revision"'),
    "field-twice-escaped": replaced('"kind": "revision"', '"kind": "revision","k\\u0069nd": "revision"'),
    "field-twice-in-the-document": replaced('"paid":0.5', '"paid":0.5,"paid":0.5'),
    "field-twice-in-the-entry": replaced('"count":7', '"count":7,"count":7'),
    "number-of-5000-digits": replaced('"count":7', '"count":' + "7" * 5000),
    "number-with-an-exponent": replaced('"count":7', '"count":7e0'),
    "number-beyond-63-bits": replaced('"count":7', '"count":9223372036854775808'),
    "number-negative": replaced('"count":7', '"count":-7'),
    "number-as-text": replaced('"count":7', '"count":"7"'),
    "number-not-a-number": replaced('"count":7', '"count":NaN'),
    "number-infinite": replaced('"paid":0.5', '"paid":Infinity'),
    "number-true": replaced('"version": 0', '"version": false'),
    "surrogate-in-a-name": replaced('"kind": "revision"', '"kind": "revision","\\ud800": 1'),
    "surrogate-in-a-text": replaced('"kind": "revision"', '"kind": "\\ud800"'),
    "surrogate-in-the-checkpoint": replaced('"checkpoint": "', '"checkpoint": "\\udfff'),
    "zero-in-the-checkpoint": replaced('"checkpoint": "', '"checkpoint": "\\u0000'),
    "another-format": replaced("indelible-receipt/1", "indelible-receipt/2"),
    "too-long": TEXT + " " * RECEIPT_SIZE_MAX,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_a_text_is_refused_that_is(name):
    with refused:
        verify_receipt(HOSTILE_TEXTS[name], KEY)


BODY = VALUE["entry"]["body"]
PROOF = VALUE["entry"]["proof"]
HOSTILE_FIELDS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "base64-url-safe": (("header",), VALUE["header"].translate(str.maketrans("+/", "-_")) + "-_=="),
    "base64-without-padding": (("entry", "payload"), VALUE["entry"]["payload"].rstrip("=")),
    "base64-padding-too-much": (("entry", "body"), BODY + "===="),
    "base64-with-a-line-break": (("entry", "body"), BODY[:20] + "\n" + BODY[20:]),
    "base64-with-a-space-behind": (("entry", "body"), BODY + " "),
    "base64-loose-bits": (("entry", "proof", 0), PROOF[0][:-2] + chr(ord(PROOF[0][-2]) + 1) + "="),
    "base64-of-nothing": (("entry", "body"), ""),
    "base64-not-ascii": (("entry", "body"), "é" + BODY[1:]),
    "base64-a-list": (("entry", "body"), [BODY]),
    "payload-null": (("entry", "payload"), None),
    "payload-empty": (("entry", "payload"), ""),
    "megabytes-of-proof": (("ledger", "proof"), PROOF * 20_000),
    "megabytes-in-a-hash": (("ledger", "proof", 0), "A" * 4_000_000),
    "proof-null": (("entry", "proof"), None),
    "proof-a-text": (("entry", "proof"), PROOF[0]),
    "proof-an-object": (("entry", "proof"), {"0": PROOF[0]}),
    "proof-of-numbers": (("entry", "proof"), [1, 2, 3]),
    "proof-of-null": (("entry", "proof"), [None]),
    "proof-of-lists": (("entry", "proof"), [PROOF]),
    "hash-of-31-bytes": (("entry", "proof", 0), "A" * 40 + "AA=="),
    "entry-a-list": (("entry",), [VALUE["entry"]]),
    "ledger-null": (("ledger",), None),
    "megabytes-of-checkpoint": (("checkpoint",), VALUE["checkpoint"] * 40_000),
    "signature-lines-without-end": (
        ("checkpoint",), VALUE["checkpoint"] + VALUE["checkpoint"].splitlines(keepends=True)[-1] * 5000),
    "key-chain-empty": (("key_chain",), []),
    "key-chain-null": (("key_chain",), None),
    "key-chain-of-numbers": (("key_chain",), [1]),
    "key-chain-of-101": (("key_chain",), ["a"] * 101),
    "key-chain-a-text": (("key_chain",), "abc"),
    "document-null": (("document",), None),
    "document-a-text": (("document",), json.dumps(VALUE["document"])),
    "document-in-other-tags": (("document", "block"), {"$int": "7"}),
    "timestamp-of-another-spelling": (("timestamp",), VALUE["timestamp"].replace("Z", "+00:00")),
    "operation-by-number": (("operation",), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_FIELDS)
def test_a_field_is_refused_with(name):
    path, new = HOSTILE_FIELDS[name]
    value = changed_at(VALUE, path, new)

    with refused:
        verify_receipt(value, KEY)
    with refused:
        verify_receipt(json.dumps(value), KEY)


def test_text_that_cannot_be_written_is_refused_in_reading():
    """Otherwise it is an error of another kind that ends the writing."""
    with refused:
        read_receipt(VALUE | {"checkpoint": VALUE["checkpoint"] + "\ud800"})


@pytest.mark.parametrize("value", [None, [], 1, object(), {1: 2}, {None: VALUE}])
def test_what_is_no_receipt_at_all_is_refused(value):
    with refused:
        verify_receipt(value, KEY)


def test_a_document_that_holds_itself_is_refused():
    value = copy.deepcopy(VALUE)
    value["document"]["tags"] = value["document"]

    with refused:
        verify_receipt(value, KEY)


@examples(500)
@given(st.one_of(st.binary(max_size=60), st.text(st.characters(), max_size=60)))
def test_noise_is_refused(data):
    with refused:
        verify_receipt(data, KEY)
