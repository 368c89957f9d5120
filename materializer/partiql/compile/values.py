"""Constants, parameters, variables, paths and constructors."""

from collections.abc import Callable
from typing import Any, Final

from journal.values import MISSING, Bag, Value
from materializer.partiql import logical, syntax
from materializer.partiql.compile.frames import Compiler, Evaluate, Frame, hold
from materializer.partiql.limits import CHECK_INTERVAL
from materializer.partiql.logical import CONTEXT, OUTER, PARAMETERS
from materializer.partiql.operators.kinds import integer_shown, kind_of
from materializer.partiql.operators.reject import Reject
from materializer.partiql.operators.structs import RepeatedStruct, fields_of, struct_of


def constant(_compiler: Compiler, node: syntax.Constant) -> Evaluate:
    """A value known before running."""
    value = node.value
    return lambda _frame: value


def parameter(_compiler: Compiler, node: syntax.Parameter) -> Evaluate:
    """A parameter; how many there are was checked before."""
    index = node.index
    return lambda frame: frame[PARAMETERS][index]


def variable(_compiler: Compiler, node: logical.Variable) -> Evaluate:
    """A variable."""
    slot = node.slot
    return lambda frame: frame[slot]


def attribute(compiler: Compiler, node: logical.Attribute) -> Evaluate:
    """A field of the first variable that has it."""
    slots, name = [each.slot for each in node.variables[: node.own]], node.name
    outer = [each.slot for each in node.variables[node.own :]]
    fallback = None if node.fallback is None else compiler.expression(node.fallback)
    reject = compiler.reject

    def find(frame: Frame) -> Value:
        for slot in slots:
            struct = frame[slot]
            if isinstance(struct, dict):
                value = struct.get(name, MISSING)
                if value is not MISSING:
                    return value
        if outer:
            frame[OUTER] = True
            for slot in outer:
                struct = frame[slot]
                if isinstance(struct, dict) and name in struct:
                    return struct[name]
        return reject(f"nothing has a field {name!r}") if fallback is None else fallback(frame)

    return find


def table_value(_compiler: Compiler, node: logical.TableValue) -> Evaluate:
    """The bag of a table's documents, read when it is needed."""
    table = node.table

    def read(frame: Frame) -> Value:
        context, bag = frame[CONTEXT], Bag()
        for document in context.view.scan(table):
            bag.append(document.data)
            if len(bag) % CHECK_INTERVAL == 0:
                context.check()
                hold(frame, len(bag))
        return bag

    return read


def path(compiler: Compiler, node: syntax.Path) -> Evaluate:
    """Steps into a value; with `[*]` or `.*` among them the result is a bag."""
    if any(isinstance(step, syntax.EveryElement | syntax.EveryField) for step in node.steps):
        return _wild_path(compiler, node)
    names = [step.name for step in node.steps if isinstance(step, syntax.Field)]
    if len(names) == len(node.steps) and isinstance(node.root, logical.Variable):
        if len(names) == 1:
            return _one_field(node.root.slot, names[0], compiler.reject)
        return _fields(node.root.slot, names, compiler.reject)
    root = compiler.expression(node.root)
    steps = [_step(compiler, step) for step in node.steps]
    if len(steps) == 1:
        step = steps[0]
        return lambda frame: step(root(frame), frame)

    def walk(frame: Frame) -> Value:
        value = root(frame)
        for step in steps:
            value = step(value, frame)
        return value

    return walk


def _one_field(slot: int, name: str, reject: Reject) -> Evaluate:
    def field(frame: Frame) -> Value:
        struct = frame[slot]
        if type(struct) is dict and name in struct:
            return struct[name]
        if struct is None:  # the row that an outer join did not find
            return None
        return field_of(struct, name, reject)

    return field


def _fields(slot: int, names: list[str], reject: Reject) -> Evaluate:
    def walk(frame: Frame) -> Value:
        value = frame[slot]
        if value is None:
            return None
        for name in names:
            if type(value) is dict and name in value:
                value = value[name]
            else:
                value = field_of(value, name, reject)
        return value

    return walk


def field_of(value: Value, name: str, reject: Reject) -> Value:
    """A field of a value; of null and missing it is missing, in strict mode too."""
    if isinstance(value, dict):
        if type(value) is RepeatedStruct and sum(each == name for each, _ in value.pairs) > 1:
            reject(f"the struct has {name!r} more than once")
        return value[name] if name in value else reject(f"the struct has no field {name!r}")
    if value is None or value is MISSING:
        return MISSING
    return reject(f"{kind_of(value)} has no field {name!r}")


def element_of(value: Value, index: Value, reject: Reject) -> Value:
    """An element of a list by position, or a field of a struct by name."""
    if type(value) is list and type(index) is int:
        if 0 <= index < len(value):
            return value[index]
        return reject(f"the list has no element {integer_shown(index)}")
    if isinstance(value, dict) and type(index) is str:
        return field_of(value, index, reject)
    if value is None or value is MISSING or index is None or index is MISSING:
        return MISSING
    return reject(f"{kind_of(value)} has no element at {kind_of(index)}")


