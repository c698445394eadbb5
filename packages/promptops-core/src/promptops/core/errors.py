"""The errors of PromptOps: what a caller can catch, and what each one knows.

::

    PromptOpsError
    ├── ConfigurationError        the client was set up wrongly; no request was sent
    ├── ValidationError           the input was refused (400, 422, or before any request)
    ├── AuthenticationError       the key is missing, wrong or expired (401)
    ├── AuthorizationError        the key may not do this (403)
    ├── NotFoundError             there is no such thing in the caller's projects (404)
    │   └── PromptNotFoundError
    ├── ConflictError             the name is taken, or the thing changed meanwhile (409, 412)
    ├── RateLimitError            slow down (429)
    ├── NetworkError              no usable response arrived; trying again may help
    ├── TimeoutError              the deadline passed
    ├── ServerError               the server failed (5xx)
    │   └── InvalidResponseError  what answered does not speak this protocol
    ├── CacheError                a cache operation failed
    ├── TelemetryError            telemetry could not be delivered
    ├── UnsupportedOperation      this store cannot do that
    └── SuspendedInSync           a blocking call met something that only works in async code

Two questions are answered by every error: did anything come back (``request_id``), and is it worth trying again
(``retryable``). No message, detail or attribute ever carries a key, a signature or a header that holds one.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "CacheError",
    "ConfigurationError",
    "ConflictError",
    "InvalidResponseError",
    "NetworkError",
    "NotFoundError",
    "PromptNotFoundError",
    "PromptOpsError",
    "RateLimitError",
    "ServerError",
    "SuspendedInSync",
    "TelemetryError",
    "TimeoutError",
    "UnsupportedOperation",
    "ValidationError",
]


class PromptOpsError(Exception):
    """Base of every error that PromptOps raises on purpose.

    Attributes:
        error_code: A stable, upper-case identifier, as the server sends it.
        message: One line for people; it says what to do.
        details: Facts that belong to the error; never a secret.
        retryable: Whether the same call may succeed later.
        request_id: The server's id of the request, when a response arrived.
        repeated: Whether an earlier attempt of the same call may have had its effect, its answer lost. What "not
            found" says of a deletion then is that it happened.
    """

    default_code = "PROMPTOPS_ERROR"
    default_retryable = False
    repeated = False

    def __init__(
        self,
        message: str,
        *,
        error_code: str | None = None,
        details: dict[str, Any] | None = None,
        retryable: bool | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code or self.default_code
        self.details: dict[str, Any] = details if details is not None else {}
        self.retryable = self.default_retryable if retryable is None else retryable
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.message} (request {self.request_id})" if self.request_id else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword-only arguments do not survive pickling (process pools) without this.
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))


def _rebuild(cls: type[PromptOpsError], args: tuple[Any, ...], state: dict[str, Any]) -> PromptOpsError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(PromptOpsError):
    """The client or the server was set up wrongly; nothing was sent."""

    default_code = "CONFIGURATION_ERROR"


class ValidationError(PromptOpsError):
    """The input was refused.

    Attributes:
        validation_errors: One ``{"field", "message", "code"}`` for each problem, all of them at once.
    """

    default_code = "VALIDATION_ERROR"

    def __init__(self, message: str, *, validation_errors: list[dict[str, Any]] | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.validation_errors: list[dict[str, Any]] = validation_errors if validation_errors is not None else []


class AuthenticationError(PromptOpsError):
    """The key is missing, wrong, expired or revoked."""

    default_code = "AUTHENTICATION_ERROR"


class AuthorizationError(PromptOpsError):
    """The key is valid, but lacks the scope that this call needs."""

    default_code = "AUTHORIZATION_ERROR"


class NotFoundError(PromptOpsError):
    """There is no such thing in the projects that the key grants."""

    default_code = "NOT_FOUND_ERROR"


class PromptNotFoundError(NotFoundError):
    """There is no such prompt, or no such version of it.

    Attributes:
        prompt_id: The name or id that was asked for.
        suggested_prompts: Close names within the caller's own projects.
    """

    default_code = "PROMPT_NOT_FOUND"

    def __init__(
        self, message: str, *, prompt_id: str = "", suggested_prompts: list[str] | None = None, **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        self.prompt_id = prompt_id
        self.suggested_prompts: list[str] = suggested_prompts if suggested_prompts is not None else []


class ConflictError(PromptOpsError):
    """The name is taken, or the thing changed since it was read."""

    default_code = "CONFLICT_ERROR"


class RateLimitError(PromptOpsError):
    """The server asks to slow down.

    Attributes:
        retry_after: Whole seconds to wait, rounded up.
    """

    default_code = "RATE_LIMIT_ERROR"
    default_retryable = True

    def __init__(self, message: str, *, retry_after: int = 0, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after


class NetworkError(PromptOpsError):
    """No usable response arrived; trying again may help.

    Attributes:
        original_error: The error underneath, when there was one.
    """

    default_code = "NETWORK_ERROR"
    default_retryable = True

    def __init__(self, message: str, *, original_error: Exception | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.original_error = original_error


class TimeoutError(PromptOpsError):  # noqa: A001 - the name is the published one; also PromptOpsTimeoutError
    """The deadline passed before an answer arrived.

    Attributes:
        timeout_duration: The limit that was exceeded, in seconds.
    """

    default_code = "TIMEOUT_ERROR"
    default_retryable = True

    def __init__(self, message: str, *, timeout_duration: float = 0.0, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.timeout_duration = timeout_duration


class ServerError(PromptOpsError):
    """The server failed.

    Attributes:
        status_code: The HTTP status.
    """

    default_code = "SERVER_ERROR"
    default_retryable = True

    def __init__(self, message: str, *, status_code: int = 500, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.status_code = status_code


class InvalidResponseError(ServerError):
    """What answered does not speak this protocol: a page from a proxy, cut-off JSON, a field of the wrong type."""

    default_code = "INVALID_RESPONSE"
    default_retryable = False


class CacheError(PromptOpsError):
    """A cache operation failed.

    Attributes:
        cache_type: The backend, for example ``"redis"``.
    """

    default_code = "CACHE_ERROR"

    def __init__(self, message: str, *, cache_type: str = "", **facts: Any) -> None:
        super().__init__(message, **facts)
        self.cache_type = cache_type


class TelemetryError(PromptOpsError):
    """Telemetry could not be delivered."""

    default_code = "TELEMETRY_ERROR"


class UnsupportedOperation(PromptOpsError):  # noqa: N818 - a capability that is missing, named like io's
    """This store cannot do that; the message names the store and the feature."""

    default_code = "UNSUPPORTED_OPERATION"


class SuspendedInSync(PromptOpsError):  # noqa: N818 - it describes what happened
    """A blocking call met something that only works in async code."""

    default_code = "SUSPENDED_IN_SYNC"
