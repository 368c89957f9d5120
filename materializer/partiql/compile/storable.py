"""Values on their way into a document: structs that have a field twice are refused.

A query may make such structs; a document cannot hold them, and dropping one of two fields silently is
not for a ledger. Only expressions that can make a struct are looked at, so parameters cost nothing.
"""

from journal.errors import QueryTypeError
from journal.values import Value
from materializer.partiql import logical, syntax
from materializer.partiql.compile.frames import Compiler, Evaluate, Frame
from materializer.partiql.operators.structs import RepeatedStruct
from materializer.partiql.trees import walk


def storable(compiler: Compiler, node: syntax.Expression) -> Evaluate:
    """Code for an expression whose value goes into a document."""
    code = compiler.expression(node)
    if not any(map(_makes_structs, walk(node))):
        return code

    def checked(frame: Frame) -> Value:
        value = code(frame)
        check_fields(value)
        return value

    return checked


def check_fields(value: Value) -> None:
    """Refuse a value in which a struct has a field twice.

    Raises:
        QueryTypeError: It has.
    """
    if type(value) is RepeatedStruct:
        raise QueryTypeError("a document has each field once, this has one of them twice")
    if isinstance(value, dict):
        for item in value.values():
            check_fields(item)
    elif isinstance(value, list):
        for item in value:
            check_fields(item)


def _makes_structs(node: syntax.Node) -> bool:
    if isinstance(node, syntax.Constant):
        return isinstance(node.value, dict | list)
    return isinstance(node, syntax.Struct | syntax.Call | logical.Nested)
