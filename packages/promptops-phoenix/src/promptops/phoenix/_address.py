"""Paths and queries: nothing that a caller gives is spliced into either."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from promptops.core.urls import quote_segment
from promptops.phoenix._checks import aware

__all__ = ["Query", "pairs", "path"]

Query: TypeAlias = "tuple[tuple[str, str], ...]"
"""Name and value pairs, not encoded."""


def path(*segments: str) -> str:
    """Return the path below ``/v1`` with each segment percent-encoded."""
    return "/".join(("/v1", *(quote_segment(segment) for segment in segments)))


def pairs(**values: str | int | bool | datetime | Sequence[str] | None) -> Query:
    """Query parameters: None is left out, a sequence is repeated, moments are written with their offset.

    Raises:
        ValidationError: A moment has no time zone.
    """
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, str):
            found.append((name, value))
        elif isinstance(value, bool):
            found.append((name, "true" if value else "false"))
        elif isinstance(value, int):
            found.append((name, str(value)))
        elif isinstance(value, datetime):
            found.append((name, aware(name, value).isoformat()))
        else:
            found.extend((name, item) for item in value)
    return tuple(found)
