"""The logical plan: what `resolve` gives, `plan` rewrites and `compile` turns into closures.

Two kinds of node. *Expressions* are those of `syntax` with names replaced by the ones here. *Operators*
produce bindings: each binding is a state of the frame, a list with one slot per variable of the
statement. A `Block` turns bindings into values.

```
Block(output, distinct, order, limit)           SELECT ... ORDER BY ... LIMIT
  Filter                                          HAVING
    Grouped(keys, aggregates)                     GROUP BY
      Filter                                      WHERE
        Joined(kind, left, right)                 FROM
          Scan | HistoryScan | UserTables | Iterate | Unit
```

`plan` replaces operators by better ones: `DocumentLookup`, `IndexSearch`, `OrderedSearch`,
`HashJoined`, `TableCount`.
"""

from dataclasses import dataclass
from typing import Literal as OneOf

from materializer.partiql.syntax import Expression, Node
from materializer.partiql.view import Index, Table

PARAMETERS, CONTEXT, OUTER, FIRST_SLOT = range(4)
"""The first slots of each frame: parameters, context, and whether a bare name was found in an outer
query (see `Attribute`); variables begin at the fourth."""


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """A variable: the slot of the frame that holds it."""

    slot: int
    name: str


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """A bare name that may be a field of several variables: the first struct that has it, wins.

    Attributes:
        name: The field.
        variables: Where to look, innermost query first.
        own: How many of them are of the innermost query; looking further sets slot `OUTER`.
        fallback: What it is else; None for MISSING.
    """

    name: str
    variables: tuple[Variable, ...]
    own: int
    fallback: Expression | None


@dataclass(frozen=True, slots=True)
class TableValue(Node):
    """A table where an expression stands: the bag of its documents."""

    table: Table


@dataclass(frozen=True, slots=True)
class Spread(Node):
    """In `Row`: all fields of a struct, or the value itself under `_position`."""

    value: "Expression | Variable"
    position: int


@dataclass(frozen=True, slots=True)
class Row(Node):
    """A struct from a SELECT list: pairs of name and value, and spreads (with name "")."""

    items: tuple[tuple[str, "Expression | Spread"], ...]


@dataclass(frozen=True, slots=True)
class Nested(Node):
    """A query as a value.

    Attributes:
        form: "collection"; "scalar": its one row's one field; "column": that of each row.
        slot: Where its value is kept while the statement runs, if it is shared.
        shared: Whether it is computed once: it uses no variable of the queries around it.
        tracked: With `shared`: only bare names in it might, so its value is kept if none did.
    """

    query: "Block | Combined"
    form: OneOf["collection", "scalar", "column"]
    slot: int
    shared: bool = False
    tracked: bool = False


@dataclass(frozen=True, slots=True)
class Unit(Node):
    """One binding of nothing: SELECT without FROM."""


@dataclass(frozen=True, slots=True)
class Scan(Node):
    """All documents of a table.

    Attributes:
        committed: Bind the committed view's struct, not the document's fields.
        variable: Slot of the row.
        document_id: Slot of BY, or None.
        document: Slot of the view's document itself, for data manipulation, or None.
    """

    table: Table
    committed: bool
    variable: int
    document_id: int | None = None
    document: int | None = None


@dataclass(frozen=True, slots=True)
class DocumentLookup(Node):
    """The documents of a scan with one id, or with the ids of a collection."""

    scan: Scan
    id: Expression
    many: bool


@dataclass(frozen=True, slots=True)
class Bound(Node):
    """An end of a range."""

    value: Expression
    inclusive: bool


@dataclass(frozen=True, slots=True)
class IndexSearch(Node):
    """The documents of a scan whose index keys are in a range.

    Attributes:
        equal: Values of the first key parts.
        member: The next key part is in this collection, or None.
        low, high: Bounds on the next key part, or None.
        like, escape: The next key part is LIKE this pattern; only its first characters count here.
    """

    scan: Scan
    index: Index
    equal: tuple[Expression, ...]
    member: Expression | None = None
    low: Bound | None = None
    high: Bound | None = None
    like: Expression | None = None
    escape: Expression | None = None


@dataclass(frozen=True, slots=True)
class OrderedSearch(Node):
    """An index search, in the order of the key part after its equalities, as ORDER BY has it."""

    search: IndexSearch
    key: "SortKey"


@dataclass(frozen=True, slots=True)
class HistoryScan(Node):
    """Revisions of a table, of one document if `id` is given."""

    table: Table
    start: Expression | None
    end: Expression | None
    variable: int
    id: Expression | None = None


@dataclass(frozen=True, slots=True)
class UserTables(Node):
    """Rows of information_schema.user_tables."""

    variable: int


@dataclass(frozen=True, slots=True)
class Iterate(Node):
    """The elements of a value, or with `unpivot` the fields of a struct."""

    value: Expression
    variable: int
    ordinal: int | None = None
    document_id: int | None = None
    unpivot: bool = False


