"""Logical plan to a better logical plan: one rule per module, applied in this order.

Each rule is a pure function of a plan, and leaves every condition in place as a filter: an index only
makes fewer documents reach it.
"""

from collections.abc import Callable
from typing import Final

from materializer.partiql.logical import Plan

Rule = Callable[[Plan], Plan]

RULES: Final[tuple[Rule, ...]] = ()


def improve(plan: Plan) -> Plan:
    """The plan after all rules."""
    for rule in RULES:
        plan = rule(plan)
    return plan
