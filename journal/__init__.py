"""SOURCE OF TRUTH: blocks, hashes, their codec, the reader rule, and the logs that keep them.

A ledger is a chain of blocks. Each block carries whole transactions, each transaction the revisions it
made; each block names the hash of the one before. `chain` is the only judge of which bytes of a log are
part of the ledger; `block` and `codec` say how they are written; `memory`, `sqlite` and `kafka` are the
logs. Everything here but the logs is pure.
"""
