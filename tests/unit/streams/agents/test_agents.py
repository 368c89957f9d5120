"""Agents in Faust's own test context: typed records in, each handled once."""

import asyncio
from typing import Any

import faust
import pytest
from faust.types.tuples import Message

from journal.errors import ConfigurationError, InputError, IntegrityError
from streams.agents import Block, Format, Revision, agent_app, blocks, once, revisions
from streams.json_format import JSONTable
from streams.planning import revision_of
from streams.records import HASH_HEADER, SEQUENCE_HEADER, format_sequence
from tests.support.revision_writer import a_change


def an_app() -> faust.App:
    return agent_app("test", bootstrap_servers="127.0.0.1:1", partitions=1, replicas=1)


def a_revision(number: int, document_id: str, owner: str | None) -> Revision:
    document = None if owner is None else {"owner": owner}
    return Revision.of(revision_of(a_change(number, document_id, 0, document), "r"), partition=0)


def a_message(app: faust.App, value: bytes | None, headers: Any) -> Message:
    return Message(
        "topic",
        3,
        17,
        0.0,
        0,
        headers,
        b"key",
        value,
        b"",
        generation_id=app.consumer_generation_id,
    )


def run(records: list[Revision]) -> tuple[list[str], dict[str, Any]]:
    """Give records to an agent that remembers all owners of a document -> calls, states."""
    calls: list[str] = []

    async def main() -> dict[str, Any]:
        app = an_app()

        @app.agent(revisions(app, "r", "vehicles"))
        @once(app, "owners", initial=[])
        async def remember(revision: Revision, owners: list[str]) -> list[str]:
            calls.append(f"{revision.document_id}@{revision.sequence_number}")
            assert revision.document is not None
            return [*owners, revision.document["owner"]]

        async with remember.test_context() as agent:
            for record in records:
                await agent.put(record)
        return {key: value["state"] for key, value in app.tables["owners"].items()}

    return calls, asyncio.run(main())


def test_a_handler_gets_the_state_of_its_document():
    calls, states = run(
        [a_revision(1, "d1", "ann"), a_revision(2, "d2", "bob"), a_revision(3, "d1", "cid")]
    )

    assert calls == ["d1@1", "d2@2", "d1@3"]
    assert states == {"d1": ["ann", "cid"], "d2": ["bob"]}


def test_what_comes_again_is_not_handled_again():
    first, second, third = (
        a_revision(1, "d1", "ann"),
        a_revision(2, "d2", "bob"),
        a_revision(3, "d1", "cid"),
    )

    calls, states = run([first, second, first, second, third, first, third])

    assert calls == ["d1@1", "d2@2", "d1@3"]
    assert states == {"d1": ["ann", "cid"], "d2": ["bob"]}


def test_a_handler_that_raises_stops_the_agent():
    with pytest.raises(AssertionError):
        run([a_revision(1, "d1", None)])


@pytest.mark.parametrize("format_name", [Format.JSON, Format.JSON_SCHEMA])
@pytest.mark.parametrize("document", [{"owner": "ann", "_x": 1, "data": "d"}, None])
def test_a_record_of_the_exporter_is_read_as_the_revision_it_was(format_name, document):
    app, change = an_app(), a_change(12, "d1", 4, document)
    with_schema = format_name is Format.JSON_SCHEMA
    table = JSONTable("vehicles", "r", columns=None, with_schema=with_schema)
    headers = {
        SEQUENCE_HEADER: format_sequence(change.position).encode(),
        HASH_HEADER: change.hash.encode(),
    }
    topic = revisions(app, "r", "vehicles", format=format_name)
    message = a_message(app, table.encode(change).value, headers)

    found = topic.schema.loads_value(app, message)

    assert found == Revision.of(revision_of(change, "r"), partition=3)
    assert (found.lane, found.position) == ("r/vehicles/3", change.position)
    assert Revision.loads(found.dumps()) == found


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"{}", {SEQUENCE_HEADER: b"1:1"}),
        (b"nonsense", {SEQUENCE_HEADER: b"1:1"}),
        (None, {SEQUENCE_HEADER: b"1:1"}),
        (b"{}", {}),
        (b"{}", {SEQUENCE_HEADER: b"one"}),
    ],
)
def test_a_record_that_is_none_is_refused_with_its_place(value, headers):
    app = an_app()
    topic = revisions(app, "r", "vehicles", format="json")

    with pytest.raises(IntegrityError, match="offset 17 of topic, partition 3") as raised:
        topic.schema.loads_value(app, a_message(app, value, headers))

    assert "exporter" in raised.value.hint


def test_topics_are_those_of_the_exporter():
    app = an_app()

    assert revisions(app, "r", "my cars").get_topic_name() == "indelible.r.history.my-20cars"
    assert blocks(app, "r", prefix="audit").get_topic_name() == "audit.r.blocks"


def test_a_block_is_read_from_its_summary():
    app = an_app()
    value = (
        b'{"ledger":"r","strand_id":"s","sequence_number":5,"hash":"aA==","previous_hash":"bB==",'
        b'"entries_root":"cC==","entry_count":2,"timestamp":9,"part":1,"parts":2,"transactions":[],'
        b'"revisions":[{"table":"vehicles"}]}'
    )

    found = blocks(app, "r").schema.loads_value(app, a_message(app, value, {}))

    assert isinstance(found, Block)
    assert (found.sequence_number, found.entry_index, found.parts) == (5, 1, 2)
    assert found.revisions == [{"table": "vehicles"}]


def test_an_app_that_would_read_uncommitted_records_is_refused():
    app = faust.App("test", broker="kafka://127.0.0.1:1")

    with pytest.raises(ConfigurationError, match="never committed") as raised:
        revisions(app, "r", "vehicles")

    assert "agent_app" in raised.value.hint


@pytest.mark.parametrize("setting", ["processing_guarantee", "broker_session_timeout"])
def test_a_setting_that_promises_rest_on_is_refused(setting):
    with pytest.raises(ConfigurationError, match=setting):
        agent_app("test", bootstrap_servers="h:1", partitions=1, replicas=1, **{setting: 1})


def test_a_name_that_no_topic_has_is_refused():
    with pytest.raises(InputError):
        revisions(an_app(), "r/s", "vehicles")
