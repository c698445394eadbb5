"""Percent-encode what goes into a path or a query."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from promptops.core.errors import ValidationError

__all__ = ["encode_query", "quote_pair", "quote_path", "quote_segment"]

_DOTS = {".": "%2E", "..": "%2E%2E"}


def quote_segment(value: str) -> str:
    """Encode one path segment, so that a name can never reach another route.

    Raises:
        ValidationError: The value is empty, or holds half of a surrogate pair.
    """
    if not value:
        raise ValidationError("A name or id in the address is empty; pass the name or the id of the thing you mean.")
    if value in _DOTS:
        return _DOTS[value]  # proxies resolve a plain dot segment
    try:
        return quote(value, safe="")
    except UnicodeEncodeError as exc:
        raise ValidationError("A name or id holds a lone surrogate, which is not text; remove it.") from exc


def quote_path(path: str) -> str:
    """Encode a whole path: slashes stay, and what is encoded already stays as it is."""
    return quote(path, safe="/%:@!$&'()*+,;=")


def quote_pair(pair: tuple[str, str]) -> tuple[str, str]:
    """Encode the name and the value of one query parameter."""
    name, value = pair
    return quote(name, safe=""), quote(value, safe="")


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Encode name and value pairs in the order given (``a=1&b=x%20y``)."""
    try:
        return "&".join([f"{name}={value}" for name, value in map(quote_pair, pairs)])
    except UnicodeEncodeError as exc:
        raise ValidationError("A query value holds a lone surrogate, which is not text; remove it.") from exc
