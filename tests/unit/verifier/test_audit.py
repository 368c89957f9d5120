"""An audit over whole journals: what is proven, what is found, and what it says of it."""

import sqlite3
from functools import partial

import pytest

from journal.catalog import LEDGER_TABLE_ID, TABLES_TABLE_ID, ledger_document, table_document
from journal.codec import Operation
from journal.errors import (
    BrokenLinkError,
    CorruptBlockError,
    InconsistentCheckpointError,
    InputError,
    IntegrityError,
    JournalReplacedError,
    ProofRejectedError,
    UnknownLedgerError,
    UnsupportedError,
)
from journal.memory import MemoryLog
from journal.sqlite import SqliteLog
from tests.support import builders as b
from tests.support.audited import (
    KEY,
    ORIGIN,
    OTHER_KEY,
    OTHER_PRIVATE_KEY,
    PRIVATE_KEY,
    a_history,
    an_anchor,
    audited,
    change_payload,
    change_principal,
    followed_by,
    in_file,
    relinked,
)
from verifier.audit import Auditor, audit
from verifier.checkpoint import Checkpoint, sign_checkpoint
from verifier.keys import ed25519_signer
from verifier.rotation import format_rotation

BLOCKS = a_history(10)


def drop(transaction: int, version: int, status: str = "DROPPED"):
    """The transaction that drops the table of the history, or says that it is there again."""
    revision = b.a_revision(
        table_document("vehicles", status),
        transaction_id=b.an_id(transaction),
        table_id=TABLES_TABLE_ID,
        document_id=b.TABLE_ID,
        version=version,
        operation=Operation.UPDATE,
    )
    return b.a_transaction(revision)


def the_error(kind, values, **options):
    with pytest.raises(kind) as caught:
        audited(values, **options)
    return caught.value


class TestWhatIsProven:
    def test_everything_with_a_pinned_key_and_a_checkpoint_of_the_last_block(self):
        report = audited(BLOCKS, key=KEY, anchors=[an_anchor(BLOCKS[:4]), an_anchor(BLOCKS)])

        assert (report.proven, report.exit_code, report.missing) == (True, 0, ())
        assert (report.blocks, report.transactions, report.revisions) == (10, 10, 16)
        assert (report.tip_hash, report.checkpoints) == (BLOCKS[-1].block_hash, (4, 10))
        assert report.size_bytes == sum(len(block.encode()) for block in BLOCKS)

    @pytest.mark.parametrize(
        ("options", "missing"),
        [
            ({}, ["key not pinned", "tail not anchored: no checkpoint"]),
            ({"key": KEY}, ["tail not anchored: no checkpoint"]),
            ({"anchors": [an_anchor(BLOCKS)]}, ["key not pinned"]),
            (
                {"key": KEY, "anchors": [an_anchor(BLOCKS[:7])]},
                ["tail not anchored: the newest checkpoint covers 7 of 10"],
            ),
        ],
        ids=["nothing", "only a key", "only a checkpoint", "an older checkpoint"],
    )
    def test_without_them_it_is_whole_but_not_proven_and_says_why(self, options, missing):
        report = audited(BLOCKS, **options)

        assert (report.proven, report.exit_code) == (False, 3)
        assert len(report.missing) == len(missing)
        for sentence, beginning in zip(report.missing, missing, strict=True):
            assert sentence.startswith(beginning)

    def test_several_processes_find_what_one_finds(self, tmp_path):
        path = in_file(tmp_path / "journal.db", a_history(700))
        source = partial(SqliteLog, path, read_only=True)
        one, two = (audit(source, ledger_name="registry", workers=count) for count in (1, 2))

        assert one == two
        assert one.blocks == 700

    def test_an_audit_that_goes_on_finds_what_one_of_the_whole_finds(self, tmp_path):
        blocks = a_history(60)
        log = SqliteLog(in_file(tmp_path / "journal.db", blocks[:1]))
        source = partial(SqliteLog, log.path, read_only=True)
        with Auditor(source, ledger_name="registry", exclusive=True, workers=1) as auditor:
            for block in blocks[1:]:
                auditor.advance()
                auditor.report()
                log.append(block.encode())
            auditor.advance()
            report = auditor.report(key=KEY, anchors=[an_anchor(blocks), an_anchor(blocks[:30])])

        assert report == audited(
            blocks, key=KEY, anchors=[an_anchor(blocks), an_anchor(blocks[:30])]
        )
        log.close()

    @pytest.mark.parametrize("keys_max", [1, 7])
    def test_more_keys_than_fit_into_memory_change_nothing(self, monkeypatch, keys_max):
        blocks = a_history(80)
        whole = audited(blocks, key=KEY)
        monkeypatch.setattr("verifier.audit.sources.RUN_KEYS_MAX", keys_max)
        monkeypatch.setattr("verifier.audit.auditor.RUNS_MAX", 4)
        again = b.a_revision(
            transaction_id=b.an_id(0x999),
            document_id=b.an_id(0xD002),
            version=3,
            operation=Operation.UPDATE,
        )
        error = the_error(CorruptBlockError, followed_by(blocks, b.a_transaction(again)))

        assert audited(blocks, key=KEY) == whole
        assert (error.sequence_number, error.entry_index) == (80, 1)

    def test_the_report_as_json_says_it_all(self):
        report = audited(BLOCKS, key=KEY, anchors=[an_anchor(BLOCKS)])
        facts = report.to_json()

        assert facts["proven"] is True
        assert facts["origin"] == ORIGIN
        assert facts["rootHash"] == report.root_hash.hex()


