"""docs/guide/agents.md shows the example that runs, and the numbers of the code."""

import inspect
import re
from pathlib import Path

from streams.agents import STALLED_EXIT_CODE, agent_app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guide" / "agents.md").read_text()
EXAMPLE = (ROOT / "examples" / "agents" / "ownership.py").read_text()


def test_the_agents_on_the_page_are_those_of_the_example():
    shown = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

    assert shown
    assert [part for part in shown if _lines(part) not in _lines(EXAMPLE)] == []


def _lines(code: str) -> str:
    """Without what indentation and empty lines may differ in."""
    return "\n".join(line.strip() for line in code.splitlines() if line.strip())


def test_the_numbers_are_those_of_the_code():
    defaults = {
        name: each.default for name, each in inspect.signature(agent_app).parameters.items()
    }

    assert f"exit code {STALLED_EXIT_CODE}" in PAGE
    assert f"`stall_seconds` ({defaults['stall_seconds']:g} by default)" in PAGE
