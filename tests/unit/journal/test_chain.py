"""The reader rule, row by row, and each pair of rows whose order matters."""

import pytest

from journal import document
from journal.block import GENESIS_PREVIOUS, TIMESTAMP_MAX, revision_entry, transaction_entry
from journal.catalog import LEDGER_TABLE_ID, TABLES_TABLE_ID, CatalogError, ledger_document
from journal.chain import (
    Accepted,
    Checked,
    Ignored,
    Origin,
    Reason,
    Refused,
    Tip,
    check,
    genesis_ledger,
    link,
)
from journal.codec import Operation, TransactionEntry, encode_header
from journal.errors import BrokenLinkError, UnsupportedError
from journal.log import Record
from tests.support.builders import (
    LEDGER_NAME,
    SECOND,
    STARTED,
    STRAND_ID,
    a_block,
    a_genesis,
    a_ledger,
    a_revision,
    a_transaction,
    an_id,
    read_chain,
    tip_of,
    with_header,
)
from tests.support.mutations import CHAIN, INVALID

TIP = tip_of(CHAIN[3])
NEXT = CHAIN[4]
OTHER_STRAND = an_id(0xFFFF)


def placed(value: bytes, tip: Tip | Origin = TIP) -> Accepted | Ignored:
    return link(tip, check(Record(9, value)))


def reason_of(value: bytes, tip: Tip | Origin = TIP) -> Reason:
    result = placed(value, tip)
    assert isinstance(result, Ignored)
    assert result.offset == 9
    assert result.detail
    return result.reason


class TestRule1Undecodable:
    @pytest.mark.parametrize(
        "value",
        [b"", b"hello", b"\xc3\x01", NEXT.encode()[:12], NEXT.encode()[:60], b"\x00" + NEXT.encode(),
         NEXT.encode()[:2] + bytes(8) + NEXT.encode()[10:]],
        ids=["empty", "text", "marker", "cut-in-header-size", "cut-in-header", "shifted", "other-schema"],
    )  # fmt: skip
    def test_a_record_without_a_block_s_envelope_is_ignored(self, value):
        assert isinstance(check(Record(9, value)), Refused)
        assert reason_of(value) is Reason.FOREIGN
        assert reason_of(value, Origin(LEDGER_NAME)) is Reason.FOREIGN

    def test_a_block_of_another_strand_is_ignored(self):
        assert (
            reason_of(a_block(after=CHAIN[3], strand_id=OTHER_STRAND).encode())
            is Reason.OTHER_STRAND
        )

    def test_a_genesis_of_another_strand_is_ignored_where_the_strand_is_known(self):
        value = a_genesis(strand_id=OTHER_STRAND).encode()

        assert reason_of(value, Origin(LEDGER_NAME, STRAND_ID)) is Reason.OTHER_STRAND


class TestRule2Late:
    @pytest.mark.parametrize("sequence_number", [-(2**63), -1, 0, 1, 2, 3])
    def test_a_block_at_or_below_the_tip_is_ignored(self, sequence_number):
        assert reason_of(with_header(NEXT, sequence_number=sequence_number)) is Reason.LATE

    def test_a_copy_of_the_tip_is_ignored(self):
        assert reason_of(CHAIN[3].encode()) is Reason.LATE

    def test_a_negative_sequence_number_is_ignored_before_genesis(self):
        assert reason_of(with_header(NEXT, sequence_number=-1), Origin(LEDGER_NAME)) is Reason.LATE


class TestRule3Newer:
    def test_a_newer_format_above_the_tip_stops_the_reader(self):
        with pytest.raises(UnsupportedError, match="format version 2") as caught:
            placed(with_header(NEXT, format_version=2))

        assert "upgrade" in caught.value.hint

    def test_it_stops_a_reader_before_genesis_too(self):
        with pytest.raises(UnsupportedError):
            placed(with_header(CHAIN[0], format_version=2), Origin(LEDGER_NAME))

    def test_it_stops_the_reader_whether_it_links_or_not(self):
        with pytest.raises(UnsupportedError):
            placed(with_header(NEXT, format_version=2, previous_block_hash=bytes(32)))

    def test_it_stops_the_reader_whatever_follows_the_frozen_fields(self):
        header = encode_header(NEXT.header._replace(format_version=2))[:51]
        value = NEXT.encode()[:10] + bytes((len(header) << 1,)) + header + b"anything"

        with pytest.raises(UnsupportedError):
            placed(value)

    @pytest.mark.parametrize("version", [0, -1, -(2**31)])
    def test_a_version_below_the_first_one_is_just_not_valid(self, version):
        assert reason_of(with_header(NEXT, format_version=version)) is Reason.INVALID


