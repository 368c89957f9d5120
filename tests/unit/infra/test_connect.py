"""What a Connect worker is told."""

import json
from pathlib import Path

from infra.connect.plugins import DEBEZIUM_VERSION
from infra.connect.properties import connector_file, worker_properties
from infra.connect.rest import Status

REPOSITORY = Path(__file__).parents[3]


def test_the_worker_listens_on_this_machine_only() -> None:
    settings = worker_properties(
        bootstrap_servers="127.0.0.1:9092", port=8083, plugins=Path("/p"), folder=Path("/f")
    )

    assert settings["listeners"] == "http://127.0.0.1:8083"
    assert settings["bootstrap.servers"] == "127.0.0.1:9092"
    assert settings["plugin.path"] == "/p"


def test_a_connector_file_has_name_and_settings() -> None:
    assert json.loads(connector_file("a", {"topics": "b"})) == {
        "name": "a",
        "config": {"topics": "b"},
    }


def test_a_connector_runs_when_all_its_tasks_do() -> None:
    def status(connector: str, *tasks: str) -> Status:
        return Status(connector=connector, tasks=tasks, trace="")

    assert status("RUNNING", "RUNNING", "RUNNING").is_running
    assert not status("RUNNING").is_running
    assert not status("RUNNING", "RUNNING", "FAILED").is_running
    assert not status("PAUSED", "RUNNING").is_running
    assert status("RUNNING", "FAILED").has_failed
    assert status("FAILED").has_failed
    assert not status("RUNNING", "UNASSIGNED").has_failed


def test_the_compose_file_runs_the_same_sink() -> None:
    text = (REPOSITORY / "infra" / "compose.yaml").read_text()

    assert f"image: quay.io/debezium/connect:{DEBEZIUM_VERSION}\n" in text
