"""Keys of fixed size in sorted files: what an audit must compare across the whole journal.

```
keys, in any order -> sorted runs on disk -> merged in order, a few thousand at a time
```

Whether versions are gap-free is a question about neighbours once all keys of a document stand together.
Memory stays the same however long the journal is: a run is sorted while it is small, and a merge holds a
few kilobytes of each run.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

RUN_KEYS_MAX: Final = 150_000
"""Keys that a run is sorted from: about 20 MB of memory."""
RUNS_MAX: Final = 64
"""Runs that are merged at once; more are first made fewer."""
_BUFFER_KEYS: Final = 2_000


class RunWriter:
    """Collects keys and writes them as sorted runs into a folder."""

    def __init__(self, folder: Path, name: str, key_size: int) -> None:
        """`name` begins the names of the files; two writers of one folder have different ones."""
        self.keys: list[bytes] = []
        self._folder, self._name, self._key_size = folder, name, key_size
        self._count = 0

    def flush(self) -> list[Path]:
        """Write what was collected; the new files."""
        if not self.keys:
            return []
        self.keys.sort()
        path = self._folder / f"{self._name}-{self._count:06d}.run"
        path.write_bytes(b"".join(self.keys))
        self._count += 1
        self.keys.clear()
        return [path]


class Run:
    """A sorted file of keys, or the part `[low, high)` of one."""

    def __init__(
        self, path: Path, key_size: int, low: bytes | None = None, high: bytes | None = None
    ) -> None:
        self._file: BinaryIO = path.open("rb")
        self._key_size = key_size
        count = path.stat().st_size // key_size
        self._at = 0 if low is None else self._first_from(low, count)
        self._end = max(self._at, count if high is None else self._first_from(high, count))
        self._file.seek(self._at * key_size)

    def read(self, count: int) -> list[bytes]:
        """The next `count` keys; fewer at the end."""
        size = self._key_size
        count = min(count, self._end - self._at)
        data = self._file.read(count * size)
        self._at += count
        return [data[at : at + size] for at in range(0, len(data), size)]

    def last_before(self, bound: bytes) -> bytes | None:
        """The greatest key below `bound`, by binary search."""
        index = self._first_from(bound, self._end)
        return self._key(index - 1) if index else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _key(self, index: int) -> bytes:
        self._file.seek(index * self._key_size)
        return self._file.read(self._key_size)

    def _first_from(self, bound: bytes, count: int) -> int:
        """Index of the first key that is not below `bound`."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if self._key(middle) < bound:
                low = middle + 1
            else:
                high = middle
        return low


def merged(
    paths: Sequence[Path], key_size: int, low: bytes | None = None, high: bytes | None = None
) -> Iterator[list[bytes]]:
    """All keys of some runs within `[low, high)`, in order, in lists of some thousands.

    From each run's buffer everything up to a common bound is taken and sorted again; the sort finds the
    sorted pieces by itself and merges them.
    """
    runs = [Run(path, key_size, low, high) for path in paths]
    try:
        buffers = [run.read(_BUFFER_KEYS) for run in runs]
        while True:
            active = [index for index, buffer in enumerate(buffers) if buffer]
            if not active:
                return
            bound = min(buffers[index][-1] for index in active)
            taken: list[bytes] = []
            for index in active:
                buffer = buffers[index]
                if buffer[0] > bound:
                    continue
                end = bisect_right(buffer, bound)
                taken += buffer[:end]
                buffers[index] = buffer[end:] or runs[index].read(_BUFFER_KEYS)
            taken.sort()
            yield taken
    finally:
        for run in runs:
            run.close()


def merge_into(
    path: Path,
    paths: Sequence[Path],
    key_size: int,
    keep: Callable[[list[bytes]], list[bytes]] = lambda keys: keys,
) -> None:
    """Make one run of several, of the keys that `keep` keeps, and delete those."""
    with path.open("wb") as file:
        for keys in merged(paths, key_size):
            file.write(b"".join(keep(keys)))
    for each in paths:
        each.unlink()


def similar_in_size(paths: Sequence[Path]) -> list[Path]:
    """The smallest runs, two at least: as many as together are not much smaller than the next.

    Merging only these costs each key a logarithmic number of merges, however often one is added.
    """
    ordered = sorted(paths, key=lambda path: path.stat().st_size)
    total, count = 0, 0
    for path in ordered:
        size = path.stat().st_size
        if count >= 2 and size > 2 * total:
            break
        total, count = total + size, count + 1
    return ordered[:count]


def splitters(paths: Sequence[Path], key_size: int, parts: int) -> list[bytes]:
    """Bounds that cut the keys of all runs into `parts` about equal parts; `parts - 1` or fewer."""
    sample = []
    for path in paths:
        count = path.stat().st_size // key_size
        with path.open("rb") as file:
            for index in range(0, count, max(1, count // 16)):
                file.seek(index * key_size)
                sample.append(file.read(key_size))
    sample.sort()
    return sorted(
        {sample[len(sample) * part // parts] for part in range(1, parts)} if sample else []
    )
