"""What is fetched is complete or not there."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from infra.errors import InfrastructureError, MissingProgramError
from infra.maven import fetch_once, run_maven


def test_only_one_of_many_fetches_and_all_find_it_complete(tmp_path: Path) -> None:
    fetched, together = [], Barrier(4)

    def fetch(folder: Path) -> None:
        fetched.append(folder)
        (folder / "a.jar").write_bytes(b"jar")

    def ensure(_: int) -> Path:
        together.wait(10)
        return fetch_once(tmp_path / "libs", fetch)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ensure, range(4)))

    assert found == [tmp_path / "libs"] * 4
    assert len(fetched) == 1
    assert (tmp_path / "libs" / "a.jar").read_bytes() == b"jar"


def test_what_was_not_fetched_to_its_end_is_not_there(tmp_path: Path) -> None:
    def fetch(folder: Path) -> None:
        (folder / "half.jar").write_bytes(b"ja")
        raise InfrastructureError("the line is cut")

    with pytest.raises(InfrastructureError, match="the line is cut"):
        fetch_once(tmp_path / "libs", fetch)

    assert [path.name for path in tmp_path.iterdir()] == ["libs.lock"]


def test_missing_maven_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError, match="apt-get install maven"):
        run_maven("--version")