class TestIgnoredRecords:
    def test_are_listed_with_offset_and_reason(self):
        stranger = a_history(3, strand_id=b.an_id(0xBAD))
        values = [*BLOCKS[:5], b"hello", BLOCKS[2], stranger[2], *BLOCKS[5:], BLOCKS[9]]
        heard = []
        report = audited(values, exclusive=False, on_ignored=heard.append)

        assert [(each.offset, str(each.reason)) for each in report.ignored] == [
            (5, "foreign"),
            (6, "late"),
            (7, "other_strand"),
            (13, "late"),
        ]
        assert list(report.ignored) == heard
        assert report.ignored_counts == {"foreign": 1, "late": 2, "other_strand": 1}
        assert (report.blocks, report.revisions) == (10, 16)

    @pytest.mark.parametrize("copied", [[1], [5], [4, 5], [0, 1, 2, 3, 4, 5]], ids=str)
    def test_copies_with_the_next_block_right_behind_count_for_nothing(self, copied):
        """They are linked to it, but were there before: neither counted nor folded again."""
        end = copied[-1] + 1
        values = [*BLOCKS[:end], *(BLOCKS[number] for number in copied), *BLOCKS[end:]]
        report = audited(values, exclusive=False)

        assert report.ignored_counts == {"late": len(copied)}
        assert (report.blocks, report.transactions, report.revisions) == (10, 10, 16)

    def test_a_copy_of_a_block_that_dropped_a_table_drops_nothing_again(self):
        dropped = followed_by(BLOCKS, drop(0x998, 1))
        index = b.a_revision({"n": 1}, transaction_id=b.an_id(0x997), table_id=b.an_id(0xF))
        table = b.a_revision(
            table_document("other"),
            transaction_id=b.an_id(0x997),
            table_id=TABLES_TABLE_ID,
            document_id=b.an_id(0xF),
        )
        blocks = followed_by(dropped, b.a_transaction(table, index))

        assert audited([*dropped, dropped[-1], blocks[-1]], exclusive=False).blocks == 12

    def test_a_rivals_revisions_count_for_nothing(self):
        """A valid block for a height that is taken: its versions and ids are not the ledger's."""
        rival = b.a_block(
            b.a_transaction(
                b.a_revision(document_id=b.an_id(0xD002), version=2, operation=Operation.UPDATE)
            ),
            after=BLOCKS[4],
        )
        report = audited([*BLOCKS[:6], rival, *BLOCKS[6:]], exclusive=False)

        assert report == audited(BLOCKS, exclusive=False).__class__(
            **{
                name: getattr(report, name)
                for name in ("size_bytes", "end_offset", "ignored", "ignored_counts")
            },
            **{
                name: getattr(audited(BLOCKS, exclusive=False), name)
                for name in report.__dataclass_fields__
                if name not in {"size_bytes", "end_offset", "ignored", "ignored_counts"}
            },
        )
        assert report.ignored_counts == {"late": 1}

    def test_a_rival_in_an_audit_that_goes_on_counts_for_nothing_later_either(self):
        log = MemoryLog()
        rival = b.a_block(
            b.a_transaction(b.a_revision({"x": 1}, document_id=b.an_id(0xD007))), after=BLOCKS[4]
        )
        with Auditor(lambda: log, ledger_name="registry", exclusive=False, workers=1) as auditor:
            for value in [*BLOCKS[:6], rival, *BLOCKS[6:]]:
                log.append(value.encode())
                if value is not BLOCKS[0]:
                    auditor.advance()
                    auditor.report()

            assert auditor.blocks == 10

    def test_in_an_exclusive_log_they_are_damage(self):
        error = the_error(CorruptBlockError, [*BLOCKS[:5], b"hello", *BLOCKS[5:]])

        assert error.sequence_number == 5
        assert "the record at offset 5 is damaged: no block" in str(error)

    def test_a_repeated_block_in_an_exclusive_log_does_not_belong_there(self):
        error = the_error(CorruptBlockError, [*BLOCKS[:5], BLOCKS[4], *BLOCKS[5:]])

        assert "the record at offset 5 does not belong there: height 4 is taken" in str(error)


