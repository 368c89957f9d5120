"""The Python SDK: one `Ledger` object over any transport."""
