"""Operators that read: scans, look-ups, index searches, history, values to iterate."""

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, Final

from journal.errors import QueryTypeError
from journal.values import MISSING, Bag, Value, instant_of
from materializer.partiql import logical
from materializer.partiql.compile import keys
from materializer.partiql.compile.frames import Bindings, Compiler, Evaluate, Frame, hold
from materializer.partiql.limits import CHECK_INTERVAL
from materializer.partiql.logical import CONTEXT
from materializer.partiql.operators import text
from materializer.partiql.operators.kinds import (
    TIME,
    TIMESTAMP,
    identity,
    kind_of,
    order_key,
    rank_of,
)
from materializer.partiql.operators.structs import fields_of
from materializer.partiql.view import Document, KeyRange


def unit(_compiler: Compiler, _node: logical.Unit) -> Bindings:
    """One binding."""

    def once(_frame: Frame) -> Iterator[None]:
        yield None

    return once


def scan(_compiler: Compiler, node: logical.Scan) -> Bindings:
    """Every document of a table."""
    table, bind = node.table, _binder(node)
    return lambda frame: bind(frame, frame[CONTEXT].view.scan(table))


def document_lookup(compiler: Compiler, node: logical.DocumentLookup) -> Bindings:
    """The document of an id, or those of several."""
    table, bind, wanted = node.scan.table, _binder(node.scan), compiler.expression(node.id)

    def one(frame: Frame) -> Iterator[None]:
        document_id = wanted(frame)
        found = _got(frame, table, [document_id])
        return bind(frame, found)

    def many(frame: Frame) -> Iterator[None]:
        ids = wanted(frame)
        ids = sorted({each for each in ids if type(each) is str}) if isinstance(ids, list) else []
        return bind(frame, _got(frame, table, ids))

    return many if node.many else one


def _got(frame: Frame, table: Any, ids: Iterable[Value]) -> Iterator[Document]:
    view = frame[CONTEXT].view
    for document_id in ids:
        if type(document_id) is str:
            document = view.get(table, document_id)
            if document is not None:
                yield document


def index_search(compiler: Compiler, node: logical.IndexSearch) -> Bindings:
    """Documents by index."""
    index, bind = node.index, _binder(node.scan)
    ranges = _ranges(compiler, node)
    single = len(index.paths) == len(node.equal) == 1 and node.member is None
    only = compiler.expression(node.equal[0]) if single else None

    def search(frame: Frame) -> Iterator[None]:
        view = frame[CONTEXT].view
        if only is not None:
            value = only(frame)
            if type(value) is int or (type(value) is str and value.isascii()):
                return bind(frame, view.search(index, KeyRange(equal=(value,))))
        return bind(
            frame, (document for keys in ranges(frame) for document in view.search(index, keys))
        )

    return search


def ordered_search(compiler: Compiler, node: logical.OrderedSearch) -> Bindings:
    """Documents by index, in the order of ORDER BY."""
    search, key = node.search, node.key
    index, bind = search.index, _binder(search.scan)
    equal = [compiler.expression(value) for value in search.equal]
    ends, anywhere = _ends(compiler, search), _ranges(compiler, search)
    sort_key = compiler.expression(key.value)
    variable, committed = search.scan.variable, search.scan.committed

    def key_of(frame: Frame, document: Document) -> Any:
        frame[variable] = document.committed if committed else document.data
        value = sort_key(frame)
        if value is None or value is MISSING:
            return (-1,) if key.nulls_first != key.descending else (99,)
        return order_key(value)

    def in_order(frame: Frame, documents: Iterable[Document]) -> list[Document]:
        found = [(key_of(frame, document), document) for document in documents]
        hold(frame, len(found))
        found.sort(key=itemgetter(0), reverse=key.descending)
        return [document for _, document in found]

    def documents(frame: Frame) -> Iterator[Document]:
        view = frame[CONTEXT].view
        stretches = _stretches([value(frame) for value in equal], ends and ends(frame), key)
        if stretches is None:
            ranges = anywhere(frame)
            yield from in_order(
                frame, (each for keys in ranges for each in view.search(index, keys))
            )
            return
        for stretch in stretches:
            found = (each for keys in stretch.ranges for each in view.search(index, keys))
            yield from in_order(frame, found) if stretch.sort else found

    return lambda frame: bind(frame, documents(frame))