class TestDamage:
    def test_a_payload_names_block_offset_and_entry(self):
        entries = list(BLOCKS[6].entries)
        entries[2] = entries[2]._replace(payload=entries[2].payload[:-1] + b"!")
        values = [*BLOCKS[:6], b.with_entries(BLOCKS[6], entries), *BLOCKS[7:]]
        error = the_error(CorruptBlockError, values)

        assert (error.sequence_number, error.entry_index) == (6, 2)
        assert "offset 6 is damaged: payload_hash is not the hash of the payload" in str(error)

    def test_among_strangers_the_hole_names_what_is_left_of_the_block(self):
        entries = list(BLOCKS[6].entries)
        entries[1] = entries[1]._replace(payload=entries[1].payload[:-1] + b"!")
        values = [*BLOCKS[:6], b.with_entries(BLOCKS[6], entries), *BLOCKS[7:]]
        error = the_error(BrokenLinkError, values, exclusive=False)

        assert (error.sequence_number, error.offset) == (6, 7)
        assert "the record at offset 6 is damaged: entry 1: payload_hash" in str(error)

    def test_a_body_that_cannot_be_read_names_its_entry(self):
        entries = list(BLOCKS[6].entries)
        entries[1] = entries[1]._replace(body=entries[1].body[:-1])
        error = the_error(
            CorruptBlockError, [*BLOCKS[:6], b.with_entries(BLOCKS[6], entries), *BLOCKS[7:]]
        )

        assert (error.sequence_number, error.entry_index) == (6, 1)

    @pytest.mark.parametrize("exclusive", [True, False])
    @pytest.mark.parametrize(
        ("values", "first_bad"),
        [
            ([*BLOCKS[:4], *BLOCKS[5:]], 4),
            ([*BLOCKS[:4], BLOCKS[5], BLOCKS[4], *BLOCKS[6:]], 4),
            ([*BLOCKS[1:]], 0),
            ([*BLOCKS[:4], a_history(9)[8], *BLOCKS[5:]], 4),
        ],
        ids=["dropped", "swapped", "beheaded", "replaced by a later one"],
    )
    def test_blocks_that_are_not_in_their_place(self, values, first_bad, exclusive):
        error = the_error(BrokenLinkError, values, exclusive=exclusive)

        assert error.sequence_number == first_bad

    def test_a_block_of_another_ledger(self):
        stranger = a_history(8, strand_id=b.an_id(0xBAD))[7]
        error = the_error(CorruptBlockError, [*BLOCKS[:7], stranger, *BLOCKS[7:]])

        assert "another strand" in str(error)
        assert error.sequence_number == 7

    def test_a_newer_format_stops_it(self):
        newer = b.with_header(BLOCKS[9], format_version=2)

        the_error(UnsupportedError, [*BLOCKS[:9], newer])

    def test_a_log_without_a_ledger(self):
        the_error(UnknownLedgerError, [])

    def test_a_log_without_a_ledger_that_was_signed(self):
        error = the_error(IntegrityError, [b"x"], exclusive=False, anchors=[an_anchor(BLOCKS)])

        assert "holds no ledger" in str(error)

    def test_a_log_that_lost_its_beginning(self):
        class Beheaded(MemoryLog):
            def start_offset(self):
                return 3

        with pytest.raises(JournalReplacedError, match="begins at offset 3"):
            audit(Beheaded, ledger_name="registry")

    @pytest.mark.parametrize("offset", [12, 2**62, 2**63 - 1])
    def test_a_record_at_an_offset_far_away_is_reached(self, tmp_path, offset):
        path = in_file(tmp_path / "journal.db", BLOCKS)
        with sqlite3.connect(path) as connection:
            connection.execute("update log set offset = ? where offset = 9", (offset,))
        connection.close()
        source = partial(SqliteLog, path, read_only=True)

        for workers in (1, 2):
            assert audit(source, ledger_name="registry", workers=workers).blocks == 10

    def test_a_record_before_the_first_is_found(self, tmp_path):
        path = in_file(tmp_path / "journal.db", BLOCKS)
        with sqlite3.connect(path) as connection:
            connection.execute("insert into log values (-5, x'00')")
        connection.close()

        with pytest.raises(IntegrityError, match="offset -5"):
            audit(partial(SqliteLog, path, read_only=True), ledger_name="registry")

    def test_a_log_that_is_cut_while_it_is_read(self, tmp_path):
        log = SqliteLog(in_file(tmp_path / "journal.db", BLOCKS))
        source = partial(SqliteLog, log.path, read_only=True)
        with Auditor(source, ledger_name="registry", workers=1) as auditor:
            auditor.advance()
            log._writer.execute("delete from log where offset > 5")
            with pytest.raises(JournalReplacedError, match="was cut"):
                auditor.advance()
        log.close()