class TestRule4NotValidInItself:
    @pytest.mark.parametrize("mutation", INVALID)
    def test_a_block_is_ignored_for(self, mutation):
        value, fault, _ = INVALID[mutation]

        checked = check(Record(9, value))

        assert isinstance(checked, Checked)
        assert fault in checked.fault
        assert reason_of(value) is Reason.INVALID

    @pytest.mark.parametrize(
        ("operation", "payload"), [(Operation.DELETE, b"s" * 16 + b"{}"), (Operation.INSERT, b"")]
    )
    def test_an_operation_without_its_payload_is_ignored(self, operation, payload):
        revision = revision_entry(an_id(1), an_id(2), an_id(3), 0, operation, payload)
        value = a_block(a_transaction(revision), after=CHAIN[3]).encode()

        assert reason_of(value) is Reason.INVALID
        assert "payload hash goes with" in placed(value).detail

    @pytest.mark.parametrize("timestamp", [0, TIMESTAMP_MAX])
    def test_the_first_and_the_last_timestamp_are_valid(self, timestamp):
        checked = check(Record(9, a_block(timestamp=timestamp, after=CHAIN[3]).encode()))

        assert isinstance(checked, Checked)
        assert checked.block is not None


class TestRule5Hole:
    def test_a_skipped_height_stops_the_reader(self):
        with pytest.raises(BrokenLinkError, match="does not follow") as caught:
            placed(CHAIN[5].encode())

        assert (caught.value.sequence_number, caught.value.offset) == (4, 9)

    def test_a_skipped_height_stops_the_reader_even_if_the_block_names_the_tip(self):
        with pytest.raises(BrokenLinkError):
            placed(with_header(NEXT, sequence_number=5))

    def test_another_previous_hash_stops_the_reader(self):
        with pytest.raises(BrokenLinkError) as caught:
            placed(a_block(sequence_number=4, previous_block_hash=bytes(32)).encode())

        assert caught.value.sequence_number == 4

    def test_a_block_without_any_genesis_stops_the_reader(self):
        with pytest.raises(BrokenLinkError) as caught:
            placed(CHAIN[1].encode(), Origin(LEDGER_NAME))

        assert caught.value.sequence_number == 0


class TestRule6Early:
    @pytest.mark.parametrize("timestamp", [0, TIP.timestamp - 1, TIP.timestamp])
    def test_a_block_whose_time_is_not_after_the_tip_s_is_ignored(self, timestamp):
        assert reason_of(a_block(after=CHAIN[3], timestamp=timestamp).encode()) is Reason.EARLY


class TestRule7Accepted:
    def test_what_is_left_is_the_new_tip(self):
        result = placed(NEXT.encode())

        assert isinstance(result, Accepted)
        assert result.tip == Tip(STRAND_ID, 4, NEXT.block_hash, NEXT.header.timestamp)
        assert result.block.encode() == NEXT.encode()
        assert result.offset == 9

    def test_one_microsecond_later_is_enough(self):
        assert isinstance(
            placed(a_block(after=CHAIN[3], timestamp=TIP.timestamp + 1).encode()), Accepted
        )

    def test_a_transaction_without_revisions_is_accepted(self):
        content = TransactionEntry(an_id(1), "", (), 0, {})
        block = a_block([(transaction_entry(content), content)], after=CHAIN[3])

        assert isinstance(placed(block.encode()), Accepted)


