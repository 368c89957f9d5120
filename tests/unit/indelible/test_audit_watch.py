"""An audit that goes on: it checks what arrives, remembers, and hands over evidence."""

import json
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import indelible
from indelible.client.addresses import FileAddress
from indelible.engine.audit_watch import Watch, post_evidence, recall, watch
from journal.errors import ConfigurationError, InputError, IntegrityError


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
    import shutil

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


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"origin": 1}', b"\xff"])
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

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x", "x", ""])
    def test_of_another_scheme_is_refused(self, url):
        with pytest.raises(InputError):
            post_evidence(url, {})
