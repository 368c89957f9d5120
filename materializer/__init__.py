"""DERIVED STATE: applies accepted blocks to a state store, and answers PartiQL from it."""
