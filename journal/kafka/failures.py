"""Kafka's errors as ours: none of the client's own leaves this package."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from journal.errors import LogUnavailableError, SettingsError

_FORBIDDEN: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }
)
_NOT_LET_IN: Final = frozenset(
    {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._SSL}  # noqa: SLF001
)


def error_of(exception: KafkaException) -> KafkaError | None:
    """The error that an exception of the client carries, if it carries one."""
    found = exception.args[0] if exception.args else None
    return found if isinstance(found, KafkaError) else None


def unavailable(what: str, cause: KafkaException | KafkaError | str | None) -> LogUnavailableError:
    """`what` could not be done; with the client's reason, and a hint where a person must act."""
    error = error_of(cause) if isinstance(cause, KafkaException) else cause
    if isinstance(error, KafkaError):
        return LogUnavailableError(f"{what}: {error.str()}", hint=_hint(error))
    return LogUnavailableError(f"{what}: {cause}")


@contextmanager
def checked_options() -> Iterator[None]:
    """Around the making of a client, which fails only over what it was told.

    Raises:
        SettingsError: An option is unknown or has a value it cannot have.
    """
    try:
        yield
    except (KafkaException, TypeError, ValueError) as error:
        reason = error_of(error) if isinstance(error, KafkaException) else None
        text = str(error) if reason is None else reason.str()
        raise SettingsError(f"the Kafka client refuses an option: {text}") from error


def _hint(error: KafkaError) -> str:
    if error.code() in _FORBIDDEN:
        return "this principal lacks an ACL on the journal's topic"
    if error.code() in _NOT_LET_IN:
        return "check the security options of the Kafka connection"
    return ""
