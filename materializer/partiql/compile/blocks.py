"""Query blocks: values from bindings, then DISTINCT, ORDER BY, OFFSET and LIMIT; set operators."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from journal.errors import InputError, QueryTypeError
from journal.values import MISSING, Bag, Value
from materializer.partiql import logical
from materializer.partiql.compile.frames import Compiler, Evaluate, Frame, Rows, hold
from materializer.partiql.operators.kinds import identity, integer_shown, kind_of, order_key
from materializer.partiql.operators.reject import Reject
from materializer.partiql.operators.structs import fields_of, struct_of
from materializer.partiql.syntax import Collection

_NULLS_FIRST: Final = (-1,)
_NULLS_LAST: Final = (99,)
_HEAP_SLACK: Final = 1_024


def block_rows(compiler: Compiler, node: logical.Block) -> Rows:
    """The rows of a block, one by one where nothing has to be sorted."""
    rows = _sorted_rows(compiler, node) if node.order else _plain_rows(compiler, node)
    if node.distinct:
        rows = _distinct(rows)
    return _cut(compiler, node, rows)


def _plain_rows(compiler: Compiler, node: logical.Block) -> Rows:
    source, output = compiler.bindings(node.source), compiler.expression(node.output)

    def rows(frame: Frame) -> Iterator[Value]:
        for _ in source(frame):
            yield output(frame)

    return rows


def _distinct(rows: Rows) -> Rows:
    def distinct(frame: Frame) -> Iterator[Value]:
        seen: set[Hashable] = set()
        for value in rows(frame):
            key = identity(value)
            if key not in seen:
                seen.add(key)
                hold(frame, len(seen))
                yield value

    return distinct


def _cut(compiler: Compiler, node: logical.Block, rows: Rows) -> Rows:
    limit, offset = _bounds(compiler, node)
    if limit is None and offset is None:
        return rows

    def cut(frame: Frame) -> Iterator[Value]:
        first = 0 if offset is None else offset(frame)
        last = None if limit is None else first + limit(frame)
        return islice(rows(frame), min(first, _MOST), None if last is None else min(last, _MOST))

    return cut


_MOST: Final = 1 << 62


def _bounds(
    compiler: Compiler, node: logical.Block
) -> tuple[Callable[[Frame], int] | None, Callable[[Frame], int] | None]:
    return (
        None if node.limit is None else _natural("LIMIT", compiler.expression(node.limit)),
        None if node.offset is None else _natural("OFFSET", compiler.expression(node.offset)),
    )


def _natural(name: str, code: Evaluate) -> Callable[[Frame], int]:
    def number(frame: Frame) -> int:
        value = code(frame)
        if type(value) is not int or value < 0:
            shown = integer_shown(value) if type(value) is int else ""
            raise InputError(
                f"{name} is a whole number from 0, not {kind_of(value)} {shown}".rstrip()
            )
        return value

    return number


def _sorted_rows(compiler: Compiler, node: logical.Block) -> Rows:
    """Sort keys and output of every row; with a LIMIT only about as many rows as wanted are held."""
    source, output = compiler.bindings(node.source), compiler.expression(node.output)
    keys = [_sort_code(compiler, key) for key in node.order]
    directions = [(i, key.descending) for i, key in reversed(list(enumerate(node.order)))]
    limit, offset = _bounds(compiler, node)
    first = itemgetter(0)

    def sort(rows: list[Any]) -> None:
        for position, descending in directions:
            rows.sort(key=lambda row: first(row)[position], reverse=descending)

    def rows(frame: Frame) -> Iterator[Value]:
        most = None
        if limit is not None and not node.distinct:
            most = limit(frame) + (0 if offset is None else offset(frame))
        found: list[tuple[Any, Value]] = []
        for _ in source(frame):
            found.append(([key(frame) for key in keys], output(frame)))
            if most is not None and len(found) >= 2 * most + _HEAP_SLACK:
                sort(found)
                del found[most:]
            hold(frame, len(found))
        sort(found)
        for _, value in found:
            yield value

    return rows


def _sort_code(compiler: Compiler, key: logical.SortKey) -> Evaluate:
    code = compiler.expression(key.value)
    nulls = _NULLS_LAST if key.descending == key.nulls_first else _NULLS_FIRST

    def sort_key(frame: Frame) -> tuple[Any, ...]:
        value = code(frame)
        return nulls if value is None or value is MISSING else order_key(value)

    return sort_key


def block_result(compiler: Compiler, node: logical.Block) -> Evaluate:
    """A block as a value."""
    if node.pivot is not None:
        return _pivot(compiler, node)
    rows = compiler.rows(node)
    make: type[list[Value]] = list if node.ordered else Bag

    def collect(frame: Frame) -> Value:
        found = make()
        for value in rows(frame):
            found.append(value)
            hold(frame, len(found))
        return found

    return collect


def _pivot(compiler: Compiler, node: logical.Block) -> Evaluate:
    """PIVOT: one struct; pairs whose name is no text are left out."""
    assert node.pivot is not None
    pair = replace(node, output=_pair_of(node.pivot), pivot=None)
    rows, reject = compiler.rows(pair), compiler.reject

    def collect(frame: Frame) -> Value:
        pairs: list[tuple[str, Value]] = []
        for name, value in rows(frame):
            if type(name) is str:
                pairs.append((name, value))
                hold(frame, len(pairs))
            else:
                reject(f"the name of a field is a text, not {kind_of(name)}")
        return struct_of(pairs)

    return collect


def _pair_of(pivot: tuple[Any, Any]) -> Any:
    return Collection(pivot, bag=False)


def combined_result(compiler: Compiler, node: logical.Combined) -> Evaluate:
    """UNION, INTERSECT and EXCEPT as a bag."""
    left, right = compiler.expression(node.left), compiler.expression(node.right)
    reject, combine, outer = compiler.reject, _COMBINATIONS[node.operator, node.all], node.outer

    def collect(frame: Frame) -> Value:
        first = _collection(left(frame), reject)
        second = _collection(right(frame), reject)
        if not outer:
            second = _aligned(first, second)
        result = Bag(combine(first, second))
        hold(frame, len(result))
        return result

    return collect


def combined_rows(compiler: Compiler, node: logical.Combined) -> Rows:
    """The same, one by one."""
    result = combined_result(compiler, node)
    return lambda frame: iter(result(frame))


def _collection(value: Value, reject: Reject) -> list[Value]:
    if isinstance(value, list):
        return value
    if value is None or value is MISSING:
        return []
    reject(f"a set operator needs collections, not {kind_of(value)}")
    return [value]


def _aligned(left: list[Value], right: list[Value]) -> list[Value]:
    """SQL's set operators match columns by position; the names are those of the left side."""
    if any(not isinstance(value, dict) for value in [*left, *right]):
        raise QueryTypeError("UNION, INTERSECT and EXCEPT work on rows; for other values add OUTER")
    if not left or not right:
        return right
    names = [name for name, _ in fields_of(left[0])]
    aligned = []
    for row in right:
        values = [value for _, value in fields_of(row)]
        if len(values) != len(names):
            raise QueryTypeError(
                f"the sides of a set operator have {len(names)} and {len(values)} columns"
            )
        aligned.append(struct_of(list(zip(names, values, strict=True))))
    return aligned


