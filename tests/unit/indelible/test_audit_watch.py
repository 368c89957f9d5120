"""An audit that goes on: it checks what arrives, remembers, and hands over evidence."""

import json
import shutil
import socket
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import indelible
from indelible.client.addresses import FileAddress
from indelible.engine.audit_metrics import AuditMetrics
from indelible.engine.audit_watch import Watch, post_evidence, recall, watch
from journal.errors import (
    ConfigurationError,
    InputError,
    IntegrityError,
    UnknownLedgerError,
)


class Ear:
    """Listens to a watch; acts after each report."""

    def __init__(self, *acts):
        self.acts, self.reports, self.evidence, self.trouble = list(acts), [], [], []

    def report(self, report):
        self.reports.append(report)
        if not self.acts:
            return True
        self.acts.pop(0)()
        return False

    def run(self, folder, memory, **options):
        what = Watch(
            address=FileAddress(folder=folder),
            memory=memory,
            interval=0.01,
            on_report=self.report,
            on_evidence=self.evidence.append,
            on_trouble=self.trouble.append,
            **options,
        )
        watch(what, threading.Event())


@pytest.fixture
def folder(tmp_path):
    with indelible.connect(f"file:{tmp_path / 'ledger'}") as ledger:
        ledger.execute("CREATE TABLE cars")
        ledger.execute("INSERT INTO cars ?", {"n": 1})
        ledger.checkpoint()
    return tmp_path / "ledger"


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "memory" / "tree.json"


def add(folder, *, signed=True):
    with indelible.connect(f"file:{folder}") as ledger:
        ledger.execute("UPDATE cars AS c SET c.n = c.n + 1")
        if signed:
            ledger.checkpoint()


def sql(folder, statement):
    with sqlite3.connect(folder / "journal.db") as connection:
        connection.execute(statement)
    connection.close()


def test_blocks_are_checked_as_they_arrive(folder, memory):
    ear = Ear(lambda: add(folder), lambda: add(folder))
    ear.run(folder, memory)

    assert [report.blocks for report in ear.reports] == [3, 4, 5]
    assert recall(memory).tree_size == 5
    assert not ear.evidence


def test_a_damaged_block_that_arrives_ends_it_with_evidence(folder, memory):
    def forge():
        add(folder)
        sql(folder, "update log set value = cast(value || x'00' as blob) where offset = 3")

    ear = Ear(forge)
    with pytest.raises(IntegrityError, match="block 3"):
        ear.run(folder, memory)

    (evidence,) = ear.evidence
    assert evidence["code"] == "corrupt_block"
    assert evidence["lastWhole"]["tree_size"] == 3
    assert evidence["checkpoints"][0]["note"] == (folder / "last-signed").read_text()
    json.dumps(evidence)


def test_what_was_cut_while_nobody_watched_is_found(folder, memory):
    add(folder)
    Ear().run(folder, memory)
    sql(folder, "delete from log where offset = 3")
    (folder / "last-signed").unlink()
    ear = Ear()

    with pytest.raises(IntegrityError, match="its tail was cut from block 3 on"):
        ear.run(folder, memory)
    assert len(ear.evidence) == 1


def test_another_history_of_the_same_length_is_found(folder, memory):
    shutil.copytree(folder, folder.with_name("earlier"))
    add(folder)
    Ear().run(folder, memory)
    add(folder.with_name("earlier"), signed=False)

    with pytest.raises(IntegrityError, match="was written anew"):
        Ear().run(folder.with_name("earlier"), memory)


def test_another_ledger_in_its_place_is_found(folder, memory, tmp_path):
    Ear().run(folder, memory)
    with indelible.connect(f"file:{tmp_path / 'other'}"):
        pass

    with pytest.raises(IntegrityError, match="remembers ledger"):
        Ear().run(tmp_path / "other", memory)


def test_a_journal_file_that_was_replaced_is_audited_anew(folder, memory):
    """The one that is open goes on to exist, unchanged."""

    def replace():
        forged = shutil.copytree(folder, folder.with_name("forged"))
        sql(forged, "update log set value = cast(value || x'00' as blob) where offset = 1")
        (forged / "journal.db").replace(folder / "journal.db")

    ear = Ear(replace)
    with pytest.raises(IntegrityError, match="block 1"):
        ear.run(folder, memory)

    assert len(ear.evidence) == 1


def test_a_journal_that_disappears_is_a_failed_check(folder, memory):
    ear = Ear(lambda: shutil.rmtree(folder))
    with pytest.raises(IntegrityError, match="remembers one of 3 blocks"):
        ear.run(folder, memory)

    assert ear.evidence[0]["code"] == "journal_replaced"


def test_a_journal_that_never_was_there_is_none(tmp_path, memory):
    ear = Ear()
    with pytest.raises(UnknownLedgerError):
        ear.run(tmp_path / "nothing", memory)

    assert ear.evidence == []


@pytest.mark.parametrize("kept", [None, b"{"])
def test_a_damaged_memory_keeps_no_evidence_back(folder, memory, kept):
    memory.parent.mkdir()
    if kept is not None:
        memory.write_bytes(kept)
    sql(folder, "update log set value = cast(value || x'00' as blob) where offset = 2")
    ear = Ear()
    with pytest.raises(IntegrityError, match="block 2"):
        ear.run(folder, memory)

    (evidence,) = ear.evidence
    assert evidence["lastWhole"] is None


