"""SET, REMOVE and INSERT INTO: a document to its next state.

The document that the view handed out is never changed: what lies on the path from the document to the
change is copied, all else is shared by both states.
"""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, assert_never

from journal.errors import InputError, QueryTypeError
from journal.values import MISSING, Bag, Value
from materializer.partiql import logical
from materializer.partiql.compile.frames import Compiler, Frame
from materializer.partiql.compile.storable import storable
from materializer.partiql.operators.kinds import integer_shown, kind_of

Step = str | int
Edit = Callable[[Frame, Value], Value]
"""Given the frame and a document, its next state."""

_Change = Callable[[Value, Step], Value]


def edit(compiler: Compiler, node: logical.Edit) -> Edit:
    """Code for one SET, REMOVE or INSERT INTO."""
    match node:
        case logical.Assignments():
            return _assignments(compiler, node)
        case logical.Removal():
            return _removal(compiler, node)
        case logical.Insertion():
            return _insertion(compiler, node)
        case _:
            assert_never(node)


def _assignments(compiler: Compiler, node: logical.Assignments) -> Edit:
    items = [(_steps(compiler, item.steps), storable(compiler, item.value)) for item in node.items]
    if all(len(item.steps) == 1 and type(item.steps[0]) is str for item in node.items):
        return _field_assignments(
            [(str(i.steps[0]), c) for i, (_, c) in zip(node.items, items, strict=True)]
        )

    def assign(frame: Frame, document: Value) -> Value:
        planned = [(steps(frame), value(frame)) for steps, value in items]
        for steps, value in planned:
            document = assigned(document, steps, value)
        return document

    return assign


def _field_assignments(items: list[tuple[str, Any]]) -> Edit:
    """The common case: fields of the document itself."""

    def assign(frame: Frame, document: Value) -> Value:
        changes = [(name, value(frame)) for name, value in items]
        changed = document.copy()
        for name, value in changes:
            if value is MISSING:
                changed.pop(name, None)
            else:
                changed[name] = value
        return changed

    return assign


def _removal(compiler: Compiler, node: logical.Removal) -> Edit:
    steps = _steps(compiler, node.steps)
    return lambda frame, document: removed(document, steps(frame))


def _insertion(compiler: Compiler, node: logical.Insertion) -> Edit:
    steps, value = _steps(compiler, node.steps), storable(compiler, node.value)
    position = None if node.position is None else compiler.expression(node.position)

    def insert(frame: Frame, document: Value) -> Value:
        place = None if position is None else position(frame)
        return inserted(document, steps(frame), value(frame), place)

    return insert


def _steps(compiler: Compiler, steps: tuple[Any, ...]) -> Callable[[Frame], tuple[Step, ...]]:
    if all(type(step) is str for step in steps):
        return lambda _frame: steps
    codes: list[Any] = [step if type(step) is str else compiler.expression(step) for step in steps]

    def evaluate(frame: Frame) -> tuple[Step, ...]:
        return tuple(code if type(code) is str else _step_value(code(frame)) for code in codes)

    return evaluate


def _step_value(value: Value) -> Step:
    if type(value) is str or type(value) is int:
        return value
    raise QueryTypeError(f"a step of a path is a name or a position, not {kind_of(value)}")


def assigned(document: Value, steps: tuple[Step, ...], value: Value) -> Value:
    """The document with a value at a path; a missing value takes the field away.

    Structs on the way that are missing are made.

    >>> assigned({"a": {"b": 1}}, ("a", "c"), 2)
    {'a': {'b': 1, 'c': 2}}
    """
    if value is MISSING:
        return removed(document, steps) if steps else document
    if not steps:
        return value

    def change(parent: Value, step: Step) -> Value:
        if type(parent) is dict and type(step) is str:
            return {**parent, step: value}
        changed = _checked_list(parent, step)
        changed[step] = value  # type: ignore[index]
        return changed

    return _changed(document, steps, change, make=True)


