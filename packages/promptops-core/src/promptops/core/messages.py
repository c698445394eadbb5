"""What goes to a transport and what comes back: plain values, no HTTP library's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

__all__ = [
    "EXPERIMENT_RESULTS",
    "PROMPT_READ",
    "PROMPT_REFRESH",
    "READ",
    "TELEMETRY",
    "WRITE",
    "Profile",
    "Request",
    "Response",
    "Timeouts",
]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one attempt, in seconds."""

    connect: float
    pool: float
    write: float
    read: float


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How patient one kind of call is.

    Attributes:
        name: For messages and logs.
        timeouts: Limits of each attempt, in seconds.
        attempts: Most attempts of one call, the first included.
        deadline: Seconds for the whole call, all attempts and waits included.
        backoff_base: First backoff, in seconds.
        backoff_cap: Longest backoff, in seconds.
        max_retry_after: Longest wait that a server may ask for, in seconds; beyond it the call fails.
    """

    name: str
    timeouts: Timeouts
    attempts: int
    deadline: float
    backoff_base: float = 0.25
    backoff_cap: float = 8.0
    max_retry_after: float = 60.0


PROMPT_READ: Final = Profile(
    name="prompt_read",
    timeouts=Timeouts(connect=1.0, pool=0.25, write=1.0, read=1.5),
    attempts=2,
    deadline=3.0,
    backoff_base=0.1,
    backoff_cap=0.5,
)
PROMPT_REFRESH: Final = Profile(
    name="prompt_refresh",
    timeouts=Timeouts(connect=2.0, pool=1.0, write=2.0, read=5.0),
    attempts=1,
    deadline=8.0,
)
READ: Final = Profile(
    name="read", timeouts=Timeouts(connect=3.0, pool=5.0, write=5.0, read=10.0), attempts=3, deadline=30.0
)
WRITE: Final = Profile(
    name="write", timeouts=Timeouts(connect=3.0, pool=5.0, write=5.0, read=15.0), attempts=3, deadline=45.0
)
EXPERIMENT_RESULTS: Final = Profile(
    name="experiment_results",
    timeouts=Timeouts(connect=3.0, pool=5.0, write=10.0, read=20.0),
    attempts=3,
    deadline=30.0,
    backoff_base=1.0,
    backoff_cap=60.0,
    max_retry_after=300.0,
)
TELEMETRY: Final = Profile(
    name="telemetry", timeouts=Timeouts(connect=2.0, pool=1.0, write=5.0, read=5.0), attempts=3, deadline=15.0
)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One logical call, before any attempt.

    Attributes:
        method: Upper-case HTTP method.
        path: Path below the base URL, percent-encoded, starting with ``/`` (``/v1/client/prompts/a%2Fb``).
        query: Name and value pairs, not encoded; pairs are sent in this order.
        headers: Extra headers; names in lower case. Never the key: the runtime adds it.
        body: The raw body, or None.
        content_type: Media type of the body.
        profile: Which limits apply.
        timeout: Seconds that replace the profile's total deadline, or None.
        idempotency_key: Sent on every attempt of a write, the same one.
        accept_statuses: Statuses outside 200..299 that are answers rather than errors (for example 304).
        repeatable: Whether sending it twice has the effect of sending it once, although its method does not say so
            and the server knows no idempotency keys.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = "application/json"
    profile: Profile = READ
    timeout: float | None = None
    idempotency_key: str | None = None
    accept_statuses: tuple[int, ...] = ()
    repeatable: bool = False

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice has the effect of sending it once."""
        return (
            self.repeatable
            or self.idempotency_key is not None
            or self.method in {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}
        )


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A complete answer.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case; of repeated headers the values joined by ``, ``.
        body: The whole body, content encoding removed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str | None:
        """The server's id of this request."""
        return self.headers.get("x-request-id")
