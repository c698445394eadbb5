"""The limits of one key: the defaults of the server with what the key has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import structs
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.rates import Limiter, Limits, Rate

__all__ = ["KeyWindows", "effective", "exceeds", "inherited"]


class KeyWindows:
    """Tells what is left of the quotas of a key; see :class:`promptops.server.limit_reader.LimitReader`."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    def windows(self, grant: Grant) -> Mapping[str, wire.UsageWindow]:
        """By minute, hour and day; empty without keys."""
        quotas = () if grant.subject is None else self._limiter.look(grant.subject)
        return {
            quota.name: wire.UsageWindow(
                limit=quota.limit, remaining=quota.remaining, reset_at=datetime.fromtimestamp(quota.reset, UTC)
            )
            for quota in quotas
        }


@lru_cache(maxsize=1024)
def effective(defaults: Limits, own: wire.KeyLimits) -> Limits:
    """What a key with these settings may send."""
    changes: dict[str, int | Rate] = {
        name: value
        for name, value in (("per_minute", own.per_minute), ("per_hour", own.per_hour), ("per_day", own.per_day))
        if value is not None
    }
    if own.rate is not None:
        changes.update(dict.fromkeys(("read", "write", "telemetry"), Rate.of(own.rate)))
    return structs.replace(defaults, **changes)


def inherited(parent: wire.KeyLimits, wanted: wire.KeyLimits) -> wire.KeyLimits:
    """What is wanted, and where nothing is, what the parent has."""
    return wire.KeyLimits(
        per_minute=wanted.per_minute or parent.per_minute,
        per_hour=wanted.per_hour or parent.per_hour,
        per_day=wanted.per_day or parent.per_day,
        rate=wanted.rate or parent.rate,
    )


def exceeds(limits: Limits, bound: Limits) -> str | None:
    """The name of the first limit that is higher than it may be."""
    for name in ("per_minute", "per_hour", "per_day"):
        if getattr(limits, name) > getattr(bound, name):
            return name
    if any(
        mine.per_second > theirs.per_second or mine.burst > theirs.burst
        for mine, theirs in (
            (limits.read, bound.read),
            (limits.write, bound.write),
            (limits.telemetry, bound.telemetry),
        )
    ):
        return "rate"
    return None
