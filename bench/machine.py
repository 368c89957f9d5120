"""Where a run took place, and how much memory it took."""

import datetime
import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

import apsw

_ROOT: Final = Path(__file__).parents[1]
_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")
_RESET_PEAK: Final = "5"


def describe(folder: Path) -> dict[str, str]:
    """The facts a reader needs to judge the figures; `folder` is where the data was."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit(),
        "processor": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{_memory_gb():.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "file system": file_system(folder),
        "Python": platform.python_version(),
        "SQLite": apsw.sqlite_lib_version(),
    }


def commit() -> str:
    """The checkout's commit, with "+ changes" where the files differ from it."""
    head = _git("rev-parse", "--short=12", "HEAD")
    if not head:
        return f"release {version('indelible')}"
    return f"{head} + changes" if _git("status", "--porcelain") else head


def file_system(folder: Path) -> str:
    """The kind of file system a folder is on; on tmpfs an fsync costs nothing and says nothing."""
    found, kind = "", "unknown"
    path = str(folder.resolve())
    for line in _read(Path("/proc/mounts")).splitlines():
        _, mount, name = line.split()[:3]
        inside = path == mount or path.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(found):
            found, kind = mount, name
    return kind


def reset_peak() -> None:
    """Begin a new peak, where the system can (Linux)."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return


def peak_mb() -> float:
    """The most memory that this process has held at once since the last `reset_peak`."""
    found = re.search(r"VmHWM:\s+(\d+) kB", _read(_STATUS))
    return int(found[1]) / 1024 if found else 0.0


def _processor() -> str:
    found = re.search(r"model name\s*: (.*)", _read(Path("/proc/cpuinfo")))
    return found[1] if found else platform.processor() or platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
