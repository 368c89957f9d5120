"""Nothing is tested on compiled modules that are not those of the sources (ADR 8)."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    for package in ("journal", "verifier", "materializer", "streams", "indelible"):
        for compiled in (ROOT / package).rglob("*.so"):
            source = compiled.with_name(compiled.name.partition(".")[0] + ".py")
            if not source.exists() or source.stat().st_mtime > compiled.stat().st_mtime:
                pytest.exit(f"{compiled} is not of {source}: `make compile` or `make pure`", 4)
