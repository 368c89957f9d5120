import datetime
import enum
import json
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from journal.document import (
    EXPONENT_MAX,
    INTEGER_MAX,
    NESTING_MAX,
    canonical,
    decode,
    encode,
    is_canonical,
    parse_json,
)
from journal.errors import InvalidDocumentError, LimitExceededError
from journal.values import MISSING, Bag, IonValue, Symbol, Time, Timestamp
from tests.support.strategies import is_same

by_type = {"ids": lambda value: type(value).__name__}
"""Names for cases whose values are too long to be one."""

UTC = datetime.UTC
HOUR = datetime.timezone(datetime.timedelta(hours=1))
SIZE_MAX = 1024 * 1024

TYPES = [
    (None, "null"),
    (True, "true"),
    (False, "false"),
    ("", '""'),
    ('say "é" \n\\ / \x01\x7f \u2028 😀', '"say \\"é\\" \\n\\\\ / \\u0001\x7f \u2028 😀"'),
    ([], "[]"),
    ([1, [2], {}], "[1,[2],{}]"),
    ({}, "{}"),
    ({"b": 1, "a": {"d": 2, "c": 3}}, '{"a":{"c":3,"d":2},"b":1}'),
    (0, "0"),
    (INTEGER_MAX, "9007199254740991"),
    (-INTEGER_MAX, "-9007199254740991"),
    (INTEGER_MAX + 1, '{"$int":"9007199254740992"}'),
    (-INTEGER_MAX - 1, '{"$int":"-9007199254740992"}'),
    (10**40, '{"$int":"1' + "0" * 40 + '"}'),
    (0.5, "0.5"),
    (-1234.56789, "-1234.56789"),
    (0.1 + 0.2, "0.30000000000000004"),
    (1e-4, "0.0001"),
    (1.5e-5, "0.000015"),
    (1.5e-7, "1.5e-7"),
    (5e-324, "5e-324"),
    (1234567890123456.5, "1234567890123456.5"),
    (1.0, '{"$float":"1.0"}'),
    (0.0, '{"$float":"0.0"}'),
    (-0.0, '{"$float":"-0.0"}'),
    (1e16, '{"$float":"1e+16"}'),
    (1.7976931348623157e308, '{"$float":"1.7976931348623157e+308"}'),
    (float("nan"), '{"$float":"NaN"}'),
    (float("inf"), '{"$float":"Infinity"}'),
    (float("-inf"), '{"$float":"-Infinity"}'),
    (Decimal("10.50"), '{"$decimal":"10.50"}'),
    (Decimal("-0.00"), '{"$decimal":"-0.00"}'),
    (Decimal("1E+3"), '{"$decimal":"1E+3"}'),
    (Decimal("1E-7"), '{"$decimal":"1E-7"}'),
    (Decimal(1), '{"$decimal":"1"}'),
    (Decimal("1." + "3" * 60), '{"$decimal":"1.' + "3" * 60 + '"}'),
    (datetime.datetime(2026, 11, 23, 18, tzinfo=UTC), '{"$timestamp":"2026-11-23T18:00:00Z"}'),
    (datetime.datetime(2026, 11, 23, 18, 0, 0, 123456, UTC),
     '{"$timestamp":"2026-11-23T18:00:00.123456Z"}'),
    (datetime.datetime(2026, 11, 23, 18, tzinfo=HOUR), '{"$timestamp":"2026-11-23T18:00:00+01:00"}'),
    (Timestamp("2026-11-23T18:00:00-00:00"), '{"$timestamp":"2026-11-23T18:00:00-00:00"}'),
    (Timestamp("2026-11-23T18:00:00.120Z"), '{"$timestamp":"2026-11-23T18:00:00.120Z"}'),
    (Timestamp("2026-11-23T18:00Z"), '{"$timestamp":"2026-11-23T18:00Z"}'),
    (Timestamp("2026-11-23"), '{"$timestamp":"2026-11-23"}'),
    (Timestamp("2026T"), '{"$timestamp":"2026T"}'),
    (datetime.date(2026, 11, 23), '{"$date":"2026-11-23"}'),
    (datetime.time(18), '{"$time":"18:00:00"}'),
    (datetime.time(18, 0, 0, 120000, HOUR), '{"$time":"18:00:00.120000+01:00"}'),
    (Time("18:00:00.12"), '{"$time":"18:00:00.12"}'),
    (b"", '{"$bytes":""}'),
    (b"\x00\xff\xfe", '{"$bytes":"AP/+"}'),
    (Symbol("x"), '{"$symbol":"x"}'),
    (IonValue("(a b)"), '{"$ion":"(a b)"}'),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), TYPES, ids=[text[:40] for _, text in TYPES])
