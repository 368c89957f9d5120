"""Structs that have a field name twice, as `SELECT *` of two tables can give them."""

from collections.abc import Iterable
from typing import final

from journal.values import MISSING, Value


@final
class RepeatedStruct(dict[str, Value]):
    """A struct with repeated names: as a dict it has the first value of each name.

    Attributes:
        pairs: All fields, in order.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, Value]]) -> None:
        self.pairs = tuple(pairs)
        super().__init__(reversed(self.pairs))

    __hash__ = None  # as dict

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RepeatedStruct):
            return self.pairs == other.pairs
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other


def struct_of(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    """A struct of these fields, without those that are missing.

    >>> struct_of([("a", 1), ("b", MISSING)])
    {'a': 1}
    """
    present = [pair for pair in pairs if pair[1] is not MISSING]
    struct = dict(present)
    return struct if len(struct) == len(present) else RepeatedStruct(present)


def fields_of(struct: dict[str, Value]) -> Iterable[tuple[str, Value]]:
    """The fields of a struct, repeated names included."""
    return struct.pairs if type(struct) is RepeatedStruct else struct.items()
