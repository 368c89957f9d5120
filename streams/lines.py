"""One JSON line for each revision: what the sinks without Kafka send.

The flat record of `streams.records` with two columns more, which a topic's name and header say in Kafka:
`_table` and `_entry_index`. A revision that does not fit its declared columns is sent as a parked record
(`streams.parking`): it has `reason` where others have columns.
"""

import orjson

from streams.columns import Misfit
from streams.declarations import Declarations
from streams.json_format import JSONTable
from streams.parking import parked
from streams.planning import RevisionChange


class LineFormat:
    """Writes the lines of one ledger."""

    def __init__(self, ledger: str, declarations: Declarations) -> None:
        self._ledger, self._declarations = ledger, declarations
        self._tables: dict[str, tuple[JSONTable, bytes]] = {}

    def line(self, change: RevisionChange) -> bytes:
        """The JSON of a revision, without the line's end."""
        table, name = self._table(change.table)
        try:
            value = table.encode(change).value
        except Misfit as misfit:
            _, value = parked(change, self._ledger, str(misfit))
            return b'%b,"_entry_index":%d}' % (value[:-1], change.entry_index)
        return b'%b,"_table":%b,"_entry_index":%d}' % (value[:-1], name, change.entry_index)

    def _table(self, table: str) -> tuple[JSONTable, bytes]:
        found = self._tables.get(table)
        if found is None:
            columns = self._declarations.get(table)
            writer = JSONTable(table, self._ledger, columns=columns, with_schema=False)
            found = self._tables[table] = writer, orjson.dumps(table)
        return found