def removed(document: Value, steps: tuple[Step, ...]) -> Value:
    """The document without what is at a path; the same document if nothing is there.

    >>> removed({"a": [1, 2]}, ("a", 0))
    {'a': [2]}
    """

    def change(parent: Value, step: Step) -> Value:
        if type(parent) is dict and type(step) is str:
            return {name: item for name, item in parent.items() if name != step}
        changed = _checked_list(parent, step)
        del changed[step]  # type: ignore[arg-type]
        return changed

    return _changed(document, steps, change, make=False) if _is_there(document, steps) else document


def inserted(document: Value, steps: tuple[Step, ...], value: Value, position: Value) -> Value:
    """The document with a value added to the list, bag or struct at a path.

    Args:
        document: The document.
        steps: The path; where nothing is, a list is made.
        value: What is added.
        position: In a list the index it comes to (None: the end), in a struct its name.
    """
    if value is MISSING:
        raise QueryTypeError("INSERT INTO needs a value, this is missing")
    target = _at(document, steps)
    if type(target) is dict:
        if type(position) is not str:
            raise QueryTypeError("INSERT INTO a struct needs AT and the name of the new field")
        if position in target:
            raise InputError(f"the struct has a field {position!r} already; SET changes it")
        return assigned(document, (*steps, position), value)
    if target is not MISSING and not isinstance(target, list):
        raise QueryTypeError(f"INSERT INTO needs a list, bag or struct, not {kind_of(target)}")
    changed: list[Value] = Bag() if type(target) is Bag else []
    if isinstance(target, list):
        changed.extend(target)
    place = len(changed) if position is None else position
    if type(place) is not int or not 0 <= place <= len(changed):
        shown = integer_shown(place) if type(place) is int else kind_of(place)
        raise InputError(f"the list has {len(changed)} elements, there is no position {shown}")
    changed.insert(place, value)
    return assigned(document, steps, changed)


def _changed(document: Value, steps: tuple[Step, ...], change: _Change, *, make: bool) -> Value:
    step, *rest = steps
    if not rest:
        return change(document, step)
    child = _child(document, step)
    if child is MISSING and make and type(rest[0]) is str:
        child = {}
    changed = _changed(child, tuple(rest), change, make=make)
    if type(document) is dict and type(step) is str:
        return {**document, step: changed}
    copied = _checked_list(document, step)
    copied[step] = changed  # type: ignore[index]
    return copied


def _checked_list(parent: Value, step: Step) -> list[Value]:
    """A copy of a list that has an element at `step`."""
    if type(parent) is not list or type(step) is not int:
        place = f"field {step!r}" if isinstance(step, str) else f"element {integer_shown(step)}"
        raise QueryTypeError(f"{kind_of(parent)} has no {place} to change")
    if not 0 <= step < len(parent):
        shown = integer_shown(step)
        raise InputError(f"the list has {len(parent)} elements, there is no position {shown}")
    return parent.copy()


def _child(parent: Value, step: Step) -> Value:
    if type(parent) is dict and type(step) is str:
        return parent.get(step, MISSING)
    if type(parent) is list and type(step) is int and 0 <= step < len(parent):
        return parent[step]
    return MISSING


def _at(document: Value, steps: tuple[Step, ...]) -> Value:
    for step in steps:
        document = _child(document, step)
    return document


def _is_there(document: Value, steps: tuple[Step, ...]) -> bool:
    return _at(document, steps) is not MISSING


def exactly_same(left: Value, right: Value) -> bool:
    """Equal values of equal types all the way down: storing one for the other would change nothing."""
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is dict:
        return left.keys() == right.keys() and all(
            exactly_same(value, right[name]) for name, value in left.items()
        )
    if kind is list or kind is Bag:
        return len(left) == len(right) and all(map(exactly_same, left, right))
    if kind in _BY_TEXT:
        return repr(left) == repr(right)
    return bool(left == right)


_BY_TEXT: Final = frozenset({float, Decimal, datetime.datetime})
"""Types whose equal values may be written differently: -0.0, 1.50, another offset."""