class TestWhatNoCorrectWriterWrites:
    def an_update(self, version, **options):
        return b.a_transaction(
            b.a_revision(
                transaction_id=b.an_id(0x999),
                document_id=options.pop("document_id", b.an_id(0xD002)),
                version=version,
                operation=options.pop("operation", Operation.UPDATE),
                **options,
            )
        )

    @pytest.mark.parametrize(
        ("version", "options", "reason"),
        [
            (8, {}, "whose version before is 6"),
            (6, {}, "whose version before is 6"),
            (0, {"operation": Operation.INSERT}, "INSERT of version 0"),
            (7, {"operation": Operation.INSERT}, "INSERT of version 7"),
            (0, {"document_id": b.an_id(0xFFFF)}, "of which there is nothing before"),
            (1, {"document_id": b.an_id(0xFFFF)}, "of which there is nothing before"),
            (-1, {}, "UPDATE of version -1"),
        ],
        ids=["gap", "repeat", "again", "late-insert", "no-insert", "begins-at-1", "negative"],
    )
    def test_versions_that_do_not_follow(self, version, options, reason):
        error = the_error(
            CorruptBlockError, followed_by(BLOCKS, self.an_update(version, **options))
        )

        assert (error.sequence_number, error.entry_index) == (10, 1)
        assert reason in str(error)
        assert "(offset 10)" in str(error)

    def test_versions_in_another_order_than_the_journals(self):
        blocks = followed_by(BLOCKS, self.an_update(8))
        blocks = followed_by(
            blocks,
            b.a_transaction(
                b.a_revision(
                    transaction_id=b.an_id(0x998),
                    document_id=b.an_id(0xD002),
                    version=7,
                    operation=Operation.UPDATE,
                )
            ),
        )
        error = the_error(CorruptBlockError, blocks)

        assert error.sequence_number == 10

    def test_a_revision_after_a_delete(self):
        deleted = followed_by(BLOCKS, self.an_update(7, operation=Operation.DELETE))
        audited(deleted)
        after = b.a_revision(
            transaction_id=b.an_id(0x998),
            document_id=b.an_id(0xD002),
            version=8,
            operation=Operation.UPDATE,
        )
        error = the_error(CorruptBlockError, followed_by(deleted, b.a_transaction(after)))

        assert "(DELETE)" in str(error)
        assert error.sequence_number == 11

    def test_a_transaction_that_comes_twice(self):
        again = b.a_revision(transaction_id=b.an_id(0x105), document_id=b.an_id(0xAAAA))
        error = the_error(CorruptBlockError, followed_by(BLOCKS, b.a_transaction(again)))

        assert (error.sequence_number, error.entry_index) == (10, 0)
        assert "was committed before" in str(error)

    def test_a_transaction_that_comes_twice_while_an_audit_goes_on(self, tmp_path):
        again = b.a_revision(transaction_id=b.an_id(0x105), document_id=b.an_id(0xAAAA))
        log = SqliteLog(in_file(tmp_path / "journal.db", BLOCKS))
        source = partial(SqliteLog, log.path, read_only=True)
        with Auditor(source, ledger_name="registry", workers=1) as auditor:
            auditor.advance()
            auditor.report()
            log.append(followed_by(BLOCKS, b.a_transaction(again))[-1].encode())
            auditor.advance()
            with pytest.raises(CorruptBlockError, match="was committed before"):
                auditor.report()
        log.close()

    def test_a_revision_of_a_table_that_was_never_made(self):
        revision = b.a_revision(transaction_id=b.an_id(0x999), table_id=b.an_id(0xEEEE))
        error = the_error(CorruptBlockError, followed_by(BLOCKS, b.a_transaction(revision)))

        assert "not there yet" in str(error)

    def test_a_revision_of_a_table_that_was_dropped(self):
        dropped = followed_by(BLOCKS, drop(0x998, 1))
        audited(dropped)
        error = the_error(CorruptBlockError, followed_by(dropped, self.an_update(7)))

        assert error.sequence_number == 11
        assert "dropped before" in str(error)

    @pytest.mark.parametrize("status", ["DROPPED", "ACTIVE"])
    def test_no_revision_hides_between_two_drops_or_before_a_return(self, status):
        dropped = followed_by(followed_by(BLOCKS, drop(0x998, 1)), self.an_update(7))
        error = the_error(CorruptBlockError, followed_by(dropped, drop(0x997, 2, status)))

        assert error.sequence_number == 11
        assert "dropped before" in str(error)

    def test_a_table_that_came_back_takes_revisions_again(self):
        dropped = followed_by(BLOCKS, drop(0x998, 1))
        back = followed_by(dropped, drop(0x997, 2, "ACTIVE"))
        audited(followed_by(back, self.an_update(7)))

    @pytest.mark.parametrize("changes", [{"name": "other"}, {"strandId": b.id_text(b.an_id(7))}])
    def test_a_ledger_document_of_another_ledger(self, changes):
        ledger = ledger_document(b.a_ledger(checkpoint_key=KEY)) | changes
        revision = b.a_revision(
            ledger,
            transaction_id=b.an_id(0x999),
            table_id=LEDGER_TABLE_ID,
            document_id=BLOCKS[0].contents[1].document_id,
            version=1,
            operation=Operation.UPDATE,
        )
        error = the_error(CorruptBlockError, followed_by(BLOCKS, b.a_transaction(revision)))

        assert (error.sequence_number, error.entry_index) == (10, 1)
        assert "another name or strand" in str(error)

    def test_one_document_id_in_two_tables_is_two_documents(self):
        table = b.a_revision(
            table_document("other"),
            transaction_id=b.an_id(0x998),
            table_id=TABLES_TABLE_ID,
            document_id=b.an_id(0xF),
        )
        same_id = b.a_revision(
            {"n": 1},
            transaction_id=b.an_id(0x998),
            table_id=b.an_id(0xF),
            document_id=b.an_id(0xD002),
        )

        assert audited(followed_by(BLOCKS, b.a_transaction(table, same_id))).blocks == 11

    def test_a_system_document_of_another_shape(self):
        bad = b.a_revision(
            {"nonsense": True}, transaction_id=b.an_id(0x999), table_id=TABLES_TABLE_ID
        )
        error = the_error(CorruptBlockError, followed_by(BLOCKS, b.a_transaction(bad)))

        assert (error.sequence_number, error.entry_index) == (10, 1)

    def test_the_first_of_several_faults_is_named(self):
        blocks = followed_by(BLOCKS, self.an_update(9))
        again = b.a_revision(transaction_id=b.an_id(0x105), document_id=b.an_id(0xAAAA))
        error = the_error(CorruptBlockError, followed_by(blocks, b.a_transaction(again)))

        assert error.sequence_number == 10