_Step = Callable[[Value, Frame], Value]


def _step(compiler: Compiler, step: syntax.Step) -> _Step:
    reject = compiler.reject
    if isinstance(step, syntax.Field):
        name = step.name
        return lambda value, _frame: field_of(value, name, reject)
    assert isinstance(step, syntax.Element)
    index = compiler.expression(step.index)
    return lambda value, frame: element_of(value, index(frame), reject)


def _wild_path(compiler: Compiler, node: syntax.Path) -> Evaluate:
    root, reject = compiler.expression(node.root), compiler.reject
    steps: list[tuple[bool, Any]] = []
    for step in node.steps:
        if isinstance(step, syntax.EveryElement):
            steps.append((True, _elements))
        elif isinstance(step, syntax.EveryField):
            steps.append((True, _field_values))
        else:
            steps.append((False, _step(compiler, step)))

    def walk(frame: Frame) -> Value:
        values = [root(frame)]
        for wild, step in steps:
            if wild:
                values = [item for value in values for item in step(value, reject)]
            else:
                values = [step(value, frame) for value in values]
            hold(frame, len(values))
        return Bag(values)

    return walk


def _elements(value: Value, reject: Reject) -> list[Value]:
    if isinstance(value, list):
        return value
    if value is MISSING:
        return []
    reject(f"{kind_of(value)} has no elements")
    return [value]


def _field_values(value: Value, reject: Reject) -> list[Value]:
    if isinstance(value, dict):
        return [item for _, item in fields_of(value)]
    if value is MISSING:
        return []
    reject(f"{kind_of(value)} has no fields")
    return [value]


def collection(compiler: Compiler, node: syntax.Collection) -> Evaluate:
    """A list or a bag; missing elements stay."""
    items = [compiler.expression(item) for item in node.items]
    make: type[list[Value]] = Bag if node.bag else list
    return lambda frame: make([item(frame) for item in items])


def struct(compiler: Compiler, node: syntax.Struct) -> Evaluate:
    """A struct; a missing value, or a name that is no text, leaves its field out."""
    reject = compiler.reject
    fields = [
        (compiler.expression(name), compiler.expression(value)) for name, value in node.fields
    ]

    def build(frame: Frame) -> Value:
        pairs = []
        for name, value in fields:
            text = name(frame)
            if type(text) is str:
                pairs.append((text, value(frame)))
            else:
                reject(f"a field's name is a text, not {kind_of(text)}")
        return struct_of(pairs)

    return build


def row(compiler: Compiler, node: logical.Row) -> Evaluate:
    """The struct of a SELECT list."""
    items = [(name, compiler.expression(value)) for name, value in node.items]
    names = [name for name, _ in items]
    if len(node.items) == 1 and isinstance(node.items[0][1], logical.Spread):
        return _spread_row(compiler, node.items[0][1])
    if "" not in names and len(set(names)) == len(names):
        return _plain_row(items)
    spreads = [
        (name, value.position if isinstance(value, logical.Spread) else 0, code)
        for (name, value), (_, code) in zip(node.items, items, strict=True)
    ]

    def build(frame: Frame) -> Value:
        pairs: list[tuple[str, Value]] = []
        for name, position, code in spreads:
            value = code(frame)
            if position and isinstance(value, dict):
                pairs.extend(fields_of(value))
            else:
                pairs.append((f"_{position}" if position else name, value))
        return struct_of(pairs)

    return build


def _plain_row(items: list[tuple[str, Evaluate]]) -> Evaluate:
    if len(items) == 1:
        ((only, code),) = items

        def single(frame: Frame) -> Value:
            value = code(frame)
            return {} if value is MISSING else {only: value}

        return single

    def build(frame: Frame) -> Value:
        struct = {}
        for name, code in items:
            value = code(frame)
            if value is not MISSING:
                struct[name] = value
        return struct

    return build


def _spread_row(compiler: Compiler, node: logical.Spread) -> Evaluate:
    """`SELECT *` of one source: a shallow copy, since a document is the store's."""
    code, name = compiler.expression(node.value), f"_{node.position}"

    def copy(frame: Frame) -> Value:
        value = code(frame)
        if type(value) is dict:
            return value.copy()
        if type(value) is RepeatedStruct:
            return value
        return {} if value is MISSING else {name: value}

    return copy


def spread(compiler: Compiler, node: logical.Spread) -> Evaluate:
    """The value whose fields are spread; `row` does the spreading."""
    return compiler.expression(node.value)


EXPRESSIONS: Final[dict[type, Any]] = {
    syntax.Constant: constant,
    syntax.Parameter: parameter,
    logical.Variable: variable,
    logical.Attribute: attribute,
    logical.TableValue: table_value,
    syntax.Path: path,
    syntax.Collection: collection,
    syntax.Struct: struct,
    logical.Row: row,
    logical.Spread: spread,
}
