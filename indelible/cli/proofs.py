"""`checkpoint`, `receipt`, `consistency`, `verify`, `key`, `witness`: what proves things to others."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from indelible.cli.arguments import JsonOption, UrlArgument, argument
from indelible.cli.output import print_json, print_note, print_pairs
from indelible.cli.session import session_of
from indelible.client.addresses import FileAddress
from indelible.client.state import StateFolder
from indelible.client.witness import Witness, new_witness_key
from indelible.engine.keys import KeyFolder
from indelible.engine.ledgers import folder_of
from journal.ambient import system_clock
from journal.errors import InputError
from verifier.command import main as verify_file
from verifier.encoding import write_base64
from verifier.note import NOTE_SIZE_MAX
from verifier.tlog_proof import format_tlog_proof

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="VKEY",
        help="The ledger's public key as you know it; left out, the one seen first is trusted.",
        show_default=False,
    ),
]
WitnessOption = Annotated[
    list[str] | None,
    typer.Option(
        "--witness",
        metavar="VKEY",
        help="Public key of a witness that must have cosigned. Repeat it.",
        show_default=False,
    ),
]
ThresholdOption = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        help="How many of the witnesses must have cosigned; left out, all.",
        show_default=False,
    ),
]
_SIZE: Final = "Number of blocks."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        short_help="Print a signed checkpoint.",
        epilog="Example: indelible checkpoint file:./registry --save",
    )(checkpoint)
    app.command(
        short_help="Print what proves a revision or a transaction.",
        epilog="Example: indelible receipt file:./registry 0353JXaMzkRfh4UI4Vel6e --version 2",
    )(receipt)
    app.command(
        short_help="Print the proof that a larger tree continues a smaller one.",
        epilog="Example: indelible consistency file:./registry 10 20",
    )(consistency)
    app.command(
        short_help="Verify a receipt, checkpoint or evidence, offline.",
        epilog="Example: indelible verify receipt.json --key indelible/registry/0353JXaMPn+49d378ec+ASpB",
    )(verify)
    app.command(
        short_help="Cosign a checkpoint that continues the last one seen.",
        epilog="Example: indelible witness file:./registry --key witness.pem",
    )(witness)
    group = typer.Typer(
        help="Signing keys of ledgers and witnesses.",
        no_args_is_help=True,
        epilog="Example: indelible key show file:./registry",
    )
    group.command(
        short_help="Show a ledger's public key.",
        epilog="Example: indelible key show file:./registry",
    )(show)
    group.command(
        short_help="Give a ledger a new signing key.",
        epilog="Example: indelible key rotate file:./registry",
    )(rotate)
    group.command(
        short_help="Make a witness's key pair.",
        epilog="Example: indelible key new witness.pem --name witness.example.com/w1",
    )(new)
    app.add_typer(group, name="key")


def checkpoint(
    context: typer.Context,
    url: UrlArgument = None,
    *,
    key: KeyOption = None,
    witnesses: WitnessOption = None,
    threshold: ThresholdOption = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep it, so that later audits start from it.")
    ] = False,
    cosign: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep this checkpoint, which witnesses have cosigned, for clients that ask for them.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a checkpoint of all blocks: a C2SP signed note, verified against what was seen before.

    One that is newer than the last is signed. With --witness none is: the newest that has cosignatures is
    printed, and may be of fewer blocks. With --cosign none is either, and what is kept is printed.
    """
    session = session_of(context)
    (target,) = session.url_and(url)
    trust: dict[str, Any] = {"key": key, "witnesses": witnesses or (), "threshold": threshold}
    with session.reader(target, **trust) as ledger:
        found = ledger.checkpoint() if cosign is None else ledger.cosign(_note_in(cosign))
    if save:
        path = StateFolder.default().save_checkpoint(found.origin, found.tree_size, found.note)
        print_note(f"saved as {path}")
    if as_json:
        print_json(
            {
                "origin": found.origin,
                "treeSize": found.tree_size,
                "rootHash": write_base64(found.root_hash),
                "note": found.note,
                "keyChain": list(found.key_chain),
            }
        )
    else:
        sys.stdout.write(found.note)


def receipt(
    context: typer.Context,
    url: UrlArgument = None,
    identifier: Annotated[str | None, argument("ID", "Of a document, or of a transaction.")] = None,
    *,
    version: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Which version of the document, from 0; left out, the newest.",
            show_default=False,
        ),
    ] = None,
    key: KeyOption = None,
    witnesses: WitnessOption = None,
    threshold: ThresholdOption = None,
    tlog_proof: Annotated[
        bool, typer.Option("--tlog-proof", help="As a C2SP tlog-proof, instead of JSON.")
    ] = False,
) -> None:
    """Print the receipt of a document's revision or of a transaction, after verifying it.

    Whoever has it and the ledger's public key needs nothing else: indelible verify FILE --key VKEY. With
    --witness it leads to the newest checkpoint that has cosignatures.
    """
    session = session_of(context)
    target, wanted = session.url_and(url, identifier)
    trust: dict[str, Any] = {"key": key, "witnesses": witnesses or (), "threshold": threshold}
    with session.reader(target, **trust) as ledger:
        found = ledger.receipt(wanted, version=version)
        found.verify()
    data = format_tlog_proof(found.data).encode() if tlog_proof else found.data.to_bytes()
    sys.stdout.buffer.write(data)


