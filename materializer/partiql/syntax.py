"""The syntax tree: what the parser gives and `resolve` reads.

Frozen dataclasses; every node knows the `line` and `column` it began at, which do not take part in
comparison: two nodes are equal if they mean the same text.
"""

from dataclasses import dataclass, field
from typing import Any
from typing import Literal as OneOf


@dataclass(frozen=True, slots=True)
class Node:
    """Where something stands in the statement's text, 1-based."""

    line: int = field(default=0, compare=False, kw_only=True)
    column: int = field(default=0, compare=False, kw_only=True)


Expression = Node
"""Any expression: before names are resolved those of this module, afterwards those of `logical` too."""


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Node):
    """A literal, or a value known before running. `1`, `1.0` and `true` are three constants."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and repr(self.value) == repr(other.value)

    def __hash__(self) -> int:
        return hash(repr(self.value))


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """The `index`-th question mark, from 0."""

    index: int


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable, table or field; `local` for `@name`, which skips the tables."""

    name: str
    local: bool = False


@dataclass(frozen=True, slots=True)
class Field(Node):
    """The step `.name` or `['name']`."""

    name: str


@dataclass(frozen=True, slots=True)
class Element(Node):
    """The step `[expression]`."""

    index: "Expression"


@dataclass(frozen=True, slots=True)
class EveryElement(Node):
    """The step `[*]`."""


@dataclass(frozen=True, slots=True)
class EveryField(Node):
    """The step `.*`."""


Step = Field | Element | EveryElement | EveryField


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`root.step.step`."""

    root: "Expression"
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Collection(Node):
    """`[a, b]`, `(a, b)` or `<<a, b>>`."""

    items: tuple["Expression", ...]
    bag: bool


@dataclass(frozen=True, slots=True)
class Struct(Node):
    """`{'name': value}`."""

    fields: tuple[tuple["Expression", "Expression"], ...]


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """`-x`, `+x`, `NOT x`."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """Two operands: arithmetic, comparison, `||`."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """Conditions joined by AND or by OR, any number of them."""

    operator: OneOf["AND", "OR"]
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Like(Node):
    """`value LIKE pattern ESCAPE escape`."""

    value: "Expression"
    pattern: "Expression"
    escape: "Expression | None"


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`value BETWEEN low AND high`, both ends included."""

    value: "Expression"
    low: "Expression"
    high: "Expression"


@dataclass(frozen=True, slots=True)
class In(Node):
    """`value IN collection`."""

    value: "Expression"
    collection: "Expression"


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """A type as CAST and IS take it: `DECIMAL(5, 2)`."""

    name: str
    arguments: tuple[int, ...] = ()
    end_field: str = ""
    """The end of an interval's range: `INTERVAL DAY TO SECOND`."""


@dataclass(frozen=True, slots=True)
class Is(Node):
    """`value IS type`."""

    value: "Expression"
    type: TypeName


@dataclass(frozen=True, slots=True)
class Case(Node):
    """`CASE WHEN condition THEN result ... ELSE otherwise END`; `operand` for `CASE operand WHEN`."""

    operand: "Expression | None"
    branches: tuple[tuple["Expression", "Expression"], ...]
    otherwise: "Expression | None"


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """`CAST(value AS type)`."""

    value: "Expression"
    type: TypeName


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function, its name in upper case. `star` for COUNT(*)."""

    name: str
    arguments: tuple["Expression", ...]
    distinct: bool = False
    quantified: bool = False
    star: bool = False


@dataclass(frozen=True, slots=True)
class Source(Node):
    """One item of FROM: `value AS name AT ordinal BY document_id`."""

    value: "Expression"
    name: str | None
    ordinal: str | None = None
    document_id: str | None = None
    unpivot: bool = False


@dataclass(frozen=True, slots=True)
class Join(Node):
    """`left JOIN right ON condition`; the right side may use the left side's variables."""

    kind: OneOf["inner", "left", "right", "full"]
    left: "From"
    right: "From"
    condition: "Expression | None"


