"""What is compiled, and that it is where it should be (ADR 8)."""

import importlib
import os
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
PATTERNS = BUILD["targets"]["wheel"]["hooks"]["mypyc"]["include"]
FILES = {pattern: sorted(ROOT.glob(pattern.lstrip("/!"))) for pattern in PATTERNS}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_names_a_module(pattern: str) -> None:
    assert FILES[pattern]


@pytest.mark.skipif(
    os.environ.get("INDELIBLE_REQUIRE_COMPILED") != "1", reason="the sources are tested"
)
@pytest.mark.parametrize("pattern", [each for each in PATTERNS if not each.startswith("!")])
def test_compiled_modules_are_what_is_tested(pattern: str) -> None:
    left_out = {path for each in PATTERNS if each.startswith("!") for path in FILES[each]}
    for path in set(FILES[pattern]) - left_out:
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        assert str(module.__file__).endswith(".so"), f"{path} runs from its source"
