"""Logical plan to a better logical plan: one rule per module, applied in this order.

Each rule is a pure function of a plan, and leaves every condition in place as a filter: an index only
makes fewer documents reach it.
"""

from collections.abc import Callable
from typing import Final

from materializer.partiql.logical import Plan
from materializer.partiql.plan.count_tables import count_tables
from materializer.partiql.plan.hash_joins import hash_joins
from materializer.partiql.plan.order_by_indexes import order_by_indexes
from materializer.partiql.plan.push_filters import push_filters
from materializer.partiql.plan.share_subqueries import share_subqueries
from materializer.partiql.plan.use_document_ids import use_document_ids
from materializer.partiql.plan.use_indexes import use_indexes

Rule = Callable[[Plan], Plan]

RULES: Final[tuple[Rule, ...]] = (
    push_filters,
    use_document_ids,
    use_indexes,
    order_by_indexes,
    hash_joins,
    count_tables,
    share_subqueries,
)


def improve(plan: Plan) -> Plan:
    """The plan after all rules."""
    for rule in RULES:
        plan = rule(plan)
    return plan