class TestCheckpoints:
    def test_find_a_cut_tail(self):
        error = the_error(IntegrityError, BLOCKS[:7], key=KEY, anchors=[an_anchor(BLOCKS)])

        assert "the journal has only 7: its tail was cut from block 7 on" in str(error)

    def test_find_a_damaged_last_block_among_strangers(self):
        damaged = bytearray(BLOCKS[9].encode())
        damaged[-10] ^= 1
        error = the_error(
            IntegrityError,
            [*BLOCKS[:9], bytes(damaged)],
            exclusive=False,
            key=KEY,
            anchors=[an_anchor(BLOCKS)],
        )

        assert "cut from block 9 on; the record at offset 9 is damaged: entry 2" in str(error)

    @pytest.mark.parametrize("change", [change_payload, change_principal])
    @pytest.mark.parametrize("number", [2, 6, 9])
    def test_find_a_forgery_with_all_hashes_computed_anew(self, number, change):
        forged = relinked(BLOCKS, number, change)
        anchors = [an_anchor(BLOCKS[:4]), an_anchor(BLOCKS)]

        assert audited(forged, key=KEY).exit_code == 3
        error = the_error(IntegrityError, forged, key=KEY, anchors=anchors)
        expected = "blocks 0 to 3" if number < 4 else "blocks 4 to 9"
        assert f"one of the {expected} changed" in str(error)

    def test_an_unchanged_relinking_is_the_ledger(self):
        again = relinked(BLOCKS, 2, lambda entries, contents: None)

        assert [block.block_hash for block in again] == [block.block_hash for block in BLOCKS]

    def test_of_one_size_with_two_roots_are_the_evidence_of_a_fork(self):
        forged = relinked(BLOCKS, 6, change_payload)
        anchors = [an_anchor(BLOCKS), an_anchor(forged)]
        error = the_error(InconsistentCheckpointError, BLOCKS, key=KEY, anchors=anchors)

        assert {error.older, error.newer} == {each.note for each in anchors}

    def test_signed_by_somebody_else_are_rejected(self):
        anchor = an_anchor(BLOCKS, private_key=OTHER_PRIVATE_KEY)

        the_error(ProofRejectedError, BLOCKS, key=KEY, anchors=[anchor])

    def test_of_another_ledger_are_rejected(self):
        the_error(
            ProofRejectedError, BLOCKS, key=KEY, anchors=[an_anchor(BLOCKS, origin="indelible/x/y")]
        )

    def test_that_are_none_are_rejected(self):
        anchor = an_anchor(BLOCKS)._replace(note="hello\n")

        the_error(ProofRejectedError, BLOCKS, anchors=[anchor])

    def test_of_the_empty_tree_prove_nothing(self):
        empty = sign_checkpoint(
            Checkpoint(ORIGIN, 0, audit_empty_root()), ed25519_signer(PRIVATE_KEY, ORIGIN)
        )
        report = audited(BLOCKS, key=KEY, anchors=[an_anchor(BLOCKS)._replace(note=empty)])

        assert (report.anchored_blocks, report.exit_code) == (0, 3)

    def test_are_asked_first_where_the_journal_breaks_later(self):
        """A forged block 3, and a hole after block 7: the forgery comes first."""
        forged = relinked(BLOCKS, 3, change_payload)
        anchors = [an_anchor(BLOCKS[:5])]
        error = the_error(IntegrityError, [*forged[:8], forged[9]], key=KEY, anchors=anchors)

        assert "one of the blocks 0 to 4 changed" in str(error)


