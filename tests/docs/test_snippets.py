"""Every example on the pages is executed: Python as doctests, `$` lines as commands."""

import doctest
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import CommandLine, Completed

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
PAGES += sorted((ROOT / "docs" / "reference").glob("*.md"))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_the_page_are_true(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shell, runner = Shell(tmp_path), doctest.DocTestRunner(optionflags=FLAGS)
    names: dict[str, Any] = {}
    for number, (language, text) in enumerate(FENCE.findall(page.read_text()), 1):
        if language == "console":
            shell.run(text)
        elif language == "python":
            example = doctest.DocTestParser().get_doctest(
                text, names, f"block {number}", str(page), 0
            )
            report: list[str] = []
            result = runner.run(example, out=report.append, clear_globs=False)
            names = example.globs
            assert result.failed == 0, "".join(report)


class Shell:
    """As much of a shell as the pages need, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._cli, self._environment = CommandLine(folder), {"PATH": "/usr/bin:/bin"}

    def run(self, text: str) -> None:
        """Run each `$` line; what stands under it must be its output, `...` for anything."""
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            done = self._one(command)
            assert done.exit_code == 0, f"{command}\n{done.errors}"
            checker = doctest.OutputChecker()
            assert expected.strip() in {"", "..."} or checker.check_output(
                expected, done.output, FLAGS
            ), f"{command}\n{done.output}"

    def _one(self, command: str) -> Completed:
        words = shlex.split(command)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self._environment[name] = value
            return Completed(0, "", "")
        if words[0] == "indelible" and words[-2:-1] == [">"]:
            done = self._cli.run(*words[1:-2], **self._environment)
            (self._cli.folder / words[-1]).write_text(done.output)
            return Completed(done.exit_code, "", done.errors)
        if words[0] == "indelible":
            return self._cli.run(*words[1:], **self._environment)
        return self._cli.run_cold("sh", "-c", command)


def test_commands_in_sh_blocks_parse() -> None:
    """Those that cannot be run in a test at least exist."""
    from typer.main import get_command

    from indelible.cli.main import app

    known = set(getattr(get_command(app), "commands", {}))
    for page in PAGES:
        for language, text in FENCE.findall(page.read_text()):
            for line in text.splitlines():
                words = line.split()
                if language == "sh" and words[:1] == ["indelible"] and words[1][0] != "-":
                    assert words[1] in known, f"{page}: {line}"