def test_each_type_is_written_as_the_table_says(value, text):
    assert text == encode(value).decode()


@pytest.mark.parametrize(("value", "text"), TYPES, ids=[text[:40] for _, text in TYPES])
def test_each_type_is_read_as_the_table_says(value, text):
    assert is_same(value, decode(text.encode()))
    assert is_same(value, parse_json(text, size_max=SIZE_MAX))
    assert is_canonical(text.encode())


@pytest.mark.parametrize(("value", "text"), TYPES, ids=[text[:40] for _, text in TYPES])
def test_each_type_is_written_the_same_way_inside_a_document(value, text):
    assert encode({"a": [value]}) == b'{"a":[' + text.encode() + b"]}"


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ((1, 2), [1, 2]),
        (Bag([1, 2]), [1, 2]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        (enum.StrEnum("E", [("A", "x")]).A, "x"),
        (enum.Enum("E", [("A", "x")], type=str).A, "x"),
        (enum.IntEnum("E", [("A", 7)]).A, 7),
        (datetime.datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")),
         datetime.datetime(2026, 7, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))),
        (Timestamp("2026-11-23T18:00:00Z"), datetime.datetime(2026, 11, 23, 18, tzinfo=UTC)),
        (Time("18:00:00"), datetime.time(18)),
    ],
)  # fmt: skip
def test_a_relative_of_a_stored_type_is_stored_as_that_type(value, same):
    data, read = canonical({"a": value})

    assert encode({"a": same}) == data
    assert is_same({"a": same}, read)


def test_a_field_name_that_is_an_enum_member_is_its_text():
    name = enum.Enum("E", [("A", "x")], type=str).A

    assert encode({name: 1}) == b'{"x":1}'


def test_a_dollar_before_a_field_name_is_doubled():
    value = {"$int": "1", "$": 2, "$$a": 3, "a$": 4}

    data = encode(value)

    assert data == b'{"$$":2,"$$$a":3,"$$int":"1","a$":4}'
    assert decode(data) == value
    assert parse_json(data, size_max=SIZE_MAX) == value


def test_a_single_field_that_looks_like_a_tag_stays_a_field():
    assert decode(encode({"$int": "1"})) == {"$int": "1"}
    assert encode({"$int": "1"}) == b'{"$$int":"1"}'


def test_keys_are_sorted_by_utf_16_units_as_jcs_demands():
    """The astral letter begins with D83D and so sorts before U+FB33, though its code point is greater."""
    assert encode({"\ufb33": 1, "😀": 2, "a": 3}) == '{"a":3,"😀":2,"\ufb33":1}'.encode()


def test_an_astral_key_deep_inside_is_found():
    inner = {"\ufb33": 1, "😀": 2}

    assert encode([{"a": [inner]}]) == b'[{"a":[' + encode(inner) + b"]}]"


def test_canonical_gives_back_the_value_itself_where_nothing_had_to_change():
    value = {"a": [1, 0.5, "x", None, True]}

    assert canonical(value)[1] is value


def nested(depth: int, opening: str = "[", closing: str = "]", inner: str = "") -> str:
    return opening * depth + inner + closing * depth


def nested_list(depth: int, inner: object = None) -> object:
    value = inner
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_up_to_the_limit_is_stored():
    value = nested_list(NESTING_MAX, Decimal("1.0"))

    assert decode(encode(value)) == value
    assert parse_json(nested(NESTING_MAX), size_max=SIZE_MAX) == decode(
        nested(NESTING_MAX).encode()
    )
    assert parse_json(nested(NESTING_MAX, '{"a":', "}", "1"), size_max=SIZE_MAX)


