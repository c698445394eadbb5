"""Moments as the database has them: microseconds since 1970, and hours of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["HOUR", "hour_text", "microseconds", "moment_of_hour"]

HOUR: Final = 3_600_000_000
"""Microseconds of an hour."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, for any aware time (negative before)."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of_hour(hour: int) -> datetime:
    """The start of an hour, counted since 1970."""
    return _EPOCH + timedelta(hours=hour)


def hour_text(hour: int) -> str:
    """The start of an hour as RFC 3339 in UTC."""
    return moment_of_hour(hour).strftime("%Y-%m-%dT%H:%M:%SZ")
