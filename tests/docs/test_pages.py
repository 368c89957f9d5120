"""The pages fit the code: generated parts in step, links resolve, every command explains itself."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from indelible.cli.main import app
from journal import errors

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PACKAGES = ("journal", "verifier", "materializer", "streams", "indelible", "infra")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([\w-]+))?\)")


def commands(name: str, command: Any) -> list[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    below = [
        item for child, found in children.items() for item in commands(f"{name} {child}", found)
    ]
    return [(name, command), *below]


COMMANDS = commands("indelible", get_command(app))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        path = (page.parent / target).resolve()
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(target)

    assert broken == []


def test_generated_parts_are_in_step() -> None:
    pages = sorted(map(str, (ROOT / "docs" / "reference").glob("*.md")))
    done = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", *pages],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, f"run `make docs`: {done.stdout}"


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_has_help_and_an_example(name: str, command: Any) -> None:
    assert command.help
    assert command.help.splitlines()[0].rstrip().endswith(".")
    assert command.epilog.startswith("Example: indelible ")
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_example_can_be_parsed(name: str, command: Any) -> None:
    import shlex

    words = shlex.split(command.epilog.removeprefix("Example: "))
    known = dict(COMMANDS)
    path = [word for word in words if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)]

    assert any(" ".join(path[:length]) in known for length in (3, 2))
    if name != "indelible" and not hasattr(command, "commands"):
        assert set(name.split()) <= set(words)


def test_every_error_is_in_the_table() -> None:
    text = (ROOT / "docs" / "reference" / "errors.md").read_text()
    names = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.LedgerError)
    ]

    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_role_of_a_folder_is_the_same_in_readme_and_package(package: str) -> None:
    readme = (ROOT / "README.md").read_text()
    role = re.search(rf"^{package}/ +([A-Z ]+?)  ", readme, re.MULTILINE)
    docstring = (ROOT / package / "__init__.py").read_text()

    assert role is not None
    assert docstring.startswith(f'"""{role[1]}')


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "adr").glob("0*.md")), ids=lambda p: p.stem
)
def test_decision_has_its_parts_and_is_short(path: Path) -> None:
    text = path.read_text()

    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert re.search(r"^Status: ", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60
    assert path.name in (path.parent / "README.md").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_example_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main("memory:")


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