@pytest.mark.parametrize("inner", [None, Decimal("1.0")])
def test_a_value_one_level_deeper_is_refused_with_its_path(inner):
    with pytest.raises(InvalidDocumentError, match="nested deeper than 64") as caught:
        encode({"a": nested_list(NESTING_MAX, inner)})

    assert caught.value.path == "$.a" + "[0]" * 63


@pytest.mark.parametrize(
    "text",
    [
        nested(65),
        nested(65, '{"a":', "}", "1"),
        nested(999),
        nested(1000, inner="1" * 30),
        nested(65, inner='{"$int":"1"}'),
    ],
    ids=["lists", "structs", "999", "1000-around-a-long-number", "around-a-tag"],
)
def test_a_text_one_level_deeper_is_refused_with_its_path(text):
    for read in (lambda: parse_json(text, size_max=SIZE_MAX), lambda: decode(text.encode())):
        with pytest.raises(InvalidDocumentError, match="nested deeper than 64") as caught:
            read()

        assert caught.value.path.startswith("$[0]" if text[0] == "[" else "$.a")
        assert len(caught.value.path) <= 203


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"$int":'], ids=["lists", "structs", "tags"])
def test_a_text_of_ten_thousand_levels_is_refused_and_does_no_harm(opening):
    with pytest.raises(InvalidDocumentError) as caught:
        parse_json(opening * 10_000, size_max=SIZE_MAX)

    assert caught.value.position is not None


def test_a_value_that_contains_itself_is_refused():
    value: list[object] = []
    value.append(value)

    with pytest.raises(InvalidDocumentError, match="nested deeper"):
        encode(value)


@pytest.mark.parametrize(
    "text", ['"' + "x" * 10_000_000 + '"', b" " * (SIZE_MAX + 1), "[" * (SIZE_MAX + 1)], **by_type
)
def test_a_text_above_the_limit_is_refused_before_it_is_read(text):
    with pytest.raises(LimitExceededError) as caught:
        parse_json(text, size_max=SIZE_MAX)

    assert (caught.value.limit, caught.value.maximum, caught.value.actual) == (
        "document_size_max", SIZE_MAX, len(text),
    )  # fmt: skip


def test_the_limit_counts_bytes_and_may_be_reached():
    assert parse_json('"é"', size_max=4) == "é"
    with pytest.raises(LimitExceededError):
        parse_json('"é"', size_max=3)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("nul", 3),
        ('{"a":NaN}', 5),
        ('{"a":-Infinity}', 6),
        ("[1,]", 2),
        ("[1 2]", 3),
        ("1 1", 2),
        ("01", 1),
        ("+1", 0),
        ("1.", 2),
        ("'a'", 0),
        ("{a:1}", 1),
        ('{"a":1,}', 6),
        ("[1 /* no */]", 3),
        ("\ufeff1", 0),
        ('"a\tb"', 2),
        ('"\\x"', 1),
        ('{"é":tru}', 6),
        ('["😀😀", nul]', 13),
        ("1e400", 0),
        ("1" * 400, 0),
    ],
    **by_type,
)  # fmt: skip
def test_a_text_that_is_not_json_is_refused_with_its_byte(text, position):
    """Within a byte: parsers differ in whether they name the token or the byte after it."""
    with pytest.raises(InvalidDocumentError, match="not JSON") as caught:
        parse_json(text, size_max=SIZE_MAX)

    assert caught.value.position is not None
    assert abs(caught.value.position - position) <= 1


@pytest.mark.parametrize(
    ("data", "position"),
    [(b'"\xff"', 1), (b'{"a":"\xc3"}', 6), ("é".encode() + b"\x80", 2), (b'"\xed\xa0\x80"', 1),
     (b'"\xf4\x90\x80\x80"', 1), (b'"\xc0\xaf"', 1)],
)  # fmt: skip
def test_invalid_utf_8_is_refused_with_its_byte(data, position):
    with pytest.raises(InvalidDocumentError, match="invalid UTF-8") as caught:
        parse_json(data, size_max=SIZE_MAX)

    assert position == caught.value.position


@pytest.mark.parametrize(
    "text", ['"\\ud800"', '"\\udc00\\ud800"', '{"\\ud800":1}', '"\\ud800\\u0061"']
)
def test_an_escaped_lone_surrogate_is_refused(text):
    with pytest.raises(InvalidDocumentError, match="surrogate") as caught:
        parse_json(text, size_max=SIZE_MAX)

    assert caught.value.position is not None


