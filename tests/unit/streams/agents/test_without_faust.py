"""Everything but `streams.agents` works where Faust is not installed."""

import subprocess
import sys

HIDDEN = "import sys; sys.modules['faust'] = None\n"


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_says_what_to_install():
    program = f"""{HIDDEN}
from journal.errors import ConfigurationError
try:
    import streams.agents
except ConfigurationError as error:
    print(error.hint)
"""

    assert run(program) == 'pip install "indelible[faust]"\n'


def test_nothing_else_loads_it():
    program = (
        f"{HIDDEN}import indelible, indelible.cli.main, streams, streams.exporter, streams.records"
    )

    assert run(program) == ""
