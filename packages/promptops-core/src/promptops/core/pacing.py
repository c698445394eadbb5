"""When the server says to come back: every form of Retry-After, as seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Final

__all__ = ["parse_retry_after", "retry_after_seconds"]

_NUMBER: Final = re.compile(r"[0-9]{1,400}(?:\.[0-9]{0,400})?(?:[eE][+-]?[0-9]{1,4})?")
_INFINITE: Final = float("inf")


def parse_retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds to wait from the arrival of these headers, or None when they say nothing usable.

    ``retry-after-ms`` comes first, then ``retry-after`` as seconds, then as an HTTP date, which is measured against
    the ``date`` of the same answer so that a wrong clock on either side does not matter. What is negative, not finite
    or not a number is as good as absent.

    Args:
        headers: Names in lower case.
        now: Seconds since 1970, for a date without a ``date`` beside it.
    """
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None:
        wait = _number(milliseconds)
        if wait is not None:
            return wait / 1000
    text = headers.get("retry-after")
    if text is None:
        return None
    wait = _number(text)
    return wait if wait is not None else _until(text, headers.get("date"), now)


def retry_after_seconds(value: object) -> float | None:
    """The same for a value from a JSON body: a number, or a text that holds one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        try:
            seconds = float(value)
        except OverflowError:
            return None
        return seconds if 0 <= seconds < _INFINITE else None
    return _number(value) if isinstance(value, str) else None


def _number(text: str) -> float | None:
    values = [_one_number(part.strip(" \t")) for part in text.split(",")]
    if None in values:
        return None
    # A repeated header arrives joined by commas; the longest wait offends nobody.
    return max(value for value in values if value is not None)


def _one_number(text: str) -> float | None:
    if _NUMBER.fullmatch(text) is None:  # float() also takes "nan", "1_0", "٣" and spaces within
        return None
    value = float(text)
    return value if value < _INFINITE else None


def _until(text: str, date: str | None, now: float) -> float | None:
    then = _http_date(text)
    if then is None:
        return None
    sent = _http_date(date) if date is not None else None
    wait = then - (now if sent is None else sent)
    return wait if wait > 0 else None


def _http_date(text: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