class TestTheOrderOfTheRules:
    def test_a_late_block_of_a_newer_format_stops_nobody(self):
        assert reason_of(with_header(CHAIN[3], format_version=2)) is Reason.LATE

    def test_a_newer_format_of_another_strand_stops_nobody(self):
        value = with_header(NEXT, format_version=2, strand_id=OTHER_STRAND)

        assert reason_of(value) is Reason.OTHER_STRAND

    def test_a_late_block_of_another_strand_is_of_another_strand(self):
        assert reason_of(with_header(CHAIN[2], strand_id=OTHER_STRAND)) is Reason.OTHER_STRAND

    def test_a_late_block_that_is_not_valid_is_late(self):
        assert reason_of(with_header(CHAIN[3], entry_count=9)) is Reason.LATE

    def test_a_newer_version_never_hides_a_hole(self):
        """Were it ignored where it does not link, a later block of this version would be built on."""
        with pytest.raises(UnsupportedError):
            placed(with_header(CHAIN[5], format_version=2))

    def test_a_version_that_is_not_canonical_in_the_rest_still_stops_the_reader(self):
        with pytest.raises(UnsupportedError):
            placed(with_header(NEXT, format_version=2) + b"trailing")

    def test_an_early_timestamp_never_hides_a_hole(self):
        with pytest.raises(BrokenLinkError):
            placed(with_header(CHAIN[5], timestamp=0))

    def test_an_early_timestamp_never_hides_another_previous_hash(self):
        with pytest.raises(BrokenLinkError):
            placed(a_block(sequence_number=4, previous_block_hash=bytes(32), timestamp=1).encode())

    def test_a_block_that_is_not_valid_proves_no_hole(self):
        """Anyone can write such bytes; only a block that is valid in itself is evidence."""
        assert reason_of(with_header(CHAIN[5], entry_count=9)) is Reason.INVALID

    def test_an_invalid_timestamp_is_invalid_and_not_early(self):
        assert reason_of(with_header(NEXT, timestamp=-1)) is Reason.INVALID


NOT_ONE = {
    "previous-hash-not-zero": (
        a_genesis(previous_block_hash=b"\x01" + bytes(31)),
        "previous hash is not zero",
    ),
    "another-table": (a_genesis(table_id=TABLES_TABLE_ID), "not the insert of a ledger document"),
    "an-update": (a_genesis(operation=Operation.UPDATE), "not the insert of a ledger document"),
    "a-delete": (a_genesis(operation=Operation.DELETE), "not the insert of a ledger document"),
    "version-one": (a_genesis(version=1), "not the insert of a ledger document"),
    "an-ordinary-block": (
        a_block(sequence_number=0, previous_block_hash=GENESIS_PREVIOUS),
        "not the insert",
    ),
    "two-revisions": (
        a_block(
            a_transaction(a_revision(), a_revision(document_id=an_id(5))),
            sequence_number=0,
            previous_block_hash=GENESIS_PREVIOUS,
        ),
        "one transaction",
    ),
    "two-empty-transactions": (
        a_block(
            [a_transaction(a_revision(), revision_count=0)[0]] * 2,
            sequence_number=0,
            previous_block_hash=GENESIS_PREVIOUS,
        ),
        "not the insert",
    ),
    "one-empty-transaction": (
        a_block(
            [a_transaction(a_revision(), revision_count=0)[0]],
            sequence_number=0,
            previous_block_hash=GENESIS_PREVIOUS,
        ),
        "one transaction",
    ),
    "document-not-a-struct": (a_genesis(data=[1]), "not a ledger document"),
    "document-without-a-name": (
        a_genesis(data={k: v for k, v in ledger_document(a_ledger()).items() if k != "name"}),
        "not a ledger document",
    ),
    "document-of-another-strand": (
        a_genesis(data=ledger_document(a_ledger(strand_id=OTHER_STRAND))),
        "names another strand",
    ),
    "document-with-a-strand-that-is-no-id": (
        a_genesis(data=ledger_document(a_ledger()) | {"strandId": ["00"] * 22}),
        "not a ledger document",
    ),
    "document-of-another-name": (a_genesis("other"), "genesis of ledger 'other'"),
}