def _union(left: Iterable[Value], right: Iterable[Value]) -> list[Value]:
    seen: dict[Hashable, Value] = {}
    for value in (*left, *right):
        seen.setdefault(identity(value), value)
    return list(seen.values())


def _intersect(left: Iterable[Value], right: Iterable[Value]) -> list[Value]:
    others = {identity(value) for value in right}
    return [value for value in _union(left, ()) if identity(value) in others]


def _intersect_all(left: Iterable[Value], right: Iterable[Value]) -> list[Value]:
    others = Counter(identity(value) for value in right)
    return [value for value in left if _taken(others, value)]


def _except(left: Iterable[Value], right: Iterable[Value]) -> list[Value]:
    others = {identity(value) for value in right}
    return [value for value in _union(left, ()) if identity(value) not in others]


def _except_all(left: Iterable[Value], right: Iterable[Value]) -> list[Value]:
    others = Counter(identity(value) for value in right)
    return [value for value in left if not _taken(others, value)]


def _taken(counts: Counter[Hashable], value: Value) -> bool:
    key = identity(value)
    counts[key] -= 1
    return counts[key] >= 0


_COMBINATIONS: Final[dict[tuple[str, bool], Callable[[Any, Any], list[Value]]]] = {
    ("UNION", False): _union,
    ("UNION", True): lambda left, right: [*left, *right],
    ("INTERSECT", False): _intersect,
    ("INTERSECT", True): _intersect_all,
    ("EXCEPT", False): _except,
    ("EXCEPT", True): _except_all,
}