def test_a_lone_surrogate_in_a_text_is_refused_with_its_byte():
    with pytest.raises(InvalidDocumentError, match="lone surrogate") as caught:
        parse_json('"é\ud800"', size_max=SIZE_MAX)

    assert caught.value.position == 3


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("\ud800", "$"),
        ({"a": ["x", "\udfff"]}, "$.a[1]"),
        ({"a": {"\ud800": 1}}, "$.a"),
        ({"a": Symbol("\ud800")}, "$.a"),
        ({"a": IonValue("\ud800")}, "$.a"),
    ],
)
def test_a_lone_surrogate_in_a_value_is_refused_with_its_path(value, path):
    with pytest.raises(InvalidDocumentError, match="lone surrogate") as caught:
        encode(value)

    assert path == caught.value.path


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ('{"a":1,"a":2}', 7),
        ('{"a" : 1, "b":2, "a":2}', 17),
        ('{"a":1,"\\u0061":2}', 7),
        ('{"é":1,"é":2}', 8),
        ('[{"x":{"a":[],"a":{}}}]', 14),
        ('{"":1,"":2}', 6),
        ('{"$int":"1","$int":"2"}', 12),
        ('{"\\"":1,"b":"\\":","\\"":2}', 18),
        ('{"a":{"a":1},"b":[{"a":1}],"a":1}', 27),
    ],
)
def test_a_duplicate_key_is_refused_with_its_byte(text, position):
    with pytest.raises(InvalidDocumentError, match="duplicate key") as caught:
        parse_json(text, size_max=SIZE_MAX)

    assert position == caught.value.position


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"A":2}', '{"x":{"a":1},"y":{"a":1},"a":1}', '[{"a":1},{"a":1}]', '{"a":"\\":","b":"a"}',
     '{"a" :1,"b" :2}', '["a","a"]', '{"a":"a"}', '{"e\u0301":1,"\u00e9":2}'],
)  # fmt: skip
def test_what_only_looks_like_a_duplicate_key_is_read(text):
    assert parse_json(text, size_max=SIZE_MAX) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ('{"$foo":1}', "$", "unknown tag"),
        ('{"a":[0,{"$":1}]}', "$.a[1]", "unknown tag"),
        ('{"$Int":"1"}', "$", "unknown tag"),
        ('{"$int":"1","b":2}', "$", "beside other fields"),
        ('{"a":{"$int":"1","$float":"1.5"}}', "$.a", "beside other fields"),
        ('{"a":1,"$b":2}', "$", "beside other fields"),
        ('{"$int":1}', "$", "needs a string"),
        ('{"$bytes":null}', "$", "needs a string"),
        ('{"$ion":{"$int":"1"}}', "$", "needs a string"),
    ],
)
def test_a_wrong_tag_is_refused_with_its_path(text, path, problem):
    for read in (lambda: parse_json(text, size_max=SIZE_MAX), lambda: decode(text.encode())):
        with pytest.raises(InvalidDocumentError, match=problem) as caught:
            read()

        assert path == caught.value.path


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("$int", ""), ("$int", "+1"), ("$int", "01"), ("$int", "1.0"), ("$int", " 1"), ("$int", "1_0"),
        ("$int", "٣"), ("$int", "1\n"), ("$int", "1" * 4301),
        ("$float", ""), ("$float", "nan"), ("$float", "inf"), ("$float", "+Infinity"), ("$float",
         "1e999"),
        ("$float", "1_0"), ("$float", ".5"), ("$float", "0x1p3"),
        ("$decimal", ""), ("$decimal", "NaN"), ("$decimal", "sNaN"), ("$decimal", "Infinity"),
        ("$decimal", "1_0"), ("$decimal", " 1"), ("$decimal", "1e"), ("$decimal", "1,5"),
        ("$decimal", f"1e{EXPONENT_MAX + 1}"), ("$decimal", f"1e-{EXPONENT_MAX + 1}"),
        ("$decimal", "1e99999999999999999999"),
        ("$timestamp", "2026"), ("$timestamp", "2026-11-23T18:00:00"), ("$timestamp", "now"),
        ("$date", "2026-11"), ("$date", "20261123"), ("$date", "2026-02-30"), ("$date", "2026-W48-1"),
        ("$date", "2026-11-23T00:00Z"), ("$date", "0000-01-01"),
        ("$time", "18:00"), ("$time", "24:00:00"), ("$time", "18:00:00Z"),
        ("$bytes", "A"), ("$bytes", "AP/+ "), ("$bytes", "AP_-"), ("$bytes", "é"), ("$bytes", "=AAA"),
    ],
    ids=lambda text: text[:20].encode("unicode_escape").decode(),
)  # fmt: skip
def test_a_tag_with_a_text_that_is_none_of_its_values_is_refused_with_its_path(tag, text):
    with pytest.raises(InvalidDocumentError, match=f"is no value of [{tag[0]}]{tag[1:]}") as caught:
        decode(json.dumps({"a": {tag: text}}).encode())

    assert caught.value.path == "$.a"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({1, 2}, "a set cannot be stored"),
        (object(), "a object cannot be stored"),
        (1 + 2j, "a complex cannot be stored"),
        (MISSING, "MISSING cannot be stored"),
        (Decimal("NaN"), "not finite"),
        (Decimal("-Infinity"), "not finite"),
        (Decimal(f"1e{EXPONENT_MAX + 1}"), "exponent"),
        (Decimal(f"1e-{EXPONENT_MAX + 1}"), "exponent"),
        (10**5000, "more than 4,300 digits"),
        (datetime.datetime(2026, 11, 23), "without an offset"),  # noqa: DTZ001
        (datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(seconds=1))),
         "whole minutes"),
        (datetime.time(18, tzinfo=datetime.timezone(datetime.timedelta(seconds=1))), "whole minutes"),
        (datetime.time(18, tzinfo=ZoneInfo("Europe/Berlin")), "depends on the date"),
        ({7: "x"}, "field name 7 is a int"),
        ({None: "x"}, "field name None"),
    ],
    **by_type,
)  # fmt: skip
def test_a_value_that_cannot_be_stored_is_refused_with_its_path(value, problem):
    with pytest.raises(InvalidDocumentError, match=problem) as caught:
        encode({"a": [None, value]})

    assert caught.value.path == "$.a[1]"
    assert caught.value.position is None


