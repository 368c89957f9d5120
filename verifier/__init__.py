"""PROOF: trees, signed notes, checkpoints, receipts, audit; runs offline, trusts nobody."""
