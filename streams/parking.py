"""Parked records: revisions that do not fit the declared columns of their table."""

import orjson

from streams.plain import plain_text
from streams.planning import RevisionChange


def parked(change: RevisionChange, ledger: str, reason: str) -> tuple[bytes, bytes]:
    """Key and value for the topic `parked`; plain JSON in every format."""
    key = {"_document_id": change.document_id, "_version": change.version}
    value = {
        "reason": reason,
        "data": plain_text(change.document),
        "_table": change.table,
        **key,
        "_ledger": ledger,
        "_sequence_number": change.sequence_number,
        "_operation": change.operation,
        "_transaction_id": change.transaction_id,
        "_committed_at": change.timestamp // 1000,
        "_hash": change.hash,
    }
    return orjson.dumps(key), orjson.dumps(value)