@pytest.mark.parametrize(
    "value", [Decimal(f"1e{EXPONENT_MAX}"), Decimal(f"1e-{EXPONENT_MAX}"), 10**4299], **by_type
)
def test_the_largest_numbers_are_stored(value):
    assert is_same(value, decode(encode(value)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9007199254740993", 9007199254740993),
        ("-9223372036854775809", -(2**63) - 1),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ('{"a":[18446744073709551616,{"$decimal":"1.0"}]}', {"a": [2**64, Decimal("1.0")]}),
        ("0.12345678901234567890123", 0.12345678901234568),
        ("-0", 0),
        ("-0.0", -0.0),
        ("1.0", 1.0),
        ("1e5", 100000.0),
        ("1E+4", 10000.0),
        (" [ 1 , 2 ] \n", [1, 2]),
        ('"\\u0041\\/\\ud83d\\ude00"', "A/😀"),
        ('{"\\u0024int":"5"}', 5),
    ],
)  # fmt: skip
def test_a_foreign_text_is_read_exactly(text, value):
    assert is_same(value, parse_json(text, size_max=SIZE_MAX))


@pytest.mark.parametrize(
    "text",
    [
        '{"b":1,"a":2}', '{"a": 1}', '"\\u0041"', '"\\/"', "1.0", "1e2", "9007199254740992", "-0",
        '{"$int":"1"}', '{"$float":"0.5"}', '{"$float":"1"}', '{"$float":"1e5"}', '{"$decimal":"1e3"}',
        '{"$decimal":"01"}', '{"$bytes":"YR=="}', '{"\\u0024int":"9007199254740992"}',
        '{"a":1,"a":1}', " 1",
        "1 ", "", "{", '{"$foo":1}', nested(65), '{"$float":"Infinity "}', "0.50", "5e-1",
    ],
)  # fmt: skip
def test_other_bytes_for_the_same_value_are_not_canonical(text):
    assert not is_canonical(text.encode())
