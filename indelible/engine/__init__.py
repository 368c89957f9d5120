"""The node: executes transactions into blocks, appends them, and answers queries."""
