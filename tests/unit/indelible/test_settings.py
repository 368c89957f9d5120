"""Settings: precedence of the sources, refusal of what is unknown, nothing secret shown."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from indelible import SettingsError
from indelible.engine.limits import Limits
from indelible.settings import Effective, LimitSettings, environment_name, load


def loaded(
    folder: Path, toml: str = "", environment: Mapping[str, str] | None = None, **overrides: str
) -> Effective:
    if toml:
        (folder / "indelible.toml").write_text(toml)
    named = {name.replace("__", "."): value for name, value in overrides.items()}
    return load(config=None, environment=environment or {}, overrides=named, folder=folder)


def test_defaults_hold_where_nothing_is_set(tmp_path: Path) -> None:
    effective = loaded(tmp_path)

    assert effective.sources == {}
    assert effective.settings.ledger.url == ""


def test_limit_settings_are_the_limits_of_the_engine() -> None:
    engine = {field.name: field.default for field in dataclasses.fields(Limits)}

    assert msgspec.structs.asdict(LimitSettings()) == engine


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("file", "file:./of-the-file"),
        ("file environment", "file:./of-the-environment"),
        ("file environment line", "file:./of-the-line"),
    ],
)
def test_command_line_beats_environment_beats_file(
    tmp_path: Path, sources: str, expected: str
) -> None:
    toml = '[ledger]\nurl = "file:./of-the-file"\n'
    environment = {"INDELIBLE_URL": "file:./of-the-environment"}
    effective = loaded(
        tmp_path,
        toml,
        environment if "environment" in sources else {},
        **({"ledger__url": "file:./of-the-line"} if "line" in sources else {}),
    )

    assert effective.settings.ledger.url == expected


def test_source_of_each_setting_is_known(tmp_path: Path) -> None:
    effective = loaded(
        tmp_path,
        "[limits]\nrows_max = 7\nquery_timeout = 1",
        {"INDELIBLE_LIMITS_ROWS_MAX": "8"},
    )
    rows = {name: (value, source) for name, value, source in effective.rows()}

    assert rows["limits.rows_max"] == (8, "environment INDELIBLE_LIMITS_ROWS_MAX")
    assert rows["limits.query_timeout"] == (1.0, str(tmp_path / "indelible.toml"))
    assert rows["limits.tables_max"] == (1000, "default")


def test_config_file_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[limits]\nrows_max = 9\n")
    by_option = load(config=path, environment={}, overrides={}, folder=tmp_path)
    by_variable = load(
        config=None,
        environment={"INDELIBLE_CONFIG": str(path)},
        overrides={},
        folder=tmp_path,
    )

    assert by_option.settings.limits.rows_max == by_variable.settings.limits.rows_max == 9


@pytest.mark.parametrize(
    ("toml", "environment", "message"),
    [
        ("[limits]\nrow_max = 1", {}, "unknown setting limits.row_max"),
        ("[limit]\nrows_max = 1", {}, "unknown setting limit.rows_max"),
        ('url = "memory:"', {}, "unknown setting url"),
        ("", {"INDELIBLE_ROWS_MAX": "1"}, "unknown setting INDELIBLE_ROWS_MAX"),
        ("[limits]\nrows_max = 0", {}, "limits.rows_max cannot be 0"),
        ("[limits]\ndocument_size_max = 2000000", {}, "limits.document_size_max cannot be"),
        ("", {"INDELIBLE_LIMITS_ROWS_MAX": "many"}, "limits.rows_max cannot be 'many'"),
        ('[log]\nlevel = "loud"', {}, "log.level cannot be 'loud'"),
        ("[limits", {}, "is not TOML"),
        ("[kafka]\nfoo = [1]", {}, "kafka.foo cannot be a list"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    tmp_path: Path, toml: str, environment: Mapping[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, toml, environment)

    assert message in str(caught.value)


def test_unknown_setting_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, "[limits]\nrow_max = 1")

    assert caught.value.hint == "did you mean limits.rows_max?"


def test_missing_file_is_an_error_only_if_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        load(config=tmp_path / "none.toml", environment={}, overrides={}, folder=tmp_path)


def test_variables_that_kubernetes_makes_for_a_service_are_no_settings(tmp_path: Path) -> None:
    variables = {"INDELIBLE_SERVICE_HOST": "10.0.0.1", "INDELIBLE_PORT": "tcp://10.0.0.1:8700"}

    assert loaded(tmp_path, "", variables).sources == {}


def test_kafka_options_pass_through(tmp_path: Path) -> None:
    effective = loaded(
        tmp_path,
        '[kafka]\nsecurity.protocol = "SASL_SSL"\n"retries" = 3\nx = true\n',
        {"INDELIBLE_KAFKA_SASL_USERNAME": "ann"},
    )

    assert effective.settings.kafka == {
        "security.protocol": "SASL_SSL",
        "retries": "3",
        "x": "true",
        "sasl.username": "ann",
    }


@pytest.mark.parametrize(
    "option", ["sasl.password", "ssl.key.pem", "sasl.oauthbearer.client.secret", "new.option"]
)
def test_values_that_may_be_secret_are_hidden(tmp_path: Path, option: str) -> None:
    effective = loaded(tmp_path, f'[kafka]\n"{option}" = "hunter2"')

    assert "hunter2" not in str(list(effective.rows()))
    assert effective.settings.kafka[option] == "hunter2"


def test_every_setting_has_a_variable() -> None:
    names = {environment_name(name) for name, _, _ in loaded(Path("/nonexistent")).rows()}

    assert "INDELIBLE_URL" in names
    assert "INDELIBLE_LIMITS_ROWS_MAX" in names
