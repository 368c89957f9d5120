"""What was done for a key, and up to where: one value of one table, so that neither can be lost alone.

```
{"positions": {"registry/vehicles/3": [17, 2]}, "state": <what the agent returned>}
```

A lane's records come in the ledger's order, also when they come again. So what is at or below the lane's
position was done, and everything above was not.
"""

from typing import Any, NamedTuple

from streams.records import Position


class Handled(NamedTuple):
    """What an agent knows of one key.

    Attributes:
        positions: Lane -> the last position whose effect is in `state`.
        state: JSON values.
    """

    positions: dict[str, Position]
    state: Any

    def covers(self, lane: str, position: Position) -> bool:
        """Whether the effect of a record is in the state already.

        >>> handled = Handled({"r/v/0": Position(17, 2)}, "ann")
        >>> handled.covers("r/v/0", Position(17, 2)), handled.covers("r/v/0", Position(17, 3))
        (True, False)
        >>> handled.covers("r/v/1", Position(1, 0))
        False
        """
        found = self.positions.get(lane)
        return found is not None and position <= found

    def after(self, lane: str, position: Position, state: Any) -> "Handled":
        """What is known once a record's effect is in the state."""
        return Handled({**self.positions, lane: position}, state)

    def to_json(self) -> dict[str, Any]:
        """The value of the table."""
        positions = {lane: list(position) for lane, position in self.positions.items()}
        return {"positions": positions, "state": self.state}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Handled":
        """Inverse of `to_json`.

        >>> handled = Handled({"r/v/0": Position(17, 2)}, {"owner": "ann"})
        >>> Handled.from_json(handled.to_json()) == handled
        True
        """
        positions = {lane: Position(*position) for lane, position in value["positions"].items()}
        return cls(positions, value["state"])
