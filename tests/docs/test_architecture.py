"""ARCHITECTURE.md names things that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
SOURCES = "\n".join(
    path.read_text()
    for folder in ("journal", "verifier", "materializer", "streams", "indelible", "infra")
    for path in (ROOT / folder).rglob("*.py")
)

_PARENTS = ("indelible", "materializer", "streams")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./-]+/[\w./-]*)`", TEXT))))
def test_each_file_or_folder_is_there(path: str) -> None:
    candidates = [ROOT / path, *(ROOT / folder / path for folder in _PARENTS)]

    assert any(candidate.exists() for candidate in candidates)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z]\w+)\.(\w+)`", TEXT))))
def test_each_method_is_there(name: tuple[str, str]) -> None:
    class_name, method = name

    assert re.search(rf"^class {class_name}\b", SOURCES, re.MULTILINE)
    assert re.search(rf"^    def {method}\b", SOURCES, re.MULTILINE)


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:journal|materializer)\.\w+\.\w+)`", TEXT)))
)
def test_each_function_is_there(name: str) -> None:
    package, module, function = name.split(".")
    path = ROOT / package / f"{module}.py"

    assert re.search(rf"^def {function}\b", path.read_text(), re.MULTILINE)
