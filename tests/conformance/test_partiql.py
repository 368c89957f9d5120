"""PartiQL's published conformance cases, with a committed list of those that fail and why.

External compatibility, not self-consistency. The cases are read from `../shared/vectors/partiql` beside
the repository, or from `partiql` in the folder that INDELIBLE_VECTORS names; without them nothing runs.
A listed case that passes fails the suite: take it off the list.

`python -m tests.conformance.test_partiql` prints how many pass, by suite and mode.
"""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.partiql_vectors import (
    FOLDER,
    evaluation_cases,
    failure,
    syntax_cases,
    syntax_failure,
)

KNOWN = Path(__file__).with_name("partiql-known-failures.jsonl")
EVALUATION = ("eval", "eval-equiv", "extended-eval")
SYNTAX = ("syntax", "extended-syntax")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no conformance data in {FOLDER}")


class Verdict(NamedTuple):
    """What became of one case in one mode."""

    suite: str
    category: str
    id: str
    mode: str
    failure: str | None


@cache
def known_failures() -> dict[tuple[str, str, str], str]:
    """The reason for each (suite, id, mode) that is known to fail."""
    lines = map(json.loads, KNOWN.read_text().splitlines())
    return {(line["suite"], line["id"], line["mode"]): line["reason"] for line in lines}


def verdicts(suite: str) -> Iterator[Verdict]:
    """The verdict on every case of a suite."""
    if suite in EVALUATION:
        for case in evaluation_cases(suite):
            yield Verdict(suite, case.category, case.id, case.mode, failure(case))
    else:
        for line in syntax_cases(suite):
            yield Verdict(suite, line["category"], line["id"], "parse", syntax_failure(line))


@pytest.mark.parametrize("suite", [*EVALUATION, *SYNTAX])
def test_every_case_gives_what_it_should_or_is_listed(suite):
    known = known_failures()
    wrong = [
        f"{each.mode}: {each.id}\n    {each.failure}"
        for each in verdicts(suite)
        if each.failure is not None and (suite, each.id, each.mode) not in known
    ]

    assert wrong == []


@pytest.mark.parametrize("suite", [*EVALUATION, *SYNTAX])
def test_every_listed_case_still_fails(suite):
    failing = {(suite, each.id, each.mode) for each in verdicts(suite) if each.failure is not None}
    listed = {key for key in known_failures() if key[0] == suite}

    assert sorted(listed - failing) == []


def test_every_listed_case_has_a_reason():
    assert all(len(reason) > 10 for reason in known_failures().values())


def main() -> None:
    """Print the pass counts."""
    for suite in (*EVALUATION, *SYNTAX):
        total: Counter[str] = Counter()
        passed: Counter[str] = Counter()
        for each in verdicts(suite):
            total[each.mode] += 1
            passed[each.mode] += each.failure is None
        for mode, count in total.items():
            print(f"{suite:16} {mode:7} {passed[mode]:5} of {count:5}")


if __name__ == "__main__":
    main()
