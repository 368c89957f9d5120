import hashlib

import pytest

from journal.errors import InputError
from journal.ids import derived_id, id_text, new_id, parse_id

NOW = 1_795_456_800_123_456


def sure(byte: int):
    return lambda count: bytes([byte]) * count


@pytest.mark.parametrize(
    "value", [bytes(16), bytes([255] * 16), bytes(range(16)), bytes([0] * 15 + [61])]
)
def test_parsing_the_text_of_an_id_gives_the_id(value):
    assert parse_id(id_text(value)) == value


def test_texts_sort_as_bytes_do():
    ids = [hashlib.sha256(bytes([n])).digest()[:16] for n in range(200)] + [
        bytes(16),
        bytes([255] * 16),
    ]

    assert [id_text(value) for value in sorted(ids)] == sorted(map(id_text, ids))


@pytest.mark.parametrize(
    "text",
    ["", "0" * 21, "0" * 23, "7n42DGM5Tflk9n8mt7Fhc8", "z" * 22, "-" + "0" * 21, "0" * 21 + "é", None, 5,
     ["00"] * 22],
)  # fmt: skip
def test_what_is_no_id_is_refused(text):
    with pytest.raises(InputError):
        parse_id(text)


@pytest.mark.parametrize("byte", [0, 255])
def test_a_new_id_is_a_uuid_of_version_7(byte):
    value = new_id(NOW, sure(byte))

    assert int.from_bytes(value[:6], "big") == NOW // 1000
    assert value[6] >> 4 == 7
    assert value[8] >> 6 == 0b10


def test_later_ids_sort_after_earlier_ones():
    assert new_id(NOW, sure(255)) < new_id(NOW + 1000, sure(0))


def test_derived_ids_are_the_same_again_and_differ_by_counter():
    transaction_id = new_id(NOW, sure(7))
    first = [derived_id(transaction_id, counter) for counter in range(100)]

    assert first == [derived_id(transaction_id, counter) for counter in range(100)]
    assert len(set(first)) == 100


def test_a_derived_id_has_the_time_of_its_transaction():
    transaction_id = new_id(NOW, sure(7))

    assert derived_id(transaction_id, 3)[:6] == transaction_id[:6]


def test_a_derived_id_is_taken_from_the_hash_of_transaction_and_counter():
    transaction_id = bytes(range(16))
    digest = hashlib.sha256(transaction_id + (5).to_bytes(8, "big")).digest()

    value = derived_id(transaction_id, 5)

    assert value[6] & 0x0F == digest[0] & 0x0F
    assert value[7] == digest[1]
    assert value[9:] == digest[3:10]


def test_an_id_may_be_derived_from_any_128_bits():
    assert derived_id(bytes([255] * 16), 2**63)[6] >> 4 == 7
