"""One suite over everything that remembers ledgers for a client: files and memory."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indelible.client.state import ClientState, StateFolder, StateInMemory
from journal.errors import ConfigurationError
from verifier.keys import format_verifier_key

KEYS = [format_verifier_key("example.com/log", bytes([number]) * 32) for number in range(3)]
URL = "file:/registry"


@pytest.fixture(params=["folder", "memory"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> ClientState:
    return StateFolder(tmp_path / "state") if request.param == "folder" else StateInMemory()


def test_nothing_is_known_at_first(state: ClientState) -> None:
    assert state.known(URL) is None
    assert state.last(KEYS[0]) is None


def test_the_first_key_stays(state: ClientState) -> None:
    first = state.remember(URL, KEYS[0])
    second = state.remember(URL, KEYS[1])

    assert first == second == state.known(URL)
    assert first.key == KEYS[0]
    assert first.place
    assert state.remember("file:/other", KEYS[1]).key == KEYS[1]
    assert state.known(URL) == first


def test_the_last_checkpoint_is_replaced_only_by_who_knows_it(state: ClientState) -> None:
    assert not state.replace_last(KEYS[0], "nothing", "a")
    assert state.replace_last(KEYS[0], None, "a")
    assert not state.replace_last(KEYS[0], None, "b")
    assert state.last(KEYS[0]) == "a"
    assert state.replace_last(KEYS[0], "a", "b")
    assert (state.last(KEYS[0]), state.last(KEYS[1])) == ("b", None)


def test_what_was_cosigned_is_remembered_by_itself(state: ClientState) -> None:
    assert state.replace_last(KEYS[0], None, "a")
    assert state.last(KEYS[0], witnessed=True) is None
    assert state.replace_last(KEYS[0], None, "b", witnessed=True)
    assert not state.replace_last(KEYS[0], "a", "c", witnessed=True)
    assert (state.last(KEYS[0]), state.last(KEYS[0], witnessed=True)) == ("a", "b")


def test_of_many_that_replace_one_wins(state: ClientState) -> None:
    state.replace_last(KEYS[0], None, "0")
    won: list[int] = []

    def race(number: int) -> None:
        if state.replace_last(KEYS[0], "0", str(number)):
            won.append(number)

    together([lambda number=number: race(number) for number in range(1, 9)])  # type: ignore[misc]

    assert len(won) == 1
    assert state.last(KEYS[0]) == str(won[0])


def test_of_many_that_remember_one_wins(state: ClientState) -> None:
    found: list[str] = []
    together([lambda key=key: found.append(state.remember(URL, key).key) for key in KEYS * 3])  # type: ignore[misc]

    assert len(set(found)) == 1


def together(calls: list[Callable[[], Any]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_files_are_the_users_alone(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    state.remember(URL, KEYS[0])
    state.replace_last(KEYS[0], None, "note\n")
    evidence = Path(state.save_evidence("e.json", b"{}"))
    saved = state.save_checkpoint("example.com/log", 7, "note\n")
    modes = {path.stat().st_mode & 0o777 for path in state.path.rglob("*") if path.is_file()}

    assert modes == {0o600}
    assert evidence.read_bytes() == b"{}"
    assert saved.read_text() == "note\n"
    assert state.path.stat().st_mode & 0o777 == 0o700


def test_saved_checkpoints_come_by_size(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    for size in (100, 9, 20):
        state.save_checkpoint("example.com/log", size, f"{size}")

    assert state.saved_checkpoints("example.com/log") == ["9", "20", "100"]
    assert state.saved_checkpoints("example.com/other") == []


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    state = StateFolder(tmp_path / "file")
    calls: list[Callable[[], Any]] = [
        lambda: state.remember(URL, KEYS[0]),
        lambda: state.replace_last(KEYS[0], None, "a"),
        lambda: state.save_evidence("a", b""),
        lambda: state.known(URL),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError, match="file"):
            call()


def test_what_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "known_ledgers").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="known_ledgers"):
        StateFolder(tmp_path).known(URL)


def test_what_is_too_long_is_not_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a key at the end would be forgotten, and whatever comes next trusted in its place."""
    state = StateFolder(tmp_path)
    state.remember("file:/other", KEYS[0])
    size = (tmp_path / "known_ledgers").stat().st_size
    state.remember(URL, KEYS[1])
    monkeypatch.setattr("indelible.client.state._FILE_SIZE_MAX", size)
    with pytest.raises(ConfigurationError, match="known_ledgers has more than"):
        state.known(URL)


def test_a_line_added_by_hand_without_an_end_is_kept(tmp_path: Path) -> None:
    (tmp_path / "known_ledgers").write_text(f"file:/other {KEYS[1]}")
    state = StateFolder(tmp_path)
    state.remember(URL, KEYS[0])

    assert state.known("file:/other") is not None
    assert (tmp_path / "known_ledgers").read_text().count("\n") == 2
