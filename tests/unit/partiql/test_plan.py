"""Plans, rule by rule. The pairs are in `plans/<rule>.txt`: a query, then the operators it becomes."""

from pathlib import Path

import pytest

from materializer.partiql.plan import RULES
from materializer.partiql.plan.count_tables import count_tables
from materializer.partiql.plan.hash_joins import hash_joins
from materializer.partiql.plan.order_by_indexes import order_by_indexes
from materializer.partiql.plan.push_filters import push_filters
from materializer.partiql.plan.share_subqueries import share_subqueries
from materializer.partiql.plan.sketches import sketch
from materializer.partiql.plan.use_document_ids import use_document_ids
from materializer.partiql.plan.use_indexes import use_indexes

FOLDER = Path(__file__).with_name("plans")
RULES_OF = {
    "push_filters": ((push_filters,), []),
    "use_document_ids": ((push_filters, use_document_ids), []),
    "use_indexes": ((push_filters, use_indexes), ["x", "a,b", "n.m", "unique k"]),
    "order_by_indexes": ((push_filters, use_indexes, order_by_indexes), ["x", "a,b"]),
    "share_subqueries": ((push_filters, share_subqueries), []),
    "hash_joins": ((push_filters, use_indexes, hash_joins), ["k"]),
}


def pairs(name: str) -> list[tuple[str, str]]:
    """The cases of a fixture: query and expected sketch."""
    lines = [line for line in (FOLDER / f"{name}.txt").read_text().splitlines() if line[:1] != "#"]
    cases = "\n".join(lines).split("\n\n")
    return [tuple(case.strip("\n").split("\n", 1)) for case in cases]


CASES = [(name, query, expected) for name in RULES_OF for query, expected in pairs(name)]


@pytest.mark.parametrize(("name", "query", "expected"), CASES, ids=lambda value: str(value)[:60])
def test_a_rule_makes_of_a_query_what_its_fixture_says(name, query, expected):
    rules, indexes = RULES_OF[name]

    assert sketch(query, *rules, indexes=indexes) == expected


def test_a_count_with_a_condition_is_not_asked_of_the_store():
    assert sketch("SELECT COUNT(*) FROM t WHERE x = 1", count_tables).startswith("group")
    assert sketch("SELECT COUNT(x) FROM t", count_tables).startswith("group")
    assert sketch("SELECT COUNT(*), x FROM t GROUP BY x", count_tables).startswith("group")


def test_every_rule_is_idempotent():
    for _, query, _ in CASES:
        once = sketch(query, *RULES, indexes=["x", "a,b", "n.m", "unique k"])
        twice = sketch(query, *RULES, *RULES, indexes=["x", "a,b", "n.m", "unique k"])

        assert once == twice


def test_every_rule_has_an_example():
    assert all(">>>" in (rule.__doc__ or "") for rule in RULES)
