"""Retry decisions: plain functions over plain values, no clock and no network."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from promptops.core.messages import Profile, Request

__all__ = [
    "BACKOFF_FLOOR",
    "COST",
    "COST_AFTER_TIMEOUT",
    "MAYBE_DONE",
    "Failure",
    "next_delay",
    "paced_delay",
    "retries_failure",
    "retries_status",
    "should_retry_header",
]

BACKOFF_FLOOR: Final = 0.025
COST: Final = 1.0
COST_AFTER_TIMEOUT: Final = 2.0
MAYBE_DONE: Final = frozenset({408, 500, 502, 503, 504})
"""Statuses after which nobody knows whether the request had its effect: something in between may have said them."""
_JITTER: Final = 0.1
_TRANSIENT: Final = frozenset({408, 429, 502, 503, 504})
_PACED: Final = frozenset({429, 503})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_IN_PROGRESS: Final = "IDEMPOTENCY_IN_PROGRESS"


class Failure(Enum):
    """How an attempt ended without an answer."""

    NEVER_SENT = "never_sent"
    """No connection: refused, unreachable, unknown name, connect timeout."""
    REFUSED_TLS = "refused_tls"
    """The certificate or the handshake was refused; it will be again."""
    POOL_BUSY = "pool_busy"
    """Every connection of this process stayed busy."""
    NO_ANSWER = "no_answer"
    """Something may have been sent, and no complete answer came."""
    OUT_OF_TIME = "out_of_time"
    """The deadline of the whole call passed."""


def retries_failure(failure: Failure, request: Request) -> bool:
    """Whether an attempt without an answer is worth another one."""
    if failure is Failure.NEVER_SENT:
        return True
    if failure is Failure.POOL_BUSY:
        return not is_prompt_path(request.profile)  # local overload: a hot path must not add to it
    return failure is Failure.NO_ANSWER and request.is_idempotent


def retries_status(
    status: int, request: Request, *, should_retry: bool | None = None, paced: bool = False, code: str = ""
) -> bool:
    """Whether an answer that is an error is worth another attempt.

    Args:
        status: The HTTP status.
        request: The call.
        should_retry: What the server said in ``X-Should-Retry``, which is obeyed.
        paced: Whether the answer says when to come back.
        code: The error code of the answer, normalised.
    """
    if should_retry is not None:
        return should_retry
    if not request.is_idempotent:
        return paced and status in _PACED
    if status == 409:
        return code == _IN_PROGRESS
    return status in _TRANSIENT or (status == 500 and request.method in _READS)


def should_retry_header(headers: Mapping[str, str]) -> bool | None:
    """What ``X-Should-Retry`` says, or None."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def next_delay(profile: Profile, retry: int, random: float) -> float:
    """Full jitter: between the floor and ``min(cap, base * 2**retry)``.

    Args:
        profile: Gives base and cap.
        retry: 0 for the first retry.
        random: Uniform in [0, 1).
    """
    ceiling = min(profile.backoff_cap, profile.backoff_base * 2.0 ** min(retry, 60))
    return max(BACKOFF_FLOOR, random * ceiling)


def paced_delay(retry_after: float, cap: float, random: float) -> float | None:
    """The wait that a server asked for, lengthened by up to 10 % and never shortened.

    Returns:
        Seconds, or None when it asks for more than the cap: then the call fails instead of coming back early.
    """
    if retry_after > cap:
        return None
    return max(BACKOFF_FLOOR, min(cap, retry_after * (1.0 + _JITTER * random)))


def is_prompt_path(profile: Profile) -> bool:
    """Whether a call of this profile serves prompts, where a fast answer counts more than a complete one."""
    return profile.name.startswith("prompt")