From = Source | Join


@dataclass(frozen=True, slots=True)
class Item(Node):
    """An item of a SELECT list. `star` for `value.*`."""

    value: "Expression"
    alias: str | None
    star: bool = False


@dataclass(frozen=True, slots=True)
class OrderKey(Node):
    """`value DESC NULLS FIRST`."""

    value: "Expression"
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class GroupKey(Node):
    """`value AS alias` in GROUP BY."""

    value: "Expression"
    alias: str | None


@dataclass(frozen=True, slots=True)
class Select(Node):
    """A query block. Exactly one of `items` (empty with `star`), `value` and `pivot` is what it gives."""

    distinct: bool
    star: bool
    items: tuple[Item, ...]
    value: "Expression | None"
    pivot: tuple["Expression", "Expression"] | None
    source: From | None
    let: tuple[tuple["Expression", str], ...] = ()
    where: "Expression | None" = None
    group: tuple[GroupKey, ...] = ()
    group_name: str | None = None
    having: "Expression | None" = None
    order: tuple[OrderKey, ...] = ()
    limit: "Expression | None" = None
    offset: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class SetOperation(Node):
    """`left UNION ALL right`; `outer` takes any values, not only rows."""

    operator: OneOf["UNION", "INTERSECT", "EXCEPT"]
    outer: bool
    all: bool
    left: "Expression"
    right: "Expression"
    order: tuple[OrderKey, ...] = ()
    limit: "Expression | None" = None
    offset: "Expression | None" = None


Query = Select | SetOperation


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`path = value`; an empty path is the whole document."""

    target: Path | Name
    value: Expression


@dataclass(frozen=True, slots=True)
class SetFields(Node):
    """`SET a = 1, b = 2`: all values are computed before the first is stored."""

    assignments: tuple[Assign, ...]


@dataclass(frozen=True, slots=True)
class RemoveField(Node):
    """`REMOVE path`."""

    target: Path | Name


@dataclass(frozen=True, slots=True)
class InsertElement(Node):
    """`INSERT INTO path VALUE value AT position`."""

    target: Path | Name
    value: Expression
    position: Expression | None


Change = SetFields | RemoveField | InsertElement


@dataclass(frozen=True, slots=True)
class QueryStatement(Node):
    """A query, or any expression."""

    query: Expression


@dataclass(frozen=True, slots=True)
class InsertStatement(Node):
    """`INSERT INTO table VALUE value`; `single` for the one-document form."""

    table: str
    value: Expression
    single: bool


@dataclass(frozen=True, slots=True)
class UpdateStatement(Node):
    """`UPDATE source changes WHERE condition`, and QLDB's `FROM source WHERE condition changes`."""

    source: From
    changes: tuple[Change, ...]
    where: Expression | None


@dataclass(frozen=True, slots=True)
class DeleteStatement(Node):
    """`DELETE FROM source WHERE condition`."""

    source: From
    where: Expression | None


@dataclass(frozen=True, slots=True)
class CreateTableStatement(Node):
    """`CREATE TABLE name`."""

    table: str
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class DropTableStatement(Node):
    """`DROP TABLE name`."""

    table: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class CreateIndexStatement(Node):
    """`CREATE UNIQUE INDEX name ON table (paths)`."""

    table: str
    index: str | None
    paths: tuple[tuple[str, ...], ...]
    unique: bool
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class DropIndexStatement(Node):
    """`DROP INDEX index ON table`; `index` is a name or an id."""

    table: str
    index: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class ExplainStatement(Node):
    """`EXPLAIN statement`."""

    statement: "Statement"


Statement = (
    QueryStatement | InsertStatement | UpdateStatement | DeleteStatement | CreateTableStatement
    | DropTableStatement | CreateIndexStatement | DropIndexStatement | ExplainStatement
)  # fmt: skip
