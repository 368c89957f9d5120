"""Walking and rebuilding trees of `syntax` and `logical` nodes, whatever their classes."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from materializer.partiql.syntax import Constant, Node

N = TypeVar("N", bound=Node)


@cache
def _child_fields(kind: type[Node]) -> tuple[str, ...]:
    if issubclass(kind, Constant):
        return ()
    return tuple(field.name for field in fields(kind) if field.name not in ("line", "column"))


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
    """The node with `function` applied to the nodes directly below it; the same node if none changed."""
    changed = {}
    for name in _fields_of(node):
        before = getattr(node, name)
        after = _mapped(before, function)
        if after is not before:
            changed[name] = after
    return _replaced(node, changed) if changed else node


def _replaced(node: N, changed: dict[str, Any]) -> N:
    values = {field.name: getattr(node, field.name) for field in fields(node)}
    return type(node)(**{**values, **changed})


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, Node):
        return function(value)
    if isinstance(value, tuple):
        mapped = tuple(_mapped(item, function) for item in value)
        return mapped if any(a is not b for a, b in zip(mapped, value, strict=True)) else value
    return value
