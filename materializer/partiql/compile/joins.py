"""Operators over operators: joins, filters, LET, GROUP BY."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, Final

from journal.values import MISSING, Bag, Value
from materializer.partiql import logical
from materializer.partiql.compile.frames import Bindings, Compiler, Frame, hold
from materializer.partiql.limits import CHECK_INTERVAL
from materializer.partiql.logical import CONTEXT
from materializer.partiql.operators.aggregates import AGGREGATES, Distinct
from materializer.partiql.operators.kinds import identity, is_nan


def filtered(compiler: Compiler, node: logical.Filter) -> Bindings:
    """The bindings for which a condition is true."""
    source, condition = compiler.bindings(node.source), compiler.expression(node.condition)

    def passing(frame: Frame) -> Iterator[None]:
        for _ in source(frame):
            if condition(frame) is True:
                yield

    return passing


def let(compiler: Compiler, node: logical.Let) -> Bindings:
    """Variables of LET, in order."""
    source = compiler.bindings(node.source)
    bindings = [(slot, compiler.expression(value)) for slot, value in node.bindings]

    def extended(frame: Frame) -> Iterator[None]:
        for _ in source(frame):
            for slot, value in bindings:
                frame[slot] = value(frame)
            yield

    return extended


def joined(compiler: Compiler, node: logical.Joined) -> Bindings:
    """A nested loop; the right side may depend on the left."""
    if node.kind in ("right", "full"):
        return _outer_joined(compiler, node)
    left, right = compiler.bindings(node.left), compiler.bindings(node.right)
    condition = None if node.condition is None else compiler.expression(node.condition)
    right_slots, keep_left = node.right_slots, node.kind == "left"

    def pairs(frame: Frame) -> Iterator[None]:
        ticks = count(1)
        for _ in left(frame):
            lonely = keep_left
            if not next(ticks) % CHECK_INTERVAL:
                frame[CONTEXT].check()
            for _ in right(frame):
                if not next(ticks) % CHECK_INTERVAL:
                    frame[CONTEXT].check()
                if condition is None or condition(frame) is True:
                    lonely = False
                    yield
            if lonely:
                for slot in right_slots:
                    frame[slot] = None
                yield

    return pairs


def _outer_joined(compiler: Compiler, node: logical.Joined) -> Bindings:
    """RIGHT and FULL: the right side is read once, and its rows without a partner come last."""
    left, right = compiler.bindings(node.left), compiler.bindings(node.right)
    condition = None if node.condition is None else compiler.expression(node.condition)
    left_slots, right_slots, keep_left = node.left_slots, node.right_slots, node.kind == "full"

    def pairs(frame: Frame) -> Iterator[None]:
        rows = _stored(right, frame, right_slots)
        partnered = [False] * len(rows)
        for _ in left(frame):
            frame[CONTEXT].check()
            lonely = keep_left
            for position, row in enumerate(rows):
                _restore(frame, right_slots, row)
                if condition is None or condition(frame) is True:
                    lonely, partnered[position] = False, True
                    yield
            if lonely:
                _restore(frame, right_slots, (None,) * len(right_slots))
                yield
        _restore(frame, left_slots, (None,) * len(left_slots))
        for row, partner in zip(rows, partnered, strict=True):
            if not partner:
                _restore(frame, right_slots, row)
                yield

    return pairs


def hash_joined(compiler: Compiler, node: logical.HashJoined) -> Bindings:
    """The right side is read once into a table by key; the left side looks its partners up."""
    left, right = compiler.bindings(node.left), compiler.bindings(node.right)
    left_key, right_key = _key(compiler, node.left_keys), _key(compiler, node.right_keys)
    condition = None if node.condition is None else compiler.expression(node.condition)
    right_slots, keep_left = node.right_slots, node.kind == "left"

    def pairs(frame: Frame) -> Iterator[None]:
        partners: dict[Any, list[tuple[Value, ...]]] = {}
        total = 0
        for _ in right(frame):
            key = right_key(frame)
            if key is not None:
                total += 1
                hold(frame, total)
                partners.setdefault(key, []).append(tuple([frame[slot] for slot in right_slots]))
        ticks = count(1)
        for _ in left(frame):
            lonely = keep_left
            for row in partners.get(left_key(frame), ()):
                if not next(ticks) % CHECK_INTERVAL:
                    frame[CONTEXT].check()
                _restore(frame, right_slots, row)
                if condition is None or condition(frame) is True:
                    lonely = False
                    yield
            if lonely:
                _restore(frame, right_slots, (None,) * len(right_slots))
                yield

    return pairs


def _key(compiler: Compiler, values: tuple[Any, ...]) -> Any:
    """Code for a hashable key, None when a part equals nothing: null, missing, NaN."""
    codes = [compiler.expression(value) for value in values]

    def key(frame: Frame) -> Any:
        parts = [code(frame) for code in codes]
        if any(part is None or part is MISSING or is_nan(part) for part in parts):
            return None
        return tuple(map(identity, parts))

    return key


def _stored(source: Bindings, frame: Frame, slots: tuple[int, ...]) -> list[tuple[Value, ...]]:
    rows: list[tuple[Value, ...]] = []
    for _ in source(frame):
        rows.append(tuple([frame[slot] for slot in slots]))
        hold(frame, len(rows))
    return rows


def _restore(frame: Frame, slots: Sequence[int], values: Sequence[Value]) -> None:
    for slot, value in zip(slots, values, strict=True):
        frame[slot] = value


class _Group:
    """What is known of a group while its rows pass by."""

    __slots__ = ("accumulators", "adders", "keys", "members")

    def __init__(self, keys: list[Value], accumulators: list[Any]) -> None:
        self.keys, self.accumulators = keys, accumulators
        self.adders = [each.add for each in accumulators]
        self.members = Bag()


def grouped(compiler: Compiler, node: logical.Grouped) -> Bindings:
    """GROUP BY: every row into its group, then one binding per group."""
    source = compiler.bindings(node.source)
    key_slots = [slot for slot, _ in node.keys]
    key_codes = [compiler.expression(value) for _, value in node.keys]
    value_codes = [
        None if each.value is None else compiler.expression(each.value)
        for each in node.aggregations
    ]
    collect = None if node.group is None else _collector(node.members)
    start = _starter(compiler, node.aggregations)
    result_slots = [aggregation.slot for aggregation in node.aggregations]
    group_slot = node.group

    def groups(frame: Frame) -> Iterator[None]:
        found: dict[Any, _Group] = {}
        if not key_codes:
            found[()] = _Group([], start(frame))
        for _ in source(frame):
            values = [code(frame) for code in key_codes]
            key = tuple(map(identity, values))
            group = found.get(key)
            if group is None:
                group = found[key] = _Group(values, start(frame))
                hold(frame, len(found))
            for code, add in zip(value_codes, group.adders, strict=True):
                value = 1 if code is None else code(frame)
                if value is not None and value is not MISSING:
                    add(value)
            if collect is not None:
                collect(frame, group.members)
        for group in found.values():
            _restore(frame, key_slots, group.keys)
            _restore(frame, result_slots, [each.result() for each in group.accumulators])
            if group_slot is not None:
                frame[group_slot] = group.members
            yield

    return groups


def _starter(compiler: Compiler, aggregations: tuple[logical.Aggregation, ...]) -> Any:
    reject = compiler.reject
    makers = [(AGGREGATES[each.name], each.distinct) for each in aggregations]

    def start(frame: Frame) -> list[Any]:
        return [
            Distinct(make(reject), lambda seen: hold(frame, seen)) if distinct else make(reject)
            for make, distinct in makers
        ]

    return start


def _collector(members: tuple[tuple[str, int], ...]) -> Callable[[Frame, Bag], None]:
    """Code that adds the row at hand to the bag of its group."""

    def collect(frame: Frame, bag: Bag) -> None:
        bag.append({name: frame[slot] for name, slot in members if frame[slot] is not MISSING})
        hold(frame, len(bag))

    return collect


OPERATORS: Final[dict[type, Any]] = {
    logical.Filter: filtered,
    logical.Let: let,
    logical.Joined: joined,
    logical.HashJoined: hash_joined,
    logical.Grouped: grouped,
}
