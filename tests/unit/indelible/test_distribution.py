"""The five packages with plain names are ours, and not somebody's of the same name (ADR 5)."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["journal", "verifier", "materializer", "streams", "indelible"])
def test_package_is_that_of_this_distribution(name: str) -> None:
    found = Path(str(importlib.import_module(name).__file__)).resolve().parent
    ours = Path(str(importlib.import_module("indelible").__file__)).resolve().parents[1]

    assert found == ours / name, f"another package named {name!r} stands in front: {found}"
    assert (found / "py.typed").exists()