def _stretches(equal: list[Value], ends: Any, key: logical.SortKey) -> list[keys.Stretch] | None:
    """What to read in order; None where a value has no single exact key."""
    prefix = keys.exact_prefix(equal)
    if prefix is None or any(rank_of(end[0]) == TIME for pair in ends or () for end in pair if end):
        return None
    return keys.ordered_ranges(prefix, ends, key)


def _ranges(compiler: Compiler, node: logical.IndexSearch) -> Any:
    equal = [compiler.expression(value) for value in node.equal]
    ends = _ends(compiler, node)
    member = None if node.member is None else compiler.expression(node.member)

    def ranges(frame: Frame) -> list[KeyRange]:
        values = [value(frame) for value in equal]
        if member is not None:
            return _member_ranges(values, member(frame))
        return keys.key_ranges(values, None if ends is None else ends(frame))

    return ranges


def _member_ranges(values: list[Value], members: Value) -> list[KeyRange]:
    """The ranges of each member once: members that are equal, or share a kind's range, are one."""
    if not isinstance(members, list):
        return []
    distinct: dict[Any, list[KeyRange]] = {}
    for member in members:
        for each in keys.key_ranges([*values, member], None):
            kinds = tuple(identity(value) for value in each.equal)
            low = None if each.low is None else rank_of(each.low[0])
            distinct.setdefault((kinds, low), []).append(each)
    return [ranges[0] for ranges in distinct.values()]


def _ends(compiler: Compiler, node: logical.IndexSearch) -> Any:
    if node.like is not None:
        return _prefix(compiler, node)
    if node.low is None and node.high is None:
        return None
    low = None if node.low is None else (compiler.expression(node.low.value), node.low.inclusive)
    high = (
        None if node.high is None else (compiler.expression(node.high.value), node.high.inclusive)
    )

    def ends(frame: Frame) -> list[keys.Ends]:
        first = None if low is None else (low[0](frame), low[1])
        last = None if high is None else (high[0](frame), high[1])
        return list(keys.range_ends((first, None), (None, last)))

    return ends


def _prefix(compiler: Compiler, node: logical.IndexSearch) -> Any:
    assert node.like is not None
    pattern = compiler.expression(node.like)
    escape = None if node.escape is None else compiler.expression(node.escape)

    def ends(frame: Frame) -> list[keys.Ends]:
        form, escaping = pattern(frame), None if escape is None else escape(frame)
        if type(form) is not str or (escape is not None and type(escaping) is not str):
            return []
        prefix = text.like_prefix(form, escaping)
        return [keys.prefix_ends(prefix)] if keys.storable(prefix) else []

    return ends


def _binder(
    node: logical.Scan,
) -> Callable[[Frame, Iterable[Document]], Iterator[None]]:
    """Code that puts documents into the frame, one after another."""
    variable, document_id, slot = node.variable, node.document_id, node.document
    committed = node.committed

    def plain(frame: Frame, documents: Iterable[Document]) -> Iterator[None]:
        for count, document in enumerate(documents, 1):
            frame[variable] = document.data
            yield
            if not count % CHECK_INTERVAL:
                frame[CONTEXT].check()

    def full(frame: Frame, documents: Iterable[Document]) -> Iterator[None]:
        for count, document in enumerate(documents, 1):
            frame[variable] = document.committed if committed else document.data
            if document_id is not None:
                frame[document_id] = document.id
            if slot is not None:
                frame[slot] = document
            yield
            if not count % CHECK_INTERVAL:
                frame[CONTEXT].check()

    return full if committed or document_id is not None or slot is not None else plain


