"""Looking into state stores from outside."""

from pathlib import Path
from typing import Any

import apsw

from materializer.store.schema import FOLDED_TABLES


def folded_rows(path: Path) -> dict[str, list[Any]]:
    """All rows of everything that is a fold of the journal, table by table."""
    connection = apsw.Connection(str(path))
    try:
        return {
            table: sorted(connection.execute(f"select * from {table}").fetchall(), key=repr)
            for table in FOLDED_TABLES
        }
    finally:
        connection.close()
