"""The state store: one SQLite file per ledger and node, a fold of accepted blocks."""
