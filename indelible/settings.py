"""Settings: what they are, where they come from, and which source wins.

```
command line (--set KEY=VALUE, options)  >  environment INDELIBLE_*  >  TOML file  >  default
```

A setting's name is `component.field`, in the file a `[component]` table. In the environment it is
`INDELIBLE_COMPONENT_FIELD`; those of `ledger` also without the component (`INDELIBLE_URL`). Whatever
stands under `[kafka]` is handed to the Kafka client as it is. An unknown name is an error, so that a
misspelt limit is never silently the default.

Only the command line reads settings; programs pass arguments to `indelible.connect`.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta

from journal.block import BLOCK_SIZE_MAX, BLOCK_SIZE_TARGET, DOCUMENT_SIZE_MAX
from journal.errors import SettingsError

DEFAULT_FILE: Final = "indelible.toml"
PREFIX: Final = "INDELIBLE_"
CONFIG_VARIABLE: Final = "INDELIBLE_CONFIG"
HIDDEN: Final = "(hidden)"

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which ledger, and as whom.

    Attributes:
        url: Ledger that commands work on when they are given none.
        principal: Who transactions are by; kept in the journal for ever. Empty: the system's user.
        accept_clock: Write although the newest block is ahead of this machine's clock.
    """

    url: str = ""
    principal: str = ""
    accept_clock: bool = False


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on what a request may ask for; passing one is a LimitExceededError naming it.

    Attributes:
        document_size_max: Bytes of one document.
        block_size_target: Bytes from which on another block is begun.
        block_size_max: Bytes of one block, and so of one transaction.
        statement_length_max: Characters of one statement.
        parameters_max: Parameters of one statement.
        statements_per_transaction_max: Statements of one transaction.
        revisions_per_transaction_max: Documents that one transaction may change.
        labels_max: Labels of one transaction.
        label_size_max: Bytes of one label, key and value together.
        rows_max: Rows of a result that is not streamed, and rows that a query may hold to sort them.
        tables_max: Tables of one ledger.
        indexes_per_table_max: Indexes of one table.
        queue_max: Transactions that may wait for their turn.
        request_timeout: Seconds that a transaction may wait for its outcome.
        query_timeout: Seconds that a query may run.
        execution_timeout: Seconds that a transaction may execute, while all others wait for it.
    """

    document_size_max: Annotated[int, Meta(ge=1, le=DOCUMENT_SIZE_MAX)] = DOCUMENT_SIZE_MAX
    block_size_target: Annotated[int, Meta(ge=1, le=BLOCK_SIZE_MAX)] = BLOCK_SIZE_TARGET
    block_size_max: Annotated[int, Meta(ge=65_536, le=BLOCK_SIZE_MAX)] = BLOCK_SIZE_MAX
    statement_length_max: Count = 100_000
    parameters_max: Count = 1_000
    statements_per_transaction_max: Count = 1_000
    revisions_per_transaction_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 40_000
    labels_max: Count = 16
    label_size_max: Count = 256
    rows_max: Count = 100_000
    tables_max: Count = 1_000
    indexes_per_table_max: Count = 32
    queue_max: Count = 10_000
    request_timeout: Seconds = 30.0
    query_timeout: Seconds = 60.0
    execution_timeout: Seconds = 10.0


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the process says about its own work, on standard error.

    Attributes:
        level: The least important messages to be shown.
        format: `text` for people, `json` for machines.
    """

    level: Literal["debug", "info", "warning", "error"] = "warning"
    format: Literal["text", "json"] = "text"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings.

    Attributes:
        kafka: Options of the Kafka client, as they are.
    """

    ledger: LedgerSettings = LedgerSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
    kafka: Mapping[str, str] = {}


COMPONENTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "ledger": LedgerSettings,
    "limits": LimitSettings,
    "log": LogSettings,
}
_KAFKA: Final = "kafka."
_FIELDS: Final[Mapping[str, Any]] = {
    f"{component}.{name}": kind
    for component, struct in COMPONENTS.items()
    for name, kind in get_type_hints(struct, include_extras=True).items()
}
_ELSEWHERE: Final = frozenset(
    ("INDELIBLE_PRIVATE_KEY", "INDELIBLE_KEY_PASSPHRASE", "INDELIBLE_STATE_HOME")
)
"""Read where they are needed, by programs too; a secret has no place in a file or on a command line."""
_FOREIGN: Final = re.compile(r"INDELIBLE_(SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_\d+_.*)")
"""Kubernetes sets these in every container beside a service named `indelible`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value as it was given, and where: `environment INDELIBLE_URL`, `line --set`, a file."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The settings that hold, and the source of each one that is not at its default."""

    settings: Settings
    sources: Mapping[str, str]

    def rows(self) -> Iterator[tuple[str, str | float, str]]:
        """(name, value, source) of every setting; values that may be secret are hidden."""
        for name in _FIELDS:
            component, _, field = name.partition(".")
            value = getattr(getattr(self.settings, component), field)
            yield name, value, self.sources.get(name, "default")
        for option, value in sorted(self.settings.kafka.items()):
            name = _KAFKA + option
            yield name, value if _is_harmless(option) else HIDDEN, self.sources[name]


