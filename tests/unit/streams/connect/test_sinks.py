"""What Connect is told: the settings on which the equality of ledger and sink rests."""

import json

import pytest

from journal.errors import InputError
from streams.connect import Source, file_sink, format_connector, jdbc_sink

URL = "jdbc:postgresql://db:5432/registry"
CURRENT = Source(prefix="indelible", ledger="registry", table="vehicles")
HISTORY = Source(prefix="indelible", ledger="registry", table="vehicles", history=True)


def test_current_state_is_upserted_and_deleted_by_document() -> None:
    name, settings = jdbc_sink(CURRENT, url=URL)

    assert name == "indelible.registry.current.vehicles.jdbc"
    assert settings["topics"] == "indelible.registry.current.vehicles"
    assert settings["collection.name.format"] == "vehicles"
    assert settings["insert.mode"] == "upsert"
    assert settings["primary.key.mode"] == "record_key"
    assert settings["delete.enabled"] == "true"


def test_nothing_is_deleted_from_the_history() -> None:
    name, settings = jdbc_sink(HISTORY, url=URL)

    assert name == "indelible.registry.history.vehicles.jdbc"
    assert settings["topics"] == "indelible.registry.history.vehicles"
    assert settings["collection.name.format"] == "vehicles_history"
    assert settings["delete.enabled"] == "false"


@pytest.mark.parametrize(
    "settings", [jdbc_sink(CURRENT, url=URL)[1], file_sink(HISTORY, path="/tmp/out")[1]]
)
def test_every_sink_reads_from_the_beginning_and_only_what_was_committed(settings) -> None:
    assert settings["consumer.override.isolation.level"] == "read_committed"
    assert settings["consumer.override.auto.offset.reset"] == "earliest"
    assert settings["consumer.override.allow.auto.create.topics"] == "false"
    assert settings["errors.tolerance"] == "none"


def test_login_is_left_to_the_worker_unless_it_is_given() -> None:
    _, without = jdbc_sink(CURRENT, url=URL)
    _, given = jdbc_sink(CURRENT, url=URL, user="ann", password="${env:PASSWORD}")

    assert {key for key in without if key.startswith("connection.")}.isdisjoint(
        {"connection.username", "connection.password"}
    )
    assert given["connection.username"] == "ann"
    assert given["connection.password"] == "${env:PASSWORD}"


def test_names_can_be_chosen() -> None:
    name, settings = jdbc_sink(CURRENT, url=URL, into="archive.cars", name="cars")

    assert name == "cars"
    assert settings["collection.name.format"] == "archive.cars"


def test_table_with_any_name_has_a_topic_and_a_table() -> None:
    odd = Source(prefix="indelible", ledger="registry", table='my "cars"; ü', history=True)
    _, settings = jdbc_sink(odd, url=URL)

    assert settings["topics"] == "indelible.registry.history.my-20-22cars-22-3b-20-c3-bc"
    assert settings["collection.name.format"] == "my_20_22cars_22_3b_20_c3_bc_history"


@pytest.mark.parametrize(
    "into", ['a"; DROP TABLE b', "it's", "${topic}", "a\nb", "a" * 64, "s." + "ü" * 32]
)
def test_name_that_sql_would_misread_or_cut_is_refused(into) -> None:
    with pytest.raises(InputError, match="cannot be the table of a sink"):
        jdbc_sink(CURRENT, url=URL, into=into)


def test_long_name_of_a_table_needs_another_one() -> None:
    source = Source(prefix="indelible", ledger="registry", table="t" * 56, history=True)
    with pytest.raises(InputError, match="cannot be the table of a sink") as refused:
        jdbc_sink(source, url=URL)

    assert "--into" in refused.value.hint
    assert jdbc_sink(source, url=URL, into="short")


@pytest.mark.parametrize("url", ["", "postgresql://db/registry", "jdbc:"])
def test_other_urls_are_refused(url) -> None:
    with pytest.raises(InputError, match="not a JDBC URL"):
        jdbc_sink(CURRENT, url=url)


def test_file_of_current_states_leaves_deletions_out_and_of_the_history_keeps_them() -> None:
    name, current = file_sink(CURRENT, path="/tmp/vehicles")
    _, history = file_sink(HISTORY, path="/tmp/vehicles")

    assert name == "indelible.registry.current.vehicles.file"
    assert current["file"] == "/tmp/vehicles"
    assert current["transforms.withoutDeletions.predicate"] == "isDeletion"
    assert "transforms" not in history


def test_text_is_what_connect_takes() -> None:
    connector = jdbc_sink(CURRENT, url=URL)
    text = format_connector(connector)

    assert json.loads(text) == {"name": connector.name, "config": dict(connector.configuration)}
    assert text.endswith("}\n")
