"""FRONT DOORS: connect to a ledger, write, query, prove."""