def audit_empty_root() -> bytes:
    from journal.hashing import EMPTY_ROOT

    return EMPTY_ROOT


class TestKeys:
    def test_another_ledgers_key_is_found(self):
        error = the_error(IntegrityError, BLOCKS, key=OTHER_KEY)

        assert "not with the pinned key" in str(error)

    def test_a_genesis_without_a_real_key_is_found(self):
        error = the_error(IntegrityError, a_history(3, key="hello"))

        assert "the first block names no key" in str(error)

    def test_a_text_that_is_no_key_is_an_input_error(self):
        the_error(InputError, BLOCKS, key="hello")

    def rotated(self, note=None, key=OTHER_KEY):
        if note is None:
            note = format_rotation(OTHER_KEY, ed25519_signer(PRIVATE_KEY, ORIGIN))
        ledger = ledger_document(b.a_ledger(checkpoint_key=key, key_rotation=note))
        revision = b.a_revision(
            ledger,
            transaction_id=b.an_id(0x999),
            table_id=LEDGER_TABLE_ID,
            document_id=b.an_id(0xC000),
            version=1,
            operation=Operation.UPDATE,
        )
        return followed_by(BLOCKS, b.a_transaction(revision, statements=("ROTATE KEY",)))

    @pytest.mark.parametrize("pinned", [KEY, OTHER_KEY], ids=["old key", "new key"])
    def test_a_rotation_is_followed_from_either_key(self, pinned):
        blocks = self.rotated()
        anchor = an_anchor(blocks, private_key=OTHER_PRIVATE_KEY)
        report = audited(blocks, key=pinned, anchors=[anchor, an_anchor(BLOCKS)])

        assert (report.proven, report.key_rotations) == (True, 1)
        assert report.current_key == OTHER_KEY

    def test_a_checkpoint_of_the_key_before_the_pinned_one_anchors_nothing(self):
        report = audited(self.rotated(), key=OTHER_KEY, anchors=[an_anchor(BLOCKS)])

        assert report.anchored_blocks == 0

    @pytest.mark.parametrize(
        ("note", "key"),
        [
            ("", OTHER_KEY),
            ("hello", OTHER_KEY),
            (format_rotation(KEY, ed25519_signer(OTHER_PRIVATE_KEY, ORIGIN)), OTHER_KEY),
        ],
        ids=["no note", "no note at all", "signed by the new key"],
    )
    def test_a_rotation_that_the_old_key_did_not_sign_is_found(self, note, key):
        the_error(IntegrityError, self.rotated(note, key))
