"""Reads what providers say about their limits, in the exceptions and headers of any client library."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, Literal, cast

import msgspec
from promptops.core.log import log
from promptops.core.pacing import parse_retry_after, retry_after_seconds

__all__ = ["Quota", "headers_of", "is_rate_limit", "lowered", "quotas_of", "retry_after_of"]

_STATUSES: Final = ("status_code", "status", "http_status", "code")
_LIMITED: Final = frozenset({429, 529})
_MOST_CAUSES: Final = 5
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_KINDS: Final[tuple[Literal["requests", "tokens"], ...]] = ("requests", "tokens")


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a limit.

    Attributes:
        kind: What is counted.
        remaining: How much is left.
        reset_s: Seconds until it is filled again, or None when the provider does not say.
    """

    kind: Literal["requests", "tokens"]
    remaining: float
    reset_s: float | None = None


def is_rate_limit(exc: BaseException) -> bool:
    """Whether an error, or what caused it, says that calls come too fast.

    Looks for a status of 429 (or 529, "overloaded") on the error or its ``response``, and for ``RateLimit`` in the
    names of its classes; the libraries that raise them are not known here.
    """
    return any(_limited(cause) for cause in _causes(exc))


def retry_after_of(exc: BaseException) -> float | None:
    """Seconds that the error asks to wait, from its headers or its ``retry_after``; None when it does not."""
    for cause in _causes(exc):
        wait = parse_retry_after(headers_of(cause), now=time.time())
        if wait is None:
            wait = retry_after_seconds(_attribute(cause, "retry_after"))
        if wait is not None:
            return wait
    return None


def headers_of(exc: BaseException) -> dict[str, str]:
    """Return the headers that an error carries, names in lower case; nothing when it has none."""
    for holder in (_attribute(exc, "response"), exc):
        headers = _attribute(holder, "headers")
        if isinstance(headers, Mapping):
            try:
                return lowered(cast("Mapping[object, object]", headers))
            except Exception as broken:  # noqa: BLE001 - of a foreign library, and only advice
                log().info("provider_headers_not_read", error=type(broken).__name__)
    return {}


def lowered(headers: Mapping[object, object]) -> dict[str, str]:
    """Return headers as text, names in lower case."""
    return {_text(name).lower(): _text(value) for name, value in headers.items()}


def quotas_of(headers: Mapping[str, str]) -> list[Quota]:
    """Return what ``x-ratelimit-remaining-requests`` and its relatives say; unreadable figures say nothing.

    Args:
        headers: Names in lower case.
    """
    found: list[Quota] = []
    for kind in _KINDS:
        for remaining, reset in (
            (f"x-ratelimit-remaining-{kind}", f"x-ratelimit-reset-{kind}"),
            (f"anthropic-ratelimit-{kind}-remaining", f"anthropic-ratelimit-{kind}-reset"),
        ):
            left = retry_after_seconds(headers.get(remaining))
            if left is not None:
                found.append(Quota(kind=kind, remaining=left, reset_s=_reset(headers.get(reset))))
    return found


def _limited(exc: BaseException) -> bool:
    if any("RateLimit" in kind.__name__ for kind in type(exc).__mro__):
        return True
    for holder in (exc, _attribute(exc, "response")):
        for name in _STATUSES:
            status = _attribute(holder, name)
            if isinstance(status, int) and status in _LIMITED:
                return True
    return False


def _attribute(holder: object, name: str) -> object:
    """Return what a foreign error says of itself; None where it has no such attribute, or reading it raises."""
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001 - properties of errors may raise anything, such as "no response was received"
        return None


def _causes(exc: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = exc
    for _ in range(_MOST_CAUSES):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def _reset(text: str | None) -> float | None:
    """Seconds of ``6m0s``, ``250ms``, ``1.5`` or a moment such as ``2026-01-01T00:00:00Z``."""
    if text is None:
        return None
    plain = retry_after_seconds(text)
    if plain is not None:
        return plain
    parts = _SPAN.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text.strip():
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - time.time())
    except ValueError:
        return None


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
