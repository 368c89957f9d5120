"""Commits per second: one document per transaction, the targets taking turns."""

import gc
from collections.abc import Callable, Sequence

from bench.measure import Sample, median_point
from bench.plan import Plan
from bench.report import Row
from bench.targets.target import Target

Say = Callable[[str], None]
"""Tells a person what is going on."""


def measure_commits(targets: Sequence[Target], plan: Plan, say: Say) -> list[Row]:
    """One row for each number of callers and target; medians over the rounds.

    A, B, C, A, B, C ...: what slows the machine for a while hits all targets alike.
    """
    for target in targets:
        say(f"warming up {target.name}")
        target.commit(callers=max(plan.callers), seconds=_warm_up_seconds(target, plan))
    rows = []
    for callers in plan.callers:
        samples: dict[str, list[Sample]] = {target.name: [] for target in targets}
        for turn in range(plan.rounds):
            say(f"commits by {callers} callers, round {turn + 1} of {plan.rounds}")
            for target in targets:
                gc.collect()
                sample = target.commit(callers=callers, seconds=plan.seconds)
                samples[target.name].append(sample)
        rows += [
            Row(measure="commits", target=name, callers=callers, point=median_point(turns))
            for name, turns in samples.items()
        ]
    return rows


def _warm_up_seconds(target: Target, plan: Plan) -> float:
    if target.name.startswith("kafka"):
        return plan.broker_warm_up_seconds
    return plan.warm_up_seconds
