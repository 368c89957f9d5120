import pytest

from journal import document
from journal.catalog import (
    INDEXES_TABLE_ID,
    LEDGER_TABLE_ID,
    SYSTEM_TABLE_IDS,
    TABLES_TABLE_ID,
    Catalog,
    CatalogError,
    IndexInfo,
    TableInfo,
    fold,
    index_document,
    ledger_document,
    parse_ledger_document,
    table_document,
)
from journal.codec import Operation
from journal.ids import id_text
from tests.support.builders import a_ledger, an_id

INSERT, UPDATE, DELETE = Operation
VEHICLES, OWNERS = an_id(100), an_id(101)
BY_VIN = IndexInfo(
    index_id=an_id(200),
    name="by_vin",
    table_id=VEHICLES,
    paths=(("vin",), ("owner", "city")),
    unique=True,
)


def with_vehicles() -> Catalog:
    return fold(Catalog(), TABLES_TABLE_ID, VEHICLES, INSERT, table_document("vehicles"))


def with_index() -> Catalog:
    return fold(with_vehicles(), INDEXES_TABLE_ID, BY_VIN.index_id, INSERT, index_document(BY_VIN))


def test_system_tables_have_the_ids_one_two_and_three():
    assert [an_id(1), an_id(2), an_id(3)] == [LEDGER_TABLE_ID, TABLES_TABLE_ID, INDEXES_TABLE_ID]
    assert {an_id(1), an_id(2), an_id(3)} == SYSTEM_TABLE_IDS


def test_a_ledger_document_is_folded_into_the_ledger():
    ledger = a_ledger(allow_single_broker=True)

    catalog = fold(Catalog(), LEDGER_TABLE_ID, an_id(9), INSERT, ledger_document(ledger))

    assert ledger == catalog.ledger
    assert ledger == parse_ledger_document(ledger_document(ledger))


def test_a_later_revision_of_the_ledger_document_replaces_the_earlier_one():
    catalog = fold(Catalog(), LEDGER_TABLE_ID, an_id(9), INSERT, ledger_document(a_ledger()))

    catalog = fold(
        catalog, LEDGER_TABLE_ID, an_id(9), UPDATE, ledger_document(a_ledger(checkpoint_key="k"))
    )

    assert catalog.ledger == a_ledger(checkpoint_key="k")


def test_a_table_is_there_once_its_document_is():
    assert with_vehicles().tables == {
        VEHICLES: TableInfo(table_id=VEHICLES, name="vehicles", dropped=False)
    }


def test_a_dropped_table_stays_with_its_name():
    catalog = fold(
        with_vehicles(), TABLES_TABLE_ID, VEHICLES, UPDATE, table_document("vehicles", "DROPPED")
    )

    assert catalog.tables[VEHICLES] == TableInfo(table_id=VEHICLES, name="vehicles", dropped=True)


def test_a_table_can_be_made_again_under_the_name_of_a_dropped_one():
    catalog = fold(
        with_vehicles(), TABLES_TABLE_ID, VEHICLES, UPDATE, table_document("vehicles", "DROPPED")
    )

    catalog = fold(catalog, TABLES_TABLE_ID, OWNERS, INSERT, table_document("vehicles"))

    assert [table.dropped for table in catalog.tables.values()] == [True, False]


def test_an_index_is_there_once_its_document_is_and_gone_with_it():
    assert with_index().indexes == {BY_VIN.index_id: BY_VIN}

    catalog = fold(with_index(), INDEXES_TABLE_ID, BY_VIN.index_id, DELETE, None)

    assert catalog.indexes == {}


def test_indexes_of_a_table_are_ordered_by_their_ids():
    catalog = with_index()
    for number in (300, 150):
        index = IndexInfo(
            index_id=an_id(number),
            name=f"i{number}",
            table_id=VEHICLES,
            paths=(("a",),),
            unique=False,
        )
        catalog = fold(catalog, INDEXES_TABLE_ID, index.index_id, INSERT, index_document(index))

    assert [index.index_id for index in catalog.indexes_of(VEHICLES)] == [
        an_id(150),
        an_id(200),
        an_id(300),
    ]
    assert catalog.indexes_of(OWNERS) == ()


def test_a_fold_leaves_the_catalog_it_was_given_as_it_was():
    before = with_vehicles()

    fold(before, INDEXES_TABLE_ID, BY_VIN.index_id, INSERT, index_document(BY_VIN))
    fold(before, TABLES_TABLE_ID, OWNERS, INSERT, table_document("owners"))

    assert before == with_vehicles()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            ledger_document(a_ledger(checkpoint_key="indelible/registry/0+00000000+AQ==")),
            b'{"checkpointKey":"indelible/registry/0+00000000+AQ==","createdAt":"2026-09-21T14:13:20Z",'
            b'"durability":{"allowSingleBroker":false,"unverifiedSettings":false},"formatVersion":1,'
            b'"name":"registry","strandId":"000000000000000000Eg00"}',
        ),
        (table_document("vehicles"), b'{"name":"vehicles","status":"ACTIVE"}'),
        (table_document("vehicles", "DROPPED"), b'{"name":"vehicles","status":"DROPPED"}'),
        (
            index_document(BY_VIN),
            b'{"name":"by_vin","paths":[["vin"],["owner","city"]],"status":"ACTIVE",'
            b'"tableId":"000000000000000000001c","unique":true}',
        ),
    ],
)
def test_system_documents_are_stored_as_these_bytes(value, text):
    stored = document.encode(value)

    assert text.replace(b"000000000000000000Eg00", id_text(a_ledger().strand_id).encode()) == stored
    assert document.decode(stored) == value


