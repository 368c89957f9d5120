"""Go's `golang.org/x/mod/sumdb/{note,tlog}` reads our notes, tiles, bundles and proofs.

External compatibility, not self-consistency: `go_tlog/main.go` opens the signed checkpoint, recomputes
the root from the tiles and from the entries, and compares all proofs with those that Go makes itself.
Skipped where there is no Go, or its module cannot be fetched, unless INDELIBLE_REQUIRE_GO is set.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from journal.hashing import leaf_hash
from tests.support.signing import ORIGIN, a_key, a_signer, a_witness
from verifier.checkpoint import Checkpoint, sign_checkpoint
from verifier.encoding import write_base64
from verifier.merkle import Leaves, prove_consistency, prove_inclusion, tree_root
from verifier.tiles import bundles_of, encode_bundle, format_path, tile_bytes, tiles_of
from verifier.witness import cosign

PROGRAM = Path(__file__).parent / "go_tlog"
ENVIRONMENT = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
SIZES = [1, 2, 3, 255, 256, 257, 511, 513, 65_536, 65_537, 70_000]


def cannot_run(reason: str):
    if os.environ.get("INDELIBLE_REQUIRE_GO"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def interop(tmp_path_factory) -> str:
    """The program, compiled."""
    if shutil.which("go") is None:
        cannot_run("there is no Go")
    download = subprocess.run(
        ["go", "mod", "download"],
        cwd=PROGRAM,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if download.returncode:
        cannot_run(f"golang.org/x/mod cannot be fetched: {download.stderr[-200:]}")
    binary = tmp_path_factory.mktemp("go") / "interop"
    subprocess.run(["go", "build", "-o", binary, "."], cwd=PROGRAM, env=ENVIRONMENT, check=True)
    return str(binary)


def export(folder: Path, size: int) -> None:
    """A log of `size` small entries, as files; with proofs of some records and smaller trees."""
    entries = [b"entry %d" % n for n in range(size)]
    hashes = [leaf_hash(entry) for entry in entries]
    reader = Leaves(hashes)
    for tile in tiles_of(size):
        write(folder / format_path(tile), tile_bytes(tile, reader))
    for bundle in bundles_of(size):
        start = bundle.position * 256
        write(folder / format_path(bundle), encode_bundle(entries[start : start + bundle.width]))
    note = sign_checkpoint(Checkpoint(ORIGIN, size, tree_root(size, reader)), a_signer())
    write(folder / "checkpoint", cosign(note, a_witness()).encode())
    places = {n for n in (*range(4), 254, 255, 256, 257, 65_535, 65_536, size // 3) if n < size}
    proofs = {
        "records": [
            {"index": index, "proof": texts(prove_inclusion(index, size, reader))}
            for index in sorted(places | {size - 1})
        ],
        "trees": [
            {
                "size": before,
                "root": write_base64(tree_root(before, reader)),
                "proof": texts(prove_consistency(before, size, reader)),
            }
            for before in sorted({place + 1 for place in places} | {size})
        ],
    }
    write(folder / "proofs.json", json.dumps(proofs).encode())


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def texts(proof: list[bytes]) -> list[str]:
    return [write_base64(one) for one in proof]


def run(interop: str, folder: Path, key: str | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [interop, folder, key or a_key()], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("size", SIZES)
def test_go_reads_all_of_an_exported_log(interop, tmp_path, size):
    export(tmp_path, size)

    exit_code, output = run(interop, tmp_path)

    assert (exit_code, output.startswith(f"ok: {size} records")) == (0, True), output


def test_go_refuses_the_checkpoint_under_another_key(interop, tmp_path):
    export(tmp_path, 3)

    exit_code, output = run(interop, tmp_path, a_key("another"))

    assert exit_code == 1
    assert "checkpoint: " in output


def test_go_refuses_a_checkpoint_whose_text_was_changed(interop, tmp_path):
    export(tmp_path, 257)
    path = tmp_path / "checkpoint"
    path.write_text(path.read_text().replace("\n257\n", "\n256\n"))

    exit_code, output = run(interop, tmp_path)

    assert exit_code == 1
    assert "checkpoint: " in output


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/001.p/1"]
)
def test_go_refuses_a_log_with_one_bit_changed(interop, tmp_path, path):
    """So the program does look at each file."""
    export(tmp_path, 257)
    data = bytearray((tmp_path / path).read_bytes())
    data[-1] ^= 1
    (tmp_path / path).write_bytes(data)

    assert run(interop, tmp_path)[0] == 1


@pytest.mark.parametrize("kind", ["records", "trees"])
def test_go_refuses_a_changed_proof(interop, tmp_path, kind):
    export(tmp_path, 257)
    path = tmp_path / "proofs.json"
    proofs = json.loads(path.read_text())
    proofs[kind][0]["proof"][-1] = write_base64(bytes(32))
    path.write_text(json.dumps(proofs))

    assert run(interop, tmp_path)[0] == 1
