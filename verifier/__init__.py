"""PROOF: Merkle maths and keys; runs offline, trusts nobody."""
