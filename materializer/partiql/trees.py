"""Walking and rebuilding trees of `syntax` and `logical` nodes, whatever their classes."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any, Final, TypeVar

from materializer.partiql.syntax import Constant, Node
from materializer.partiql.view import Index, Table

N = TypeVar("N", bound=Node)

_PLAIN: Final = (int, str, bool, Table, Index, str | None, int | None, tuple[int, ...])
"""Types of fields that hold no nodes."""


@cache
def _child_fields(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a node's class that may hold nodes."""
    if issubclass(kind, Constant):
        return ()
    return tuple(field.name for field in fields(kind) if field.type not in _PLAIN)


def _fields_of(node: Node) -> tuple[str, ...]:
    kind: Any = type(node)
    return _child_fields(kind)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below a node."""
    for name in _fields_of(node):
        yield from _nodes(getattr(node, name))


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, from the top."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(children(current))


def rebuild(node: N, function: Callable[[Any], Any]) -> N:
    """The node with `function` applied to the nodes directly below it; the same node if none changed.

    Costs one Python frame, so that rules which call themselves through it reach the deepest trees.
    """
    changed: dict[str, Any] = {}
    for name in _fields_of(node):
        before = getattr(node, name)
        if isinstance(before, Node):
            after = function(before)
        elif type(before) is tuple and before:
            after = _rebuilt_tuple(before, function)
        else:
            continue
        if after is not before:
            changed[name] = after
    return replace(node, **changed) if changed else node


def _rebuilt_tuple(items: tuple[Any, ...], function: Callable[[Any], Any]) -> tuple[Any, ...]:
    rebuilt = []
    for item in items:
        if isinstance(item, Node):
            rebuilt.append(function(item))
        else:
            rebuilt.append(_rebuilt_tuple(item, function) if type(item) is tuple else item)
    same = all(after is before for after, before in zip(rebuilt, items, strict=True))
    return items if same else tuple(rebuilt)
