"""Attempts that ended without an answer: what kind of failure it was, and the public error for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from promptops.core.config import Origin
from promptops.core.errors import NetworkError, PromptOpsError, TimeoutError  # noqa: A004
from promptops.core.messages import Timeouts
from promptops.core.redact import redact
from promptops.core.retry import Failure
from promptops.core.transport import ConnectFailed, DeadlineExceeded, PoolTimeout, TransportError

__all__ = ["classify", "error_from_failure", "out_of_time"]

_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
"""What OpenSSL says of an answer in plain HTTP."""


def classify(exc: TransportError) -> Failure:
    """Which row of the retry table a failure belongs to."""
    if isinstance(exc, ConnectFailed):
        return Failure.REFUSED_TLS if _certificate_refused(exc) else Failure.NEVER_SENT
    if isinstance(exc, PoolTimeout):
        return Failure.POOL_BUSY
    if isinstance(exc, DeadlineExceeded):
        return Failure.OUT_OF_TIME
    return Failure.NO_ANSWER


def error_from_failure(
    exc: TransportError,
    *,
    origin: Origin,
    seconds: float,
    timeouts: Timeouts,
    attempts: int,
    proxy: str | None = None,
    secrets: tuple[str, ...] = (),
) -> PromptOpsError:
    """The public error for a failed attempt; raise it ``from exc``.

    Args:
        exc: What the transport raised.
        origin: Where the attempt went.
        seconds: The limit of the whole call.
        timeouts: The limits of the attempt.
        attempts: How many attempts were made.
        proxy: Address of the proxy in between, without credentials.
        secrets: Texts that must not appear in the message.
    """
    failure = classify(exc)
    said = str(exc)
    shown = redact(said, secrets)
    if shown != said:
        exc.args = (shown,)  # it stays visible as the cause
    reason = _one_line(shown)
    details: dict[str, Any] = {"attempts": attempts, "url": origin.url}
    where = origin.url
    if proxy is not None:
        where = f"{where} through the proxy {proxy}"
        details["proxy"] = proxy
    if failure is Failure.OUT_OF_TIME:
        return out_of_time(where, seconds, details)
    if failure is Failure.POOL_BUSY:
        return TimeoutError(
            f"No connection to {where} became free: {reason}.", timeout_duration=timeouts.pool, details=details
        )
    if failure is Failure.REFUSED_TLS:
        message = (
            f"The certificate {'of' if proxy is None else 'on the way to'} {where} was refused: {reason}. "
            "If it is signed by an authority of your own, pass verify=ssl.create_default_context(cafile=...)."
        )
        return NetworkError(message, original_error=exc, retryable=False, details=details)
    if failure is Failure.NEVER_SENT:
        unreachable = _unreachable if proxy is None else _unreachable_through_proxy
        message = unreachable(exc, origin, where, reason, timeouts)
        if exc.timed_out:
            return TimeoutError(message, timeout_duration=timeouts.connect, details=details)
        return NetworkError(message, original_error=exc, details=details)
    if exc.timed_out:
        message = f"{where} took the request, then stopped answering: {reason}."
        return TimeoutError(message, timeout_duration=timeouts.read, details=details)
    message = f"The connection to {where} ended before the answer was complete: {reason}."
    return NetworkError(message, original_error=exc, details=details)


def out_of_time(where: str, seconds: float, details: dict[str, Any] | None = None) -> TimeoutError:
    """The error of a call to ``where`` whose deadline passed."""
    return TimeoutError(
        f"No answer from {where} within {seconds:g} s. Try again, or allow more time with timeout=.",
        timeout_duration=seconds,
        details=details,
    )


def _unreachable(exc: TransportError, origin: Origin, where: str, reason: str, timeouts: Timeouts) -> str:
    hint = _hint(origin)
    if exc.timed_out:
        return f"{where} did not accept a connection within {timeouts.connect:g} s. {hint}"
    for cause in _causes(exc):
        if isinstance(cause, ConnectionRefusedError):
            return f"Nothing listens at {where}. {hint}"
        if _is_unknown_name(cause):
            return f"The name {origin.host!r} cannot be resolved. {hint}"
        if _is_no_tls(cause):
            return f"{where} answers, but without TLS: write http:// in base_url ({origin.names.address})."
    return f"Cannot connect to {where}: {reason}. {hint}"


def _unreachable_through_proxy(exc: TransportError, origin: Origin, where: str, reason: str, timeouts: Timeouts) -> str:
    """Only the proxy is connected to, and its name is the only one that is resolved here."""
    if exc.timed_out:
        return f"No connection to {where} within {timeouts.connect:g} s. Check proxy= and the network in between."
    for cause in _causes(exc):
        if isinstance(cause, ConnectionRefusedError):
            return f"Cannot connect to {where}: nothing listens at the proxy. Is it running? Check proxy=."
        if _is_unknown_name(cause):
            return f"Cannot connect to {where}: the name of the proxy cannot be resolved. Check proxy=."
    return f"Cannot connect to {where}: {reason}. Check proxy=, then base_url ({origin.names.address})."


def _is_unknown_name(cause: BaseException) -> bool:
    socket = sys.modules.get("socket")
    return socket is not None and isinstance(cause, socket.gaierror)


def _is_no_tls(cause: BaseException) -> bool:
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None) in _NO_TLS


def _hint(origin: Origin) -> str:
    names = origin.names
    if origin.is_loopback:
        return f"Is the server running? Start one with `{names.start}`, or set base_url ({names.address})."
    return f"Check base_url ({names.address}) and the network in between."


def _certificate_refused(exc: BaseException) -> bool:
    ssl = sys.modules.get("ssl")
    return ssl is not None and any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(exc))


def _causes(exc: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = exc
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        members: tuple[BaseException, ...] = getattr(cause, "exceptions", ())  # one for each address of a name
        yield from members
        cause = cause.__cause__ or cause.__context__


def _one_line(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= 200 else f"{text[:199]}…"
