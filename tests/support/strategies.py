"""Hypothesis strategies for values, documents, entries and blocks; and exact equality of values."""

import datetime
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from journal.codec import (
    BlockHeader,
    Entry,
    EntryBody,
    Operation,
    RevisionEntry,
    TransactionEntry,
    encode_revision_entry,
    encode_transaction_entry,
)
from journal.values import Bag, IonValue, Symbol, time_of, timestamp_of


def examples(count: int) -> settings:
    """So many examples, however slow the machine is just now."""
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def is_same(left: Any, right: Any) -> bool:
    """Whether two values are one: type by type, digit by digit, offsets and signs of zero included.

    >>> is_same(Decimal("1.0"), Decimal("1.00")), is_same(1, True), is_same(float("nan"), float("nan"))
    (False, False, True)
    """
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and not isinstance(left, Bag):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, float):
        return (left == right and _sign(left) == _sign(right)) or (left != left and right != right)  # noqa: PLR0124
    if isinstance(left, Decimal):
        return left.as_tuple() == right.as_tuple()
    if isinstance(left, datetime.datetime | datetime.time):
        return left == right and left.utcoffset() == right.utcoffset()
    return bool(left == right)


def _sign(value: float) -> float:
    return math.copysign(1.0, value)


texts = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from('$"\\\x00\x01\x1f\x7f:{}[], é\u2028\uffff\U00010000\U0010ffff😀'),
    ),
    max_size=12,
)
"""Texts without lone surrogates, rich in what parsers and key encodings stumble over."""

names = st.one_of(
    texts, st.sampled_from(["$", "$$", "$int", "$$int", "$float", "$foo", "a", "b", ""])
)

integers = st.one_of(
    st.integers(-1000, 1000),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**53 - 1, 2**53, 1 - 2**53, -(2**53), 2**63, 2**64, 10**30]),
)

floats = st.one_of(
    st.floats(),
    st.floats(-1e17, 1e17),
    st.integers(-(10**18), 10**18).map(lambda number: number / 1000),
    st.sampled_from(
        [0.0, -0.0, 1e-4, 9.999e-5, 1e16, 1e21, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308]
    ),
)

decimals = st.builds(
    lambda negative, digits, exponent: Decimal((negative, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1),
    st.integers(0, 10**40),
    st.one_of(st.integers(-30, 30), st.integers(-90_000, 90_000)),
)

offsets = st.integers(-1439, 1439).map(lambda m: datetime.timezone(datetime.timedelta(minutes=m)))


@st.composite
def timestamp_texts(draw: st.DrawFn) -> str:
    """Ion timestamps of every precision."""
    day = draw(st.dates())
    precision = draw(st.integers(0, 5))
    if precision == 0:
        return f"{day.year:04}T"
    if precision == 1:
        return f"{day.year:04}-{day.month:02}T"
    if precision == 2:
        return day.isoformat() + draw(st.sampled_from(["", "T"]))
    text = f"{day.isoformat()}T{draw(st.integers(0, 23)):02}:{draw(st.integers(0, 59)):02}"
    if precision > 3:
        text += f":{draw(st.integers(0, 59)):02}"
    if precision > 4:
        text += "." + draw(st.text("0123456789", min_size=1, max_size=30))
    sign = draw(st.sampled_from("Z+-"))
    if sign == "Z":
        return text + "Z"
    return f"{text}{sign}{draw(st.integers(0, 23)):02}:{draw(st.integers(0, 59)):02}"


timestamps = st.one_of(
    timestamp_texts().map(timestamp_of),
    st.datetimes(timezones=offsets | st.just(datetime.UTC)).filter(lambda moment: moment.fold == 0),
)


@st.composite
def time_texts(draw: st.DrawFn) -> str:
    """SQL times, with and without fraction and offset."""
    text = draw(st.times(timezones=st.none() | offsets)).isoformat()
    if draw(st.booleans()) and "." not in text:
        text = text[:8] + "." + draw(st.text("0123456789", min_size=1, max_size=20)) + text[8:]
    return text


times = time_texts().map(time_of)

scalars = st.one_of(
    st.none(), st.booleans(), integers, floats, decimals, texts, st.binary(max_size=40), timestamps,
    st.dates(), times, st.builds(Symbol, texts), st.builds(IonValue, texts),
)  # fmt: skip

values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
"""Any value that a document can hold, as `decode` would give it."""

documents = st.dictionaries(names, values, max_size=6)

plain_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(1 - 2**53, 2**53 - 1), floats, texts),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
"""Values of JSON's own types only: most of them take the fast path."""


ids = st.binary(min_size=16, max_size=16)
hashes = st.binary(min_size=32, max_size=32)
longs = st.one_of(
    st.integers(0, 200), st.integers(-(2**63), 2**63 - 1), st.sampled_from([63, 64, 8191, 8192])
)
ints = st.one_of(st.integers(0, 200), st.integers(-(2**31), 2**31 - 1))
utf8 = st.text(st.characters(codec="utf-8"), max_size=40)

headers: st.SearchStrategy[BlockHeader] = st.builds(
    BlockHeader,
    format_version=ints,
    strand_id=ids,
    sequence_number=longs,
    previous_block_hash=hashes,
    entries_root=hashes,
    entry_count=ints,
    timestamp=longs,
    writer=utf8,
)
transaction_entries: st.SearchStrategy[TransactionEntry] = st.builds(
    TransactionEntry,
    transaction_id=ids,
    principal=utf8,
    statements=st.lists(utf8, max_size=4).map(tuple),
    revision_count=ints,
    labels=st.dictionaries(utf8, utf8, max_size=5),
)
revision_entries: st.SearchStrategy[RevisionEntry] = st.builds(
    RevisionEntry,
    transaction_id=ids,
    table_id=ids,
    document_id=ids,
    version=longs,
    operation=st.sampled_from(Operation),
    payload_hash=st.none() | hashes,
)
bodies: st.SearchStrategy[EntryBody] = transaction_entries | revision_entries
entries = st.builds(Entry, body=st.binary(max_size=100), payload=st.binary(max_size=100))
"""Entries as the envelope sees them: any bytes."""


def encode_body(content: EntryBody) -> bytes:
    """The bytes of either kind of entry."""
    encode: Callable[[Any], bytes] = (
        encode_transaction_entry if isinstance(content, TransactionEntry) else encode_revision_entry
    )
    return encode(content)