def load(
    *,
    config: Path | None,
    environment: Mapping[str, str],
    overrides: Mapping[str, str],
    folder: Path = Path(),
) -> Effective:
    """Gather the settings from all sources.

    Args:
        config: The TOML file; None: what `INDELIBLE_CONFIG` names, else `indelible.toml` in
            `folder` if it is there.
        environment: Usually `os.environ`.
        overrides: From the command line, by name.
        folder: Usually the working directory.

    Raises:
        SettingsError: A name is unknown, a value cannot be, or the file cannot be read.
    """
    given: dict[str, Given] = {}
    path = _config_file(config, environment, folder)
    if path is not None:
        given |= _from_file(path)
    given |= _from_environment(environment)
    given |= {
        _known(key, "command line"): Given(value=value, source="command line")
        for key, value in overrides.items()
    }
    return Effective(
        settings=_settings(given),
        sources={name: entry.source for name, entry in given.items()},
    )


def environment_name(name: str) -> str:
    """The variable that sets a setting.

    >>> environment_name("ledger.url"), environment_name("limits.rows_max")
    ('INDELIBLE_URL', 'INDELIBLE_LIMITS_ROWS_MAX')
    """
    return PREFIX + name.removeprefix("ledger.").replace(".", "_").upper()


def _settings(given: Mapping[str, Given]) -> Settings:
    parts: dict[str, dict[str, Any]] = {name: {} for name in (*COMPONENTS, "kafka")}
    for name, entry in given.items():
        component, _, field = name.partition(".")
        parts[component][field] = _converted(name, entry)
    structs = {name: struct(**parts[name]) for name, struct in COMPONENTS.items()}
    return Settings(kafka=parts["kafka"], **structs)  # type: ignore[arg-type]  # by component


def _converted(name: str, entry: Given) -> Any:
    if name.startswith(_KAFKA):
        return _kafka_text(name, entry)
    try:
        return msgspec.convert(entry.value, _FIELDS[name], strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{name} cannot be {entry.value!r} ({entry.source}): {_plain(str(error))}"
        ) from None


def _kafka_text(name: str, entry: Given) -> str:
    if isinstance(entry.value, bool):
        return str(entry.value).lower()
    if isinstance(entry.value, str | int | float):
        return str(entry.value)
    raise SettingsError(
        f"{name} cannot be a {type(entry.value).__name__} ({entry.source})",
        hint="options of the Kafka client are texts and numbers",
    )


def _config_file(config: Path | None, environment: Mapping[str, str], folder: Path) -> Path | None:
    if config is not None:
        return config
    if named := environment.get(CONFIG_VARIABLE):
        return Path(named)
    path = folder / DEFAULT_FILE
    return path if path.exists() else None


def _from_file(path: Path) -> dict[str, Given]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    return {
        _known(name, str(path)): Given(value=value, source=str(path))
        for name, value in _flat(content, "")
    }


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Dotted names: `security.protocol` under `[kafka]` is a table of its own to TOML."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _from_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    names = {environment_name(name): name for name in _FIELDS}
    given: dict[str, Given] = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable in {CONFIG_VARIABLE, *_ELSEWHERE}:
            continue
        if variable.startswith("INDELIBLE_KAFKA_"):
            option = variable.removeprefix("INDELIBLE_KAFKA_").replace("_", ".").lower()
            given[_KAFKA + option] = Given(value=value, source=f"environment {variable}")
        elif variable in names:
            given[names[variable]] = Given(value=value, source=f"environment {variable}")
        elif not _FOREIGN.fullmatch(variable):
            raise SettingsError(
                f"unknown setting {variable} (environment)", hint=_nearest(variable, names)
            )
    return given


def _known(name: str, source: str) -> str:
    if name in _FIELDS or (name.startswith(_KAFKA) and name != _KAFKA):
        return name
    raise SettingsError(f"unknown setting {name} ({source})", hint=_nearest(name, _FIELDS))


def _nearest(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=1)
    return f"did you mean {found[0]}?" if found else "`indelible config` lists all settings"


_HARMLESS: Final = (".location", ".ms", ".protocol", ".mechanism", ".mechanisms", ".servers", ".id")


def _is_harmless(option: str) -> bool:
    """Whether a Kafka option surely holds no secret: a list of what may be seen, not of what not."""
    return option.endswith(_HARMLESS)


def _plain(message: str) -> str:
    """What msgspec says, without its capital and type names."""
    return message[:1].lower() + message[1:]
