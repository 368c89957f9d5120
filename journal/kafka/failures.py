"""Kafka's errors as ours: none of the client's own leaves this package."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

from journal.errors import LogUnavailableError, SettingsError

UNKNOWN_TOPIC: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - the client's own codes begin so
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
    }
)
_TRANSIENT: Final = frozenset(
    {
        KafkaError._DESTROY_BROKER,  # noqa: SLF001 - it left the client's list of brokers meanwhile
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_CONTROLLER,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    }
)
_NEWS_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 8.0
_PAUSE_SECONDS: Final = 0.05
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


_T = TypeVar("_T")


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


def persistently(ask: Callable[[], _T]) -> _T:
    """Ask again where another broker may know better; each question may go to another one.

    For 2 s while the answer is that there is no such topic (brokers learn of a new one one after
    another), for 8 s while the broker that was asked does not answer.

    Raises:
        KafkaException: Whatever `ask` raises in the end.
    """
    start = monotonic()
    while True:
        try:
            return ask()
        except KafkaException as error:
            if monotonic() - start > _patience_with(error):
                raise
        sleep(_PAUSE_SECONDS)


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


def is_transient(exception: KafkaException) -> bool:
    """Whether the broker that was asked did not answer, so that another one may."""
    error = error_of(exception)
    return error is not None and error.code() in _TRANSIENT


def _patience_with(exception: KafkaException) -> float:
    error = error_of(exception)
    if error is not None and error.code() in UNKNOWN_TOPIC:
        return _NEWS_SECONDS
    return _PATIENCE_SECONDS if is_transient(exception) else 0.0


def _hint(error: KafkaError) -> str:
    if error.code() in _FORBIDDEN:
        return "this principal lacks an ACL on the journal's topic"
    if error.code() in _NOT_LET_IN:
        return "check the security options of the Kafka connection"
    return ""