@dataclass(frozen=True, slots=True)
class Joined(Node):
    """For each binding of `left` those of `right`, which may use it.

    Attributes:
        right_slots, left_slots: Slots that become null where an outer join finds no partner.
    """

    kind: OneOf["inner", "left", "right", "full"]
    left: "Operator"
    right: "Operator"
    condition: Expression | None
    left_slots: tuple[int, ...]
    right_slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HashJoined(Node):
    """A join on equal keys: `right` is read once, into a table by key."""

    kind: OneOf["inner", "left"]
    left: "Operator"
    right: "Operator"
    left_keys: tuple[Expression, ...]
    right_keys: tuple[Expression, ...]
    condition: Expression | None
    right_slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """The bindings for which the condition is true."""

    source: "Operator"
    condition: Expression


@dataclass(frozen=True, slots=True)
class Let(Node):
    """Adds variables: pairs of slot and value."""

    source: "Operator"
    bindings: tuple[tuple[int, Expression], ...]


@dataclass(frozen=True, slots=True)
class Aggregation(Node):
    """One aggregate of a group; `value` is None for COUNT(*)."""

    slot: int
    name: str
    value: Expression | None
    distinct: bool


@dataclass(frozen=True, slots=True)
class Grouped(Node):
    """One binding per group.

    Attributes:
        keys: Slot and value of each key; none for one group of everything.
        group: Slot of GROUP AS, or None; its elements are structs of `members`.
    """

    source: "Operator"
    keys: tuple[tuple[int, Expression], ...]
    aggregations: tuple[Aggregation, ...]
    group: int | None
    members: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class TableCount(Node):
    """One binding: how many documents a table has, counted without reading them."""

    table: Table
    slots: tuple[int, ...]


Operator = (
    Unit | Scan | DocumentLookup | IndexSearch | OrderedSearch | HistoryScan | UserTables | Iterate
    | Joined | HashJoined | Filter | Let | Grouped | TableCount
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SortKey(Node):
    """One key of ORDER BY."""

    value: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Block(Node):
    """A query block: values from bindings.

    Attributes:
        output: The value for each binding.
        ordered: Whether the result is a list; else it is a bag.
        pivot: Name and value of each field when the result is one struct; `output` is then unused.
    """

    source: Operator
    output: Expression
    distinct: bool = False
    order: tuple[SortKey, ...] = ()
    ordered: bool = False
    limit: Expression | None = None
    offset: Expression | None = None
    pivot: tuple[Expression, Expression] | None = None


@dataclass(frozen=True, slots=True)
class Combined(Node):
    """UNION, INTERSECT or EXCEPT of two collections."""

    operator: OneOf["UNION", "INTERSECT", "EXCEPT"]
    outer: bool
    all: bool
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """Store `value` at `steps` of the document; no steps: the whole document."""

    steps: tuple["str | Expression", ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Assignments(Node):
    """SET: all values are computed before the first is stored."""

    items: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Removal(Node):
    """REMOVE."""

    steps: tuple["str | Expression", ...]


@dataclass(frozen=True, slots=True)
class Insertion(Node):
    """INSERT INTO path VALUE value AT position."""

    steps: tuple["str | Expression", ...]
    value: Expression
    position: Expression | None


Edit = Assignments | Removal | Insertion


@dataclass(frozen=True, slots=True)
class QueryPlan(Node):
    """A query, or an expression."""

    query: "Block | Combined | Expression"


@dataclass(frozen=True, slots=True)
class InsertPlan(Node):
    """INSERT; `single` when exactly one document is meant."""

    table: Table
    value: Expression
    single: bool


@dataclass(frozen=True, slots=True)
class UpdatePlan(Node):
    """UPDATE of the documents in slot `document`, whose data are in slot `variable`."""

    table: Table
    source: Operator
    document: int
    variable: int
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class DeletePlan(Node):
    """DELETE of the documents in slot `document`."""

    table: Table
    source: Operator
    document: int


@dataclass(frozen=True, slots=True)
class CreateTablePlan(Node):
    """CREATE TABLE; None when the table is there and that is well."""

    name: str | None


@dataclass(frozen=True, slots=True)
class DropTablePlan(Node):
    """DROP TABLE; None when there is none and that is well."""

    table: Table | None


@dataclass(frozen=True, slots=True)
class CreateIndexPlan(Node):
    """CREATE INDEX; `name` None when the index is there and that is well."""

    table: Table
    name: str | None
    paths: tuple[tuple[str, ...], ...]
    unique: bool


@dataclass(frozen=True, slots=True)
class DropIndexPlan(Node):
    """DROP INDEX; None when there is none and that is well."""

    table: Table
    index: Index | None


@dataclass(frozen=True, slots=True)
class ExplainPlan(Node):
    """EXPLAIN."""

    plan: "Plan"


Plan = (
    QueryPlan | InsertPlan | UpdatePlan | DeletePlan | CreateTablePlan | DropTablePlan | CreateIndexPlan
    | DropIndexPlan | ExplainPlan
)  # fmt: skip
