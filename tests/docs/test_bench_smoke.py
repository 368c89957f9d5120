"""The benchmark still runs: every part once, tiny, embedded and on PostgreSQL. Says nothing of speed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bench.suite import EVERYTHING
from bench.targets.pgbench import find_pgbench
from bench.targets.postgres import PostgresTarget, postgres_server
from infra.errors import MissingProgramError
from infra.postgres.programs import find_programs

ROOT = Path(__file__).parents[2]
TARGETS = ("embedded", "postgres-plain", "postgres-deferred", "postgres-inline")
TINY = ("--quick", "--seconds", "0.2", "--documents", "600", "--callers", "1,3")

pytestmark = pytest.mark.slow


def run(module: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def postgres() -> None:
    """Skips where PostgreSQL is not installed, unless INDELIBLE_REQUIRE_POSTGRES is set."""
    try:
        find_programs()
    except MissingProgramError as error:
        if os.environ.get("INDELIBLE_REQUIRE_POSTGRES"):
            raise
        pytest.skip(str(error))


def test_every_part_measures_something(postgres: None, tmp_path: Path) -> None:
    file = tmp_path / "results.json"

    table = run("bench", *TINY, "--target", ",".join(TARGETS), "--json", str(file))

    results: dict[str, Any] = json.loads(file.read_text())
    assert all(row["point"]["rate"] > 0 for row in results["rows"])
    assert set(results["peak_memory_mb"]) == set(EVERYTHING)
    commits = [row for row in results["rows"] if row["measure"] == "commits"]
    assert {(row["target"], row["callers"]) for row in commits} == {
        (target, callers) for target in TARGETS for callers in (1, 3)
    }
    embedded = [row for row in commits if row["target"] == "embedded"]
    assert all(set(row["ratios"]) == set(TARGETS[1:]) for row in embedded)
    for row in results["rows"]:
        assert row["measure"] in table


def test_a_section_for_the_documentation_is_printed() -> None:
    text = run("bench", "disk", "--quick", "--seconds", "0.1", "--markdown")

    assert text.startswith("## ")
    assert "| command | `python -m bench disk --quick --seconds 0.1 --markdown` |" in text
    assert "append 4 KiB + fdatasync" in text


def test_flights_end_where_plain_python_says() -> None:
    text = run("bench", "flights", "--target", "embedded", "--days", "1")

    assert "flights of 1 days" in text


def test_blocks_of_the_deferred_variant_hold_every_row(postgres: None) -> None:
    # Not in tmp_path: another session of pytest closes its parent to PostgreSQL's account.
    with TemporaryDirectory() as folder, postgres_server(Path(folder) / "server") as server:
        target = PostgresTarget(server, "deferred")
        sample = target.commit(callers=3, seconds=1.0)
        sealed, recorded = target.sealed_rows()

    assert sample.count <= sealed == recorded


def test_pgbench_comes_with_the_server(postgres: None) -> None:
    assert find_pgbench() is not None
