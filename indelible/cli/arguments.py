"""Arguments and options that several commands take, and values read from them."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from journal import document
from journal.errors import InputError, InvalidDocumentError

PARAMETER_SIZE_MAX: Final = 8 * 1024 * 1024
FILE_SIZE_MAX: Final = 1024 * 1024

UrlArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="URL",
        help="The ledger: file:DIR or kafka://HOST:PORT/LEDGER?data=DIR; left out, INDELIBLE_URL.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
PinnedKeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="VKEY",
        help="The ledger's public key as you know it, not as the journal says.",
        show_default=False,
    ),
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--parameter",
        metavar="VALUE",
        help="A value for the next ? of the statement, as JSON: -p 5 -p '\"ann\"'. Repeat it.",
        show_default=False,
    ),
]
ParameterFileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Values for the ? of the statement from a file, one JSON value a line; - is standard input.",
        show_default=False,
    ),
]


def argument(name: str, text: str) -> Any:
    """A positional argument that may move one place to the left when the URL is left out."""
    return typer.Argument(metavar=name, help=text, show_default=False)


def parameters_from(given: list[str] | None, file: Path | None) -> list[Any]:
    """The values for the `?` of a statement.

    Raises:
        InputError: One is not JSON, or both sources were given.
    """
    if file is None:
        return [_value(text, f"parameter {at}") for at, text in enumerate(given or (), 1)]
    if given:
        raise InputError("parameters come from -p or from --file, not from both")
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file}: {error}") from error
    return [
        _value(line, f"{file}, line {at}")
        for at, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]


def text_in(path: Path) -> str:
    """What a small file of text holds.

    Raises:
        InputError: It cannot be read, or is no text.
    """
    try:
        return bytes_in(path).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read {path}: {error}") from error


def bytes_in(path: Path) -> bytes:
    """What a small file holds, at most `FILE_SIZE_MAX` bytes of it; - is standard input.

    Raises:
        InputError: It cannot be read.
    """
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(FILE_SIZE_MAX)
        with path.open("rb") as file:
            return file.read(FILE_SIZE_MAX)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _value(text: str, place: str) -> Any:
    try:
        return document.parse_json(text, size_max=PARAMETER_SIZE_MAX)
    except InvalidDocumentError as error:
        raise InputError(
            f"{place} is not JSON: {error.message}",
            hint=f"a text needs its quotes: '\"{text}\"'" if text.isidentifier() else "",
        ) from error
