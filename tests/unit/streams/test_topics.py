"""Names of topics."""

import pytest

from journal.errors import InputError
from streams.topics import Kind, Topic, parse_topic, schema_part, table_to_topic, topic_name


@pytest.mark.parametrize("kind", Kind)
def test_a_topic_is_parsed_to_what_it_was_made_of(kind: Kind) -> None:
    table = "my cars" if kind.is_of_table else ""
    topic = topic_name("a.b", "registry", kind, table)

    assert parse_topic(topic, prefix="a.b") == Topic("registry", kind, table)


@pytest.mark.parametrize(
    "topic",
    [
        "indelible.registry.journal",
        "indelible.registry.current",
        "indelible.registry.current.",
        "indelible.registry.current.a.b",
        "indelible.registry.blocks.vehicles",
        "indelible..blocks",
        "other.registry.blocks",
        "indelible.registry.current.a-61",
        "indelible.registry.current.a-ff",
        "indelible.registry.current.a-2E",
        "indelible.registry.current.a-",
    ],
)
def test_a_name_that_we_do_not_give_is_no_topic_of_ours(topic: str) -> None:
    assert parse_topic(topic, prefix="indelible") is None


def test_a_name_that_kafka_refuses_is_refused_with_a_way_out() -> None:
    with pytest.raises(InputError) as caught:
        topic_name("indelible", "registry", Kind.CURRENT, "ü" * 100)

    assert "--tables" in caught.value.hint


def test_a_table_goes_with_kinds_that_have_tables_and_only_with_them() -> None:
    with pytest.raises(ValueError, match="have no table"):
        topic_name("indelible", "registry", Kind.BLOCKS, "vehicles")
    with pytest.raises(ValueError, match="need a table"):
        topic_name("indelible", "registry", Kind.CURRENT)


def test_tables_that_look_alike_have_topics_of_their_own() -> None:
    names = ["a.b", "a_b", "a-b", "a b", "A_B", "a-2eb"]

    assert len({table_to_topic(name) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["2026", "my cars", "Zoë", "-", "a.b"])
def test_a_schema_name_is_one_that_avro_allows(name: str) -> None:
    found = schema_part(name)

    assert found.isascii()
    assert found.isidentifier()
