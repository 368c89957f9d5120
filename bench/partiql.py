"""Time the query engine alone, over a view in memory that costs next to nothing.

    .venv/bin/python -m bench.partiql

Prints microseconds for each statement: planning, cached execution, and what the view itself took.
"""

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from materializer.partiql import StatementCache, prepare
from materializer.partiql.view import Context, Index, Table

ROWS = 1_000
INDEXES = (
    Index(id="i1", name="id", table_id="t", paths=(("id",),), unique=True, active=True),
    Index(id="i2", name="name", table_id="t", paths=(("name",),), unique=True, active=True),
)
TABLE = Table(id="t", name="t", indexes=INDEXES)


@dataclass(frozen=True)
class Document:
    """A document of the bench."""

    id: str
    data: dict[str, Any]


class Catalog:
    """One table."""

    tables: ClassVar = {"t": TABLE}


class View:
    """A thousand documents in dicts."""

    catalog = Catalog()

    def __init__(self) -> None:
        self.documents = [
            Document(f"{n:022d}", {"id": n, "name": f"n{n}", "balance": n, "tags": ["a", "b"]})
            for n in range(ROWS)
        ]
        self.by_key = {("i1", d.data["id"]): [d] for d in self.documents}
        self.by_key |= {("i2", d.data["name"]): [d] for d in self.documents}

    def scan(self, _table: Table) -> Any:
        """All of them."""
        return iter(self.documents)

    def search(self, index: Index, keys: Any) -> Any:
        """Those of one key; for ranges, all."""
        if keys.equal:
            return iter(self.by_key.get((index.id, keys.equal[0]), ()))
        return iter(self.documents)

    def count(self, _table: Table) -> int:
        """How many."""
        return ROWS


STATEMENTS: tuple[tuple[str, list[Any]], ...] = (
    ("INSERT INTO t ?", [{"id": 1, "name": "x"}]),
    ("INSERT INTO t VALUE {'id': ?, 'name': ?, 'balance': 0}", [1, "x"]),
    ("SELECT * FROM t WHERE id = ?", [500]),
    ("SELECT v.name AS n FROM t AS v WHERE v.id = ? AND v.balance > 0", [500]),
    ("UPDATE t SET balance = balance - ? WHERE name = ?", [5, "n500"]),
    ("DELETE FROM t WHERE id = ?", [500]),
    ("SELECT COUNT(*) AS n FROM t", []),
    ("SELECT * FROM t WHERE balance > 990", []),
    ("SELECT balance % 10 AS k, COUNT(*) AS n, SUM(balance) AS s FROM t GROUP BY balance % 10", []),
    ("SELECT name FROM t ORDER BY balance DESC LIMIT 10", []),
    ("SELECT a.name FROM t AS a JOIN t AS b ON a.balance = b.balance", []),
    ("SELECT a.name FROM t AS a JOIN t AS b ON a.id = b.id WHERE b.balance < 100", []),
    ("SELECT t.id, g FROM t, t.tags AS g WHERE t.name LIKE 'n99%'", []),
)


def microseconds(run: Callable[[], object]) -> float:
    """The best of five rounds of CPU time, each of at least 20 ms."""
    count, best = 1, float("inf")
    while True:
        start = time.process_time()
        for _ in range(count):
            run()
        spent = time.process_time() - start
        if spent > 0.02:
            break
        count *= 4
    for _ in range(5):
        start = time.process_time()
        for _ in range(count):
            run()
        best = min(best, (time.process_time() - start) / count)
    return best * 1e6


def main() -> None:
    """Print the table."""
    view = View()
    context = Context(
        view=view,  # type: ignore[arg-type]
        transaction_id="T",
        now=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        new_id=lambda: "0" * 22,
        check=lambda: None,
        rows_max=100_000,
    )
    cache = StatementCache(100)
    print(f"{'plan us':>9} {'run us':>9}  statement")
    for text, parameters in STATEMENTS:
        statement = cache.get(text, view.catalog)  # type: ignore[arg-type]
        planning = microseconds(partial(prepare, text, view.catalog))
        running = microseconds(partial(statement.execute, context, parameters))
        print(f"{planning:9.0f} {running:9.2f}  {text}")
    text = STATEMENTS[0][0]
    hit = microseconds(partial(cache.get, text, view.catalog))
    print(f"{hit:19.2f}  (a hit of the cache)")


if __name__ == "__main__":
    main()
