"""The disk under it all: how long one durable append of 4 KiB takes without any database."""

import os
from pathlib import Path

from bench.callers import drive
from bench.measure import point_of
from bench.report import Row

_PAGE = bytes(4096)


def measure_disk(folder: Path, seconds: float) -> Row:
    """Append and fdatasync, one after another: what a commit by one caller cannot go below."""
    path = folder / "disk"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:

        def call(_caller: int, _number: int) -> None:
            os.write(descriptor, _PAGE)
            os.fdatasync(descriptor)

        sample = drive(call, callers=1, seconds=seconds)
    finally:
        os.close(descriptor)
        path.unlink()
    return Row(measure="append 4 KiB + fdatasync", target="disk", callers=1, point=point_of(sample))
