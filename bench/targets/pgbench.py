"""pgbench, PostgreSQL's own client: the least that a client can cost."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from bench.measure import Sample
from infra.errors import MissingProgramError
from infra.postgres.programs import find_programs


def find_pgbench() -> Path | None:
    """Where pgbench is, if it is installed (Debian: in package postgresql)."""
    found = which("pgbench")
    if found is not None:
        return Path(found)
    try:
        beside = find_programs() / "pgbench"
    except MissingProgramError:
        return None
    return beside if beside.exists() else None


def run_pgbench(
    program: Path,
    dsn: str,
    script: Path,
    *,
    schema: str,
    variables: Mapping[str, int],
    callers: int,
    seconds: float,
) -> Sample:
    """Run a script by so many clients for so long (at least a second), statements prepared once.

    Raises:
        RuntimeError: pgbench failed, or a client of it; the message has what it printed.
    """
    with TemporaryDirectory() as folder:
        command = [
            *(str(program), "--no-vacuum", "--protocol=prepared", f"--file={script}"),
            *(f"--client={callers}", f"--jobs={min(callers, os.cpu_count() or 1)}"),
            *(f"--time={max(1, round(seconds))}", "--log", f"--log-prefix={folder}/log"),
            *(f"--define={name}={value}" for name, value in variables.items()),
            dsn,
        ]
        environment = {**os.environ, "PGOPTIONS": f"-c search_path={schema}"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"pgbench failed: {done.stderr.strip()}")
        lines = [line for log in Path(folder).iterdir() for line in log.read_text().splitlines()]
    return parse_log(lines)


def parse_log(lines: Iterable[str]) -> Sample:
    """The transactions of pgbench's log: `client number latency script epoch microseconds`.

    >>> parse_log(["0 1 250000 0 1700000000 500000", "0 2 500000 0 1700000001 0"])
    Sample(count=2, seconds=0.75, latencies=[0.25, 0.5])
    """
    latencies, ends, starts = [], [], []
    for line in lines:
        _, _, latency, _, epoch, microseconds = line.split()[:6]
        end = int(epoch) * 1_000_000 + int(microseconds)
        latencies.append(int(latency) / 1e6)
        ends.append(end)
        starts.append(end - int(latency))
    if not ends:
        raise RuntimeError("pgbench committed nothing")
    return Sample(
        count=len(latencies), seconds=(max(ends) - min(starts)) / 1e6, latencies=latencies
    )