WITHOUT = object()


def changed(value: dict, **changes) -> dict:
    return {k: v for k, v in (value | changes).items() if v is not WITHOUT}


LEDGER, TABLE, INDEX = (
    ledger_document(a_ledger()),
    table_document("vehicles"),
    index_document(BY_VIN),
)
MALFORMED = {
    "ledger-deleted": (LEDGER_TABLE_ID, DELETE, None),
    "ledger-a-list": (LEDGER_TABLE_ID, INSERT, []),
    "ledger-text": (LEDGER_TABLE_ID, INSERT, "registry"),
    "ledger-without-name": (LEDGER_TABLE_ID, INSERT, changed(LEDGER, name=WITHOUT)),
    "ledger-name-a-number": (LEDGER_TABLE_ID, INSERT, changed(LEDGER, name=7)),
    "ledger-strand-no-id": (LEDGER_TABLE_ID, INSERT, changed(LEDGER, strandId="x")),
    "ledger-strand-a-number": (LEDGER_TABLE_ID, INSERT, changed(LEDGER, strandId=5)),
    "ledger-durability-null": (LEDGER_TABLE_ID, INSERT, changed(LEDGER, durability=None)),
    "ledger-durability-incomplete": (
        LEDGER_TABLE_ID,
        INSERT,
        changed(LEDGER, durability={"allowSingleBroker": True}),
    ),
    "ledger-durability-a-number": (
        LEDGER_TABLE_ID,
        INSERT,
        changed(LEDGER, durability={"allowSingleBroker": 1, "unverifiedSettings": False}),
    ),
    "table-deleted": (TABLES_TABLE_ID, DELETE, None),
    "table-a-number": (TABLES_TABLE_ID, INSERT, 7),
    "table-without-name": (TABLES_TABLE_ID, INSERT, changed(TABLE, name=WITHOUT)),
    "table-without-status": (TABLES_TABLE_ID, INSERT, changed(TABLE, status=WITHOUT)),
    "table-unknown-status": (TABLES_TABLE_ID, INSERT, changed(TABLE, status="active")),
    "table-status-a-list": (TABLES_TABLE_ID, INSERT, changed(TABLE, status=["ACTIVE"])),
    "index-null": (INDEXES_TABLE_ID, INSERT, None),
    "index-without-name": (INDEXES_TABLE_ID, INSERT, changed(INDEX, name=WITHOUT)),
    "index-of-no-table": (INDEXES_TABLE_ID, INSERT, changed(INDEX, tableId=id_text(OWNERS))),
    "index-table-no-id": (INDEXES_TABLE_ID, INSERT, changed(INDEX, tableId="vehicles")),
    "index-unique-a-number": (INDEXES_TABLE_ID, INSERT, changed(INDEX, unique=1)),
    "index-without-paths": (INDEXES_TABLE_ID, INSERT, changed(INDEX, paths=WITHOUT)),
    "index-no-path": (INDEXES_TABLE_ID, INSERT, changed(INDEX, paths=[])),
    "index-empty-path": (INDEXES_TABLE_ID, INSERT, changed(INDEX, paths=[[]])),
    "index-paths-text": (INDEXES_TABLE_ID, INSERT, changed(INDEX, paths="vin")),
    "index-path-text": (INDEXES_TABLE_ID, INSERT, changed(INDEX, paths=["vin"])),
    "index-step-a-number": (INDEXES_TABLE_ID, INSERT, changed(INDEX, paths=[["a", 0]])),
    "index-status-dropped": (INDEXES_TABLE_ID, INSERT, changed(INDEX, status="DROPPED")),
    "index-without-status": (INDEXES_TABLE_ID, INSERT, changed(INDEX, status=WITHOUT)),
}


@pytest.mark.parametrize("mutation", MALFORMED)
def test_a_system_document_is_refused_for(mutation):
    table_id, operation, value = MALFORMED[mutation]

    with pytest.raises(CatalogError):
        fold(with_vehicles(), table_id, BY_VIN.index_id, operation, value)


@pytest.mark.parametrize("value", [None, [], "x", 7, {}, changed(LEDGER, durability=7)])
def test_a_genesis_document_of_another_shape_is_refused(value):
    with pytest.raises(CatalogError):
        parse_ledger_document(value)


def test_fields_of_later_releases_are_passed_over():
    value = changed(LEDGER, motto="x", durability=LEDGER["durability"] | {"later": 1})

    assert parse_ledger_document(value) == a_ledger()