class TestGenesis:
    ORIGIN = Origin(LEDGER_NAME)

    def test_the_genesis_of_the_ledger_is_accepted(self):
        result = placed(a_genesis().encode(), self.ORIGIN)

        assert isinstance(result, Accepted)
        assert result.tip.sequence_number == 0
        assert genesis_ledger(result.block) == a_ledger()

    def test_it_is_accepted_where_its_strand_is_pinned(self):
        assert isinstance(placed(a_genesis().encode(), Origin(LEDGER_NAME, STRAND_ID)), Accepted)

    def test_its_time_may_be_any_valid_one(self):
        assert isinstance(placed(a_genesis(timestamp=0).encode(), self.ORIGIN), Accepted)

    def test_the_first_of_two_wins(self):
        rival = a_genesis(strand_id=OTHER_STRAND)

        reading = read_chain([a_genesis(), rival])

        assert reading.tip.strand_id == STRAND_ID
        assert [ignored.reason for ignored in reading.ignored] == [Reason.OTHER_STRAND]

    def test_a_genesis_of_another_ledger_is_passed_over(self):
        reading = read_chain([a_genesis("other", strand_id=OTHER_STRAND), a_genesis()])

        assert reading.tip.strand_id == STRAND_ID
        assert [ignored.reason for ignored in reading.ignored] == [Reason.NOT_GENESIS]

    @pytest.mark.parametrize("mutation", NOT_ONE)
    def test_a_block_zero_is_not_the_genesis_for(self, mutation):
        block, detail = NOT_ONE[mutation]
        value = block.encode()

        assert reason_of(value, self.ORIGIN) is Reason.NOT_GENESIS
        assert detail in placed(value, self.ORIGIN).detail

    @pytest.mark.parametrize(
        "stored", [b"no json", b"\xff", b"[" * 5000, b'{"$foo":1}', b"null", b'"x"', b"7"]
    )
    def test_a_ledger_document_that_is_none_harms_nobody(self, stored):
        revision = revision_entry(
            an_id(1), LEDGER_TABLE_ID, an_id(2), 0, Operation.INSERT, b"s" * 16 + stored
        )
        block = a_block(
            a_transaction(revision), sequence_number=0, previous_block_hash=GENESIS_PREVIOUS
        )

        assert reason_of(block.encode(), self.ORIGIN) is Reason.NOT_GENESIS

    def test_genesis_ledger_raises_for_an_ordinary_block(self):
        with pytest.raises(CatalogError):
            genesis_ledger(NEXT)

    def test_the_ledger_document_is_stored_in_canonical_bytes(self):
        payload = a_genesis().entries[1].payload

        assert document.is_canonical(payload[16:])


class TestReading:
    def test_a_log_of_honest_blocks_is_read_to_its_end(self):
        reading = read_chain(CHAIN)

        assert reading.error is None
        assert reading.hashes == [block.block_hash for block in CHAIN]

    def test_strangers_records_between_blocks_change_nothing(self):
        mixed = [
            b"x",
            CHAIN[0],
            b"",
            CHAIN[1],
            CHAIN[0],
            CHAIN[1].encode()[:-3],
            CHAIN[2],
            b"\xc3\x01",
        ]

        reading = read_chain(mixed)

        assert reading.hashes == [block.block_hash for block in CHAIN[:3]]
        assert [ignored.reason for ignored in reading.ignored] == [
            Reason.FOREIGN, Reason.FOREIGN, Reason.LATE, Reason.LATE, Reason.FOREIGN,
        ]  # fmt: skip

    def test_the_lower_offset_wins_a_height(self):
        one = a_block(after=CHAIN[0], writer="one")
        other = a_block(after=CHAIN[0], writer="other")

        assert read_chain([CHAIN[0], one, other]).hashes[1] == one.block_hash
        assert read_chain([CHAIN[0], other, one]).hashes[1] == other.block_hash

    def test_a_missing_last_block_is_not_noticed(self):
        """Only who knows that block can: a state store, a checkpoint, a later block."""
        assert read_chain(CHAIN[:-1]).error is None

    def test_time_never_runs_backwards_along_a_chain(self):
        early = a_block(after=CHAIN[2], timestamp=STARTED)

        reading = read_chain([*CHAIN[:3], early, CHAIN[3]])

        times = [block.header.timestamp for block in reading.blocks]
        assert times == sorted(set(times))
        assert [ignored.reason for ignored in reading.ignored] == [Reason.EARLY]
        assert times[-1] - times[0] == 3 * SECOND
