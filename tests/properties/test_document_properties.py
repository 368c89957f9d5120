"""Laws of document bytes: what is written is read back, and there is one right way to write it."""

import base64
import datetime
import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import assume, example, given
from hypothesis import strategies as st

from journal.document import NESTING_MAX, canonical, decode, encode, is_canonical, parse_json
from journal.errors import InvalidDocumentError, LimitExceededError
from journal.values import IonValue, Symbol, Time, Timestamp
from tests.support.strategies import documents, examples, is_same, names, plain_values, values

SIZE_MAX = 1 << 20
thorough = examples(120)


def tagged(value: Any) -> Any:
    """The reference: the table of docs/formats/document.md, row by row."""
    match value:
        case dict():
            return {"$" * name.startswith("$") + name: tagged(item) for name, item in value.items()}
        case list():
            return [tagged(item) for item in value]
        case None | bool() | str():
            return value
        case int():
            return value if -(2**53) < value < 2**53 else {"$int": str(value)}
        case float():
            special = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
            if repr(value) in special:
                return {"$float": special[repr(value)]}
            return {"$float": repr(value)} if value == int(value) else value
        case Decimal():
            return {"$decimal": str(value)}
        case datetime.datetime():
            return {"$timestamp": value.isoformat().replace("+00:00", "Z")}
        case Timestamp():
            return {"$timestamp": value.text}
        case datetime.date():
            return {"$date": value.isoformat()}
        case datetime.time():
            return {"$time": value.isoformat()}
        case Time():
            return {"$time": value.text}
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case Symbol():
            return {"$symbol": value.text}
        case IonValue():
            return {"$ion": value.text}
    raise AssertionError(value)


@thorough
@given(values)
def test_decoding_what_was_encoded_gives_the_value(value):
    assert is_same(value, decode(encode(value)))


@thorough
@given(values)
def test_the_bytes_are_the_rfc_8785_form_of_the_tagged_value(value):
    assert rfc8785.dumps(tagged(value)) == encode(value)


@thorough
@given(plain_values)
def test_the_fast_path_writes_what_rfc_8785_writes(value):
    assert rfc8785.dumps(tagged(value)) == encode(value)


@examples(500)
@given(
    st.one_of(
        st.floats(1e-4, 1e16, exclude_max=True), st.integers(1, 10**15).map(lambda n: n / 997)
    )
)
@example(1e-4)
@example(0.30000000000000004)
@example(9007199254740991.5)
def test_orjson_writes_the_floats_it_is_trusted_with_as_rfc_8785_does(value):
    assume(not value.is_integer())

    for number in (value, -value):
        assert rfc8785.dumps(number) == orjson.dumps(number) == encode(number)


@thorough
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF), max_size=8),
        st.integers(0, 9),
        max_size=8,
    )
)
def test_orjson_sorts_and_escapes_the_keys_it_is_trusted_with_as_rfc_8785_does(value):
    assert rfc8785.dumps(value) == orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@thorough
@given(documents, st.data())
def test_the_order_of_fields_changes_no_byte(value, data):
    shuffled = dict(data.draw(st.permutations(list(value.items()))))

    assert encode(value) == encode(shuffled)


@thorough
@given(values)
def test_canonical_gives_the_bytes_and_the_value_they_decode_to(value):
    data, read = canonical(value)

    assert encode(value) == data
    assert is_same(decode(data), read)
    assert is_canonical(data)


@thorough
@given(values, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_a_text_laid_out_in_another_way_is_the_same_value(value, indent, ascii_only):
    text = json.dumps(tagged(value), indent=indent, ensure_ascii=ascii_only)

    assert is_same(value, parse_json(text, size_max=SIZE_MAX))


@thorough
@given(documents, st.data())
def test_a_changed_byte_is_refused_or_means_another_value(value, data):
    stored = bytearray(encode(value))
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] ^= data.draw(st.integers(1, 255))

    try:
        changed = decode(bytes(stored))
    except InvalidDocumentError:
        return

    if is_canonical(bytes(stored)):
        assert not is_same(value, changed)


@thorough
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60)))
def test_any_bytes_and_any_text_are_a_value_or_a_typed_error(text):
    try:
        value = parse_json(text, size_max=50)
    except (InvalidDocumentError, LimitExceededError):
        return

    assert is_same(value, decode(encode(value)))


def strict_json(text: str) -> Any:
    """The reference reader: Python's own, without its extensions and with unique keys."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("duplicate")
        return dict(pairs)

    def refuse(token: str) -> Any:
        raise ValueError(token)

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)


TOKENS = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    '"b"',
    '"\\u0061"',
    '"\\":"',
    "1",
    "0.5",
    "null",
    " ",
    '"a":',
    "NaN",
]


@examples(500)
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
@example('{"a":1,"a":1}')
@example('{"a":{"a":1,"b":"\\":"},"b" :1}')
@example('[{"a":1,"\\u0061":1}]')
def test_a_text_is_read_or_refused_as_the_reference_does(text):
    try:
        expected = strict_json(text)
    except ValueError:
        with pytest.raises(InvalidDocumentError):
            parse_json(text, size_max=SIZE_MAX)
    else:
        assert is_same(expected, parse_json(text, size_max=SIZE_MAX))


@thorough
@given(
    st.recursive(
        st.integers(0, 9).map(str),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
            st.lists(st.tuples(st.sampled_from(["a", "b", "\\u0061", "c"]), inner), max_size=3).map(
                lambda pairs: "{" + ", ".join(f'"{name}":{item}' for name, item in pairs) + "}"
            ),
        ),
        max_leaves=12,
    )
)
def test_a_duplicate_key_is_refused_wherever_it_stands(text):
    try:
        expected = strict_json(text)
    except ValueError:
        with pytest.raises(InvalidDocumentError, match="duplicate key") as caught:
            parse_json(text, size_max=SIZE_MAX)

        assert text[caught.value.position] == '"'
    else:
        assert expected == parse_json(text, size_max=SIZE_MAX)


@thorough
@given(st.integers(1, 2 * NESTING_MAX), st.sampled_from(["list", "struct", "both"]), values)
def test_nesting_is_refused_at_one_depth_on_every_path(depth, shape, inner):
    value = inner
    for level in range(depth):
        value = [value] if shape == "list" or (shape == "both" and level % 2) else {"a": value}
    text = json.dumps(tagged(value))
    outcomes = set()
    for read in (
        lambda: encode(value),
        lambda: decode(text.encode()),
        lambda: parse_json(text, size_max=SIZE_MAX),
    ):
        try:
            read()
            outcomes.add("read")
        except InvalidDocumentError:
            outcomes.add("refused")

    assert len(outcomes) == 1


@thorough
@given(st.dictionaries(names, st.integers(), max_size=4))
def test_no_field_name_is_ever_taken_for_a_tag(value):
    assert is_same(value, decode(encode(value)))
    assert is_same(value, parse_json(encode(value), size_max=SIZE_MAX))