class TestMetrics:
    def values(self, path):
        lines = path.read_text().splitlines()
        return dict(line.split(" ") for line in lines if not line.startswith("#"))

    def test_follow_what_is_checked(self, folder, memory, tmp_path):
        path, seen = tmp_path / "audit.prom", []

        def look():
            seen.append(self.values(path))
            add(folder)

        Ear(look, look).run(folder, memory, metrics=path)
        seen.append(self.values(path))

        assert [each["indelible_audit_blocks"] for each in seen] == ["3", "4", "5"]
        assert [each["indelible_audit_revisions_checked"] for each in seen] == ["3", "4", "5"]
        assert [each["indelible_audit_checkpoint_size"] for each in seen] == ["3", "4", "5"]
        assert float(seen[-1]["indelible_audit_seconds_since_success"]) < 60
        assert seen[-1]["indelible_audit_failures_total"] == "0"
        assert seen[-1]["indelible_audit_proven"] == "0"  # no key was pinned
        assert sorted(each.name for each in tmp_path.iterdir()) == [
            "audit.prom",
            "ledger",
            "memory",
        ]
        assert path.stat().st_mode & 0o044

    def test_count_the_check_that_failed_and_keep_when_all_was_whole(
        self, folder, memory, tmp_path
    ):
        path = tmp_path / "audit.prom"
        with pytest.raises(IntegrityError):
            Ear(lambda: sql(folder, "delete from log")).run(folder, memory, metrics=path)

        found = self.values(path)
        assert (found["indelible_audit_failures_total"], found["indelible_audit_blocks"]) == (
            "1",
            "3",
        )
        assert float(found["indelible_audit_last_success_timestamp_seconds"]) > 0

    def test_count_from_the_last_success(self, tmp_path):
        now = [7_000_000]
        metrics = AuditMetrics(tmp_path / "audit.prom", clock=lambda: now[0])
        metrics.write()
        before = self.values(metrics.path)
        metrics.succeeded_at = 7_000_000
        now[0] = 19_500_000
        metrics.write()
        after = self.values(metrics.path)

        assert before["indelible_audit_seconds_since_success"] == "+Inf"
        assert before["indelible_audit_last_success_timestamp_seconds"] == "0.000"
        assert after["indelible_audit_seconds_since_success"] == "12.500"
        assert after["indelible_audit_last_success_timestamp_seconds"] == "7.000"

    def test_every_metric_says_what_it_is_and_stands_in_the_guide(self):
        text = AuditMetrics(None).text()
        page = Path(__file__).parents[3] / "docs" / "guide" / "audit.md"
        names = [line.split(" ")[0] for line in text.splitlines() if line[0] != "#"]

        assert text.count("# HELP ") == text.count("# TYPE ") == len(names) == 8
        assert [name for name in names if f"`{name}`" not in page.read_text()] == []

    def test_a_file_that_cannot_be_written_is_said_at_once(self, folder, memory, tmp_path):
        with pytest.raises(ConfigurationError, match="nowhere"):
            Ear().run(folder, memory, metrics=tmp_path / "nowhere" / "audit.prom")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"origin": 1}', b"\xff", b"[" * 9000])
def test_a_damaged_memory_is_not_passed_over(folder, memory, data):
    memory.parent.mkdir()
    memory.write_bytes(data)

    with pytest.raises(ConfigurationError, match=r"tree\.json"):
        Ear().run(folder, memory)


def test_stopped_before_it_begins_it_does_nothing(folder, memory):
    stop = threading.Event()
    stop.set()
    ear = Ear()
    watch(
        Watch(
            address=FileAddress(folder=folder),
            memory=memory,
            on_report=ear.report,
            on_evidence=ear.evidence.append,
            on_trouble=ear.trouble.append,
        ),
        stop,
    )

    assert (ear.reports, memory.exists()) == ([], False)


class TestWebhook:
    @pytest.fixture
    def server(self):
        class Handler(BaseHTTPRequestHandler):
            status, bodies = 204, []

            def do_POST(self):
                self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(self.status)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        Handler.bodies = []
        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server, Handler
        server.shutdown()
        thread.join()
        server.server_close()

    def test_gets_the_evidence_as_json(self, server):
        at, handler = server

        assert post_evidence(f"http://127.0.0.1:{at.server_port}/x", {"code": "integrity"}) == ""
        assert [json.loads(body) for body in handler.bodies] == [{"code": "integrity"}]

    def test_that_does_not_take_it_is_asked_again_and_reported(self, server):
        at, handler = server
        handler.status = 500

        assert "500" in post_evidence(f"http://127.0.0.1:{at.server_port}/x", {})
        assert len(handler.bodies) == 3

    def test_that_is_not_there_is_reported(self, server):
        assert post_evidence("http://127.0.0.1:1/x", {}) != ""

    @pytest.mark.parametrize(
        "answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 x\r\n\r\n", b"x" * 90_000]
    )
    def test_that_does_not_speak_http_is_reported(self, answer):
        """Whatever it answers, the audit has to end with what it found."""
        listener = socket.create_server(("127.0.0.1", 0))

        def answer_three():
            for _ in range(3):
                connection, _ = listener.accept()
                connection.recv(65_536)
                connection.sendall(answer)
                connection.close()

        thread = threading.Thread(target=answer_three, daemon=True)
        thread.start()
        problem = post_evidence(f"http://127.0.0.1:{listener.getsockname()[1]}/x", {"a": 1})
        thread.join()
        listener.close()

        assert problem != ""

    @pytest.mark.parametrize("url", ["http://", "http://[::1", "http://a b/", "http://x:y/"])
    def test_of_no_place_is_reported(self, url):
        assert post_evidence(url, {}) != ""

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x", "x", ""])
    def test_of_another_scheme_is_refused(self, url):
        with pytest.raises(InputError):
            post_evidence(url, {})
