# ruff: noqa: INP001 - a program of the documentation, not of the package
"""Writes the generated parts of these pages (`make docs`); `make check` compares."""

import re
from collections.abc import Callable, Iterator
from inspect import cleandoc, getdoc
from typing import Any

import msgspec
import typer

from indelible import settings as settings_module
from indelible.cli.main import app
from journal.errors import LedgerError

Out = Callable[[str], None]


def cli(out: Out) -> None:
    """Every command: what it does, how it is called, an example."""
    for name, command in _commands("indelible", typer.main.get_command(app)):
        out(f"## {name}\n")
        out(f"{_paragraphs(command.help)}\n")
        if name == "indelible":
            out("These options stand before the command's name:\n")
        _parameters(out, command)
        out(f"```sh\n{command.epilog.removeprefix('Example: ')}\n```\n")


def settings(out: Out) -> None:
    """One table for each component."""
    for component, struct in settings_module.COMPONENTS.items():
        out(f"## {component}\n")
        out(f"{cleandoc(struct.__doc__ or '').splitlines()[0]}\n")
        out("| setting | environment | default | |")
        out("| --- | --- | --- | --- |")
        meanings = _attributes(struct)
        for field in msgspec.structs.fields(struct):
            name = f"{component}.{field.name}"
            default = msgspec.json.encode(field.default).decode()
            variable = settings_module.environment_name(name)
            out(f"| `{name}` | `{variable}` | `{default}` | {meanings[field.name]} |")
        out("")


def limits(out: Out) -> None:
    """The bounds that are settings."""
    out("| limit | default | |")
    out("| --- | --- | --- |")
    meanings = _attributes(settings_module.LimitSettings)
    for field in msgspec.structs.fields(settings_module.LimitSettings):
        out(f"| `{field.name}` | {field.default:,} | {meanings[field.name]} |")


def errors(out: Out) -> None:
    """The tree of errors, as a table; what is below a class is indented."""
    out("| error | code | retry | exit code | HTTP | |")
    out("| --- | --- | --- | --- | --- | --- |")
    for error, depth in _tree(LedgerError, 0):
        name = "&nbsp;&nbsp;" * depth + f"`{error.__name__}`"
        retry = "yes" if error.retryable else ""
        meaning = (getdoc(error) or "").split("\n\n")[0].replace("\n", " ")
        out(
            f"| {name} | `{error.code}` | {retry} | {error.exit_code} | {error.http_status} |"
            f" {meaning} |"
        )


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, found in getattr(command, "commands", {}).items():
        yield from _commands(f"{name} {child}", found)


def _parameters(out: Out, command: Any) -> None:
    rows = [row for parameter in command.params if (row := _row(parameter)) is not None]
    if rows:
        out("| | |\n| --- | --- |")
        for row in rows:
            out(row)
        out("")


def _row(parameter: Any) -> str | None:
    if parameter.param_type_name == "argument":
        return f"| `{parameter.metavar}` | {_cell(parameter.help)} |"
    if "--help" in parameter.opts:
        return None
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    value = "" if parameter.is_flag else f" `{parameter.metavar}`"
    shown = isinstance(parameter.default, int) and not parameter.is_flag
    default = f" Default: {parameter.default}." if shown else ""
    return f"| {names}{value} | {_cell(parameter.help)}{default} |"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in cleandoc(text).split("\n\n"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _attributes(struct: type) -> dict[str, str]:
    """The lines under `Attributes:` in a docstring."""
    _, _, listed = cleandoc(struct.__doc__ or "").partition("Attributes:\n")
    return dict(re.findall(r"^ +(\w+): (.*)$", listed, re.MULTILINE))


def _tree(error: type[LedgerError], depth: int) -> Iterator[tuple[type[LedgerError], int]]:
    yield error, depth
    for child in error.__subclasses__():
        if child.__module__ == LedgerError.__module__:
            yield from _tree(child, depth + 1)
