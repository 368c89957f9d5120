"""What is compiled, and that it is where it should be (ADR 8)."""

import importlib
import os
import tomllib
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).parents[2]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
PATHS = [path.lstrip("/") for path in BUILD["targets"]["wheel"]["hooks"]["mypyc"]["include"]]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_compiled_is_a_module(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.skipif(
    os.environ.get("INDELIBLE_REQUIRE_COMPILED") != "1", reason="the sources are tested"
)
@pytest.mark.parametrize("path", PATHS)
def test_compiled_modules_are_what_is_tested(path: str) -> None:
    module = importlib.import_module(".".join(PurePath(path).with_suffix("").parts))

    assert str(module.__file__).endswith(".so"), f"{path} runs from its source"
