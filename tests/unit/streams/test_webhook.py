"""Webhooks: signed, in order, nothing skipped, whatever the receiver does."""

import hmac
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

import indelible
from infra.processes import free_ports
from journal.errors import InputError, IntegrityError, LedgerLockedError
from streams.webhook import WebhookSink
from tests.support.feeding import export_once
from tests.support.receiver import Receiver
from tests.support.streamed import written

SECRET = b"0123456789abcdef"


@pytest.fixture
def url(tmp_path: Path) -> str:
    found = f"file:{tmp_path / 'registry'}"
    with indelible.connect(found) as ledger:
        ledger.execute("CREATE TABLE vehicles")
        for number in range(6):
            ledger.execute("INSERT INTO vehicles ?", {"n": number})
        ledger.execute("UPDATE vehicles SET owner = 'ann'")
    return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def a_sink(url: str, folder: Path, **options: object) -> WebhookSink:
    settings = {"secret": SECRET, "position_file": folder / "position", "answer_seconds": 0.3}
    return WebhookSink(url, "ledger", {}, **{**settings, **options})


def expect_all_in_order(receiver: Receiver, url: str) -> None:
    """Accepted without copies: what the journal has."""
    seen = [(each["_document_id"], each["_version"], each["_hash"]) for each in receiver.accepted]

    assert list(dict.fromkeys(seen)) == [(w.document_id, w.version, w.hash) for w in written(url)]


def test_each_revision_is_sent_once_in_order(receiver: Receiver, url: str, tmp_path: Path) -> None:
    export_once(url, a_sink(receiver.url, tmp_path))
    export_once(url, a_sink(receiver.url, tmp_path))

    expect_all_in_order(receiver, url)
    assert len(receiver.requests) == 12
    assert receiver.accepted[0]["_table"] == "vehicles"
    assert receiver.accepted[0]["_entry_index"] == 1


def test_a_request_is_signed_and_names_itself(receiver: Receiver, url: str, tmp_path: Path) -> None:
    sink = a_sink(receiver.url, tmp_path, clock=lambda: 1_795_552_913_000_000)
    export_once(url, sink)
    headers, body = receiver.requests[0]
    signed = hmac.new(SECRET, b"1795552913." + body, sha256).hexdigest()
    with indelible.connect(url, read_only=True) as ledger:
        strand = ledger.status().tip.strand_id

    assert headers["Indelible-Timestamp"] == "1795552913"
    assert headers["Indelible-Signature"] == f"v1={signed}"
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == f"{strand}:2:1"


def test_without_a_secret_nothing_claims_to_be_signed(
    receiver: Receiver, url: str, tmp_path: Path
) -> None:
    export_once(url, a_sink(receiver.url, tmp_path, secret=None))

    assert "Indelible-Signature" not in receiver.requests[0][0]


@pytest.mark.slow
@pytest.mark.parametrize("trouble", [500, 404, 301, 429, 0.5], ids=str)
def test_a_receiver_in_trouble_gets_the_same_request_again(
    trouble: float, receiver: Receiver, url: str, tmp_path: Path
) -> None:
    receiver.answer = lambda count: trouble if count in {2, 3} else 200
    export_once(url, a_sink(receiver.url, tmp_path))

    expect_all_in_order(receiver, url)
    keys = receiver.idempotency_keys
    assert keys[2] == keys[3] == keys[4]
    assert len(receiver.requests) == 14


def test_a_receiver_that_is_down_is_waited_for(url: str, tmp_path: Path) -> None:
    import threading

    (port,) = free_ports(1)
    sink = a_sink(f"http://127.0.0.1:{port}/hook", tmp_path)
    thread = threading.Thread(target=export_once, args=(url, sink))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    with Receiver(port) as receiver:
        thread.join(30)

        assert not thread.is_alive()
        expect_all_in_order(receiver, url)


def test_a_failure_in_the_middle_of_a_block_goes_on_from_that_entry(
    receiver: Receiver, url: str, tmp_path: Path
) -> None:
    """The UPDATE's six revisions are one block: those accepted before the failure are not sent again."""
    receiver.answer = lambda count: 500 if count == 9 else 200
    export_once(url, a_sink(receiver.url, tmp_path))

    assert len(receiver.accepted) == len(set(receiver.idempotency_keys)) == 12


def test_the_position_of_another_ledger_is_refused(
    receiver: Receiver, url: str, tmp_path: Path
) -> None:
    export_once(url, a_sink(receiver.url, tmp_path))
    other = WebhookSink(receiver.url, "other", {}, secret=None, position_file=tmp_path / "position")
    with pytest.raises(IntegrityError, match="is of ledger 'ledger'"):
        other.open()
    other.close()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"ledger":"ledger"}'])
def test_a_damaged_position_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "position").write_bytes(content)
    sink = a_sink("http://127.0.0.1:1/", tmp_path)
    with pytest.raises(IntegrityError, match="no position"):
        sink.open()
    sink.close()


def test_two_exporters_with_one_position_do_not_run_beside_each_other(tmp_path: Path) -> None:
    first = a_sink("http://127.0.0.1:1/", tmp_path)
    first.open()
    with pytest.raises(LedgerLockedError):
        a_sink("http://127.0.0.1:1/", tmp_path).open()
    first.close()


@pytest.mark.parametrize("url", ["", "ftp://host/", "http://", "host/path", "file:///etc/passwd"])
def test_what_is_no_webhook_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="webhook"):
        a_sink(url, tmp_path)