def history(compiler: Compiler, node: logical.HistoryScan) -> Bindings:
    """Revisions."""
    table, variable = node.table, node.variable
    start, end, wanted = (
        None if part is None else compiler.expression(part)
        for part in (node.start, node.end, node.id)
    )

    def revisions(frame: Frame) -> Iterator[None]:
        first, last = _moment(start, frame), _moment(end, frame)
        if first is not None and last is not None and instant_of(first) > instant_of(last):
            raise QueryTypeError("the start of history is after its end")
        document_id = None if wanted is None else wanted(frame)
        if wanted is not None and type(document_id) is not str:
            return
        found = frame[CONTEXT].view.history(table, document_id, first, last)
        for count, document in enumerate(found, 1):
            frame[variable] = document.committed
            yield
            if not count % CHECK_INTERVAL:
                frame[CONTEXT].check()

    return revisions


def _moment(code: Evaluate | None, frame: Frame) -> Value:
    value = None if code is None else code(frame)
    if value is None or rank_of(value) == TIMESTAMP:
        return value
    raise QueryTypeError(f"history goes from a timestamp to a timestamp, not {kind_of(value)}")


def user_tables(_compiler: Compiler, node: logical.UserTables) -> Bindings:
    """Tables of the ledger."""
    variable = node.variable

    def tables(frame: Frame) -> Iterator[None]:
        for row in frame[CONTEXT].view.user_tables():
            frame[variable] = dict(row)
            yield

    return tables


def table_count(_compiler: Compiler, node: logical.TableCount) -> Bindings:
    """How many documents a table has."""
    table, slots = node.table, node.slots

    def count(frame: Frame) -> Iterator[None]:
        total = frame[CONTEXT].view.count(table)
        for slot in slots:
            frame[slot] = total
        yield

    return count


def iterate(compiler: Compiler, node: logical.Iterate) -> Bindings:
    """Elements of a value; a value that is no collection is one element."""
    if node.unpivot:
        return _unpivot(compiler, node)
    variable, ordinal, document_id = node.variable, node.ordinal, node.document_id
    reject = compiler.reject
    elements = _elements(compiler, node)

    def each(frame: Frame) -> Iterator[None]:
        values, ordered = elements(frame)
        if ordinal is not None and not ordered:
            reject("AT needs a list; other values have no positions")
        if document_id is not None:
            frame[document_id] = MISSING
        for position, element in enumerate(values):
            frame[variable] = element
            if ordinal is not None:
                frame[ordinal] = position if ordered else MISSING
            yield
            if not (position + 1) % CHECK_INTERVAL:
                frame[CONTEXT].check()

    return each


def _elements(compiler: Compiler, node: logical.Iterate) -> Any:
    """Code for the elements of a value, and whether they have positions."""
    reject = compiler.reject
    nested = node.value
    if isinstance(nested, logical.Nested) and nested.form == "collection" and not nested.shared:
        query = nested.query
        if isinstance(query, logical.Block) and query.pivot is None:
            rows, ordered = compiler.rows(query), query.ordered
            return lambda frame: (rows(frame), ordered)
    code = compiler.expression(nested)

    def elements(frame: Frame) -> tuple[Iterable[Value], bool]:
        value = code(frame)
        if type(value) is list:
            return value, True
        if type(value) is Bag:
            return value, False
        if value is MISSING:
            return (), False
        reject(f"FROM needs a collection, not {kind_of(value)}")
        return [value], False

    return elements


def _unpivot(compiler: Compiler, node: logical.Iterate) -> Bindings:
    code, reject, variable, ordinal = (
        compiler.expression(node.value), compiler.reject, node.variable, node.ordinal,
    )  # fmt: skip

    def each(frame: Frame) -> Iterator[None]:
        value = code(frame)
        pairs: Iterable[tuple[str, Value]]
        if isinstance(value, dict):
            pairs = list(fields_of(value))
        else:
            reject(f"UNPIVOT needs a struct, not {kind_of(value)}")
            pairs = [] if value is MISSING else [("_1", value)]
        for name, item in pairs:
            frame[variable] = item
            if ordinal is not None:
                frame[ordinal] = name
            yield

    return each


OPERATORS: Final[dict[type, Any]] = {
    logical.Unit: unit,
    logical.Scan: scan,
    logical.DocumentLookup: document_lookup,
    logical.IndexSearch: index_search,
    logical.OrderedSearch: ordered_search,
    logical.HistoryScan: history,
    logical.UserTables: user_tables,
    logical.TableCount: table_count,
    logical.Iterate: iterate,
}