def consistency(
    context: typer.Context,
    url: UrlArgument = None,
    size_1: Annotated[str | None, argument("A", _SIZE)] = None,
    size_2: Annotated[str | None, argument("B", _SIZE + " Not less than A.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Print the hashes that prove the tree of the first A blocks to be the beginning of that of B.

    One a line in base64, in the order of RFC 9162 section 2.1.4; none where A is B.
    """
    session = session_of(context)
    target, first, second = session.url_and(url, size_1, size_2)
    with session.reader(target) as ledger:
        proof = [write_base64(each) for each in ledger.consistency(_size(first), _size(second))]
    if as_json:
        print_json(proof)
    else:
        sys.stdout.write("".join(f"{each}\n" for each in proof))


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A receipt, a .tlog-proof, a checkpoint, or evidence of a fork; - is standard input.",
        ),
    ],
    *,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="VKEY",
            help="The ledger's public key, as you know it from elsewhere.",
            show_default=False,
        ),
    ] = None,
    witnesses: WitnessOption = None,
    threshold: ThresholdOption = None,
    without_payload: Annotated[
        bool,
        typer.Option("--without-payload", help="Accept a receipt whose document was left out."),
    ] = False,
) -> None:
    """Verify a file offline; what it is, is told by its content. The same as python -m verifier.

    Exit code 0: proven. 2: no key, or a key or file that is none. 3: evidence that the ledger gave no
    valid proof, which proves no fork by itself. 7: refused.
    """
    given = [f"--key={key}"] if key is not None else []
    given += [f"--witness={each}" for each in witnesses or ()]
    given += [f"--threshold={threshold}"] if threshold is not None else []
    given += ["--without-payload"] if without_payload else []
    sys.stdout.flush()
    raise typer.Exit(verify_file([*given, "--", str(file)]))


def witness(
    context: typer.Context,
    url: UrlArgument = None,
    *,
    key: Annotated[
        Path,
        typer.Option(
            "--key", metavar="FILE", help="The witness's private key (indelible key new)."
        ),
    ],
    ledger_key: Annotated[
        str | None,
        typer.Option(
            metavar="VKEY",
            help="The ledger's public key as you know it; left out, the one seen first is trusted.",
            show_default=False,
        ),
    ] = None,
    checkpoint_file: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="Cosign this checkpoint, as other witnesses have; left out, the newest.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print a checkpoint of the ledger with a witness's cosignature, if it continues the last one seen.

    What was seen is kept beside the key. A checkpoint that contradicts it is not cosigned: both are kept
    as evidence.
    """
    session = session_of(context)
    (target,) = session.url_and(url)
    found = Witness(key, passphrase=_passphrase(), clock=system_clock)
    note = None if checkpoint_file is None else _note_in(checkpoint_file)
    with session.reader(target, key=ledger_key) as ledger:
        sys.stdout.write(found.cosign(ledger, note))


def show(context: typer.Context, url: UrlArgument = None, *, as_json: JsonOption = False) -> None:
    """Show the public key by which a ledger's checkpoints are verified, and where its private key is."""
    session = session_of(context)
    (target,) = session.url_and(url)
    with session.reader(target) as ledger:
        public = ledger.status().checkpoint_key
    address = session.stored(target)
    folder = address.folder if isinstance(address, FileAddress) else address.folder()
    here = KeyFolder(folder).present
    if as_json:
        print_json({"publicKey": public, "folder": str(folder), "privateKeyHere": here})
    else:
        print_pairs(
            {"public key": public, "private key": str(folder) if here else "not on this machine"}
        )


def rotate(context: typer.Context, url: UrlArgument = None, *, as_json: JsonOption = False) -> None:
    """Give a ledger a new signing key, in a transaction of the ledger itself.

    The old key signs the new one, and receipts carry that: who pinned the old key goes on verifying. This
    is for keys that are retired. After a theft, tell everybody the new key: the thief can rotate, too.
    """
    session = session_of(context)
    (target,) = session.url_and(url)
    folder_of(session.stored(target))  # refuses a folder without a ledger, which would become one
    with session.writer(target) as ledger:
        public = ledger.rotate_key()
    if as_json:
        print_json({"publicKey": public})
    else:
        print_pairs({"public key": public})


def new(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Gets the private key; FILE.pub the public one.")
    ],
    *,
    name: Annotated[
        str,
        typer.Option(metavar="NAME", help="The witness's name: a URL without scheme."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Make a witness's key pair; encrypted if INDELIBLE_KEY_PASSPHRASE is set.

    A ledger's own key is made with the ledger.
    """
    public = new_witness_key(file, name, _passphrase())
    if as_json:
        print_json({"publicKey": public})
    else:
        print_pairs({"public key": public})


def _passphrase() -> bytes | None:
    return KeyFolder(Path()).passphrase


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InputError(f"not a number of blocks: {text!r}")
    return int(text)


def _note_in(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(NOTE_SIZE_MAX + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
