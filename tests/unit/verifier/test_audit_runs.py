"""Sorted runs: what comes out is what went in, in order, however it was cut up."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import examples
from verifier.audit import runs
from verifier.audit.runs import Run, RunWriter, merge_into, merged, similar_in_size, splitters

SIZE = 4
keys = st.lists(st.binary(min_size=SIZE, max_size=SIZE), max_size=60)
piles = st.lists(keys, max_size=6)


def written(folder: Path, pile: list[list[bytes]]) -> list[Path]:
    paths = []
    for number, some in enumerate(pile):
        writer = RunWriter(folder, f"r{number}", SIZE)
        writer.keys.extend(some)
        paths += writer.flush()
    return paths


@given(pile=piles, buffer=st.integers(1, 7))
@examples(150)
def test_merged_runs_are_all_keys_in_order(pile, buffer):
    before, runs._BUFFER_KEYS = runs._BUFFER_KEYS, buffer
    try:
        with TemporaryDirectory() as name:
            paths = written(Path(name), pile)
            found = [key for some in merged(paths, SIZE) for key in some]
            merge_into(Path(name) / "all.run", paths, SIZE)
            again = [key for some in merged([Path(name) / "all.run"], SIZE) for key in some]
    finally:
        runs._BUFFER_KEYS = before

    assert found == sorted(key for some in pile for key in some)
    assert again == found


@given(pile=piles, low=keys.filter(bool), high=keys.filter(bool))
@examples(100)
def test_a_part_of_the_keys_is_what_lies_between_its_bounds(pile, low, high):
    with TemporaryDirectory() as name:
        paths = written(Path(name), pile)
        found = [key for some in merged(paths, SIZE, low[0], high[0]) for key in some]

    assert found == sorted(key for some in pile for key in some if low[0] <= key < high[0])


@given(pile=piles, parts=st.integers(1, 5))
@examples(100)
def test_splitters_cut_all_keys_into_parts_and_lose_none(pile, parts):
    with TemporaryDirectory() as name:
        paths = written(Path(name), pile)
        bounds = [None, *splitters(paths, SIZE, parts), None]
        found = [
            key
            for low, high in pairwise(bounds)
            for some in merged(paths, SIZE, low, high)
            for key in some
        ]

    assert len(bounds) <= parts + 1
    assert found == sorted(key for some in pile for key in some)


@given(some=keys.filter(bool), bound=st.binary(min_size=SIZE, max_size=SIZE))
@examples(100)
def test_last_before_is_the_greatest_key_below(some, bound):
    with TemporaryDirectory() as name:
        run = Run(written(Path(name), [some])[0], SIZE)
        found = run.last_before(bound)
        run.close()

    assert found == max((key for key in some if key < bound), default=None)


def test_runs_of_like_size_are_merged_and_a_large_one_left_alone(tmp_path):
    paths = written(tmp_path, [[b"aaaa"] * 1000, [b"bbbb"] * 3, [b"cccc"] * 2, [b"dddd"]])

    assert sorted(path.stat().st_size for path in similar_in_size(paths)) == [4, 8, 12]
