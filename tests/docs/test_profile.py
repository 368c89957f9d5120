"""The profile of a commit still runs, where it can. Says nothing of speed."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.profile import COMPILED

ROOT = Path(__file__).parents[2]


def profile(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bench.profile", "--count", "50", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.skipif(COMPILED, reason="a profiler sees nothing inside compiled modules")
def test_the_profile_names_the_layers() -> None:
    done = profile("--callers", "1,2")

    assert done.returncode == 0, done.stderr
    assert "journal (append, fsync)" in done.stdout
    assert "documents, codec, hashes" in done.stdout
    assert "waiting for a turn" in done.stdout


@pytest.mark.skipif(not COMPILED, reason="the sources are tested")
def test_a_profile_of_compiled_modules_is_refused() -> None:
    done = profile()

    assert done.returncode == 1
    assert "make pure" in done.stderr
