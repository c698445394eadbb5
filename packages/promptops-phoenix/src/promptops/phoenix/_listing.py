"""What the lists of the tracing routes have in common: pages within the server's limit, ranges of time, ids."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.core.urls import quote_segment
from promptops.phoenix._checks import aware, check_name, is_count, refused, shown
from promptops.phoenix._http import Query

__all__ = [
    "LARGEST_PAGE",
    "SPANS_PER_PAGE",
    "check_limit",
    "check_seconds",
    "choices",
    "grouped",
    "id_groups",
    "iterate_pages",
    "iterate_queries",
    "known_filters",
    "one_of",
    "path_id",
    "time_range",
]

LARGEST_PAGE: Final = 1000
"""Most spans or traces that the server sends at once."""
SPANS_PER_PAGE: Final = 200
"""Spans of a page when nobody says: each can hold a whole conversation, and an answer at most 64 MB. Larger pages are
no faster: 5,000 small spans take the server 1.5 s either way."""
_IDS: Final = 100
_NAME: Final = 20
"""Characters that the name of a parameter takes."""
_CHARACTERS: Final = 6000
"""Addresses stay below the 8 KB that proxies allow."""

T = TypeVar("T")


def check_limit(limit: int, *, largest: int = LARGEST_PAGE) -> int:
    """Return the size of a page if the server allows it.

    Raises:
        ValidationError: It is less than 1 or too large.
    """
    if not is_count(limit) or limit > largest:
        raise refused("limit", f"must be a whole number from 1 to {largest}, not {shown(limit)}", "out_of_range")
    return limit


def check_seconds(field: str, seconds: float) -> None:
    """Check a time to wait.

    Raises:
        ValidationError: It is negative, or no number that ends.
    """
    if not 0 <= seconds < math.inf:
        raise refused(
            field, f"must be a finite number of seconds, and not negative, not {shown(seconds)}", "out_of_range"
        )


async def iterate_pages(
    fetch: Callable[[str | None, int], Awaitable[CursorPage[T]]], *, limit: int | None, largest: int = LARGEST_PAGE
) -> AsyncGenerator[T, None]:
    """Yield the items of every page, and no more than wanted.

    Args:
        fetch: Gets the page of a cursor, with so many items.
        limit: Most items in all, or None for every one.
        largest: Most items of a page.

    Raises:
        ValidationError: The limit is less than 1.
    """
    if limit is not None and not is_count(limit):
        raise refused("limit", f"must be a whole number of at least 1, or None, not {shown(limit)}", "out_of_range")
    size = largest if limit is None else min(limit, largest)
    left = limit
    async for item in iterate_cursor(lambda cursor: fetch(cursor, size)):
        yield item
        if left is not None:
            left -= 1
            if not left:
                return


async def iterate_queries(
    fetch: Callable[[Query, str | None, int], Awaitable[CursorPage[T]]],
    queries: Iterable[Query],
    *,
    limit: int | None,
    largest: int = LARGEST_PAGE,
) -> AsyncGenerator[T, None]:
    """Yield the items of every page of one query after another, and no more than wanted in all.

    Args:
        fetch: Gets the page of a query and a cursor, with so many items.
        queries: What to ask.
        limit: Most items in all, or None for every one.
        largest: Most items of a page.
    """
    left = limit
    for query in queries:
        async for item in iterate_pages(partial(fetch, query), limit=left, largest=largest):
            yield item
            left = None if left is None else left - 1
        if left == 0:
            return


def time_range(start_time: datetime | None, end_time: datetime | None) -> None:
    """Check the two ends of a range of time.

    Raises:
        ValidationError: One has no time zone, or the end is not after the start.
    """
    start = None if start_time is None else aware("start_time", start_time)
    end = None if end_time is None else aware("end_time", end_time)
    if start is not None and end is not None and start >= end:
        raise refused("end_time", "must be after start_time", "out_of_order")


def choices(field: str, value: str | Iterable[str] | None) -> list[str] | None:
    """One text or several, each once; None when there is no choice.

    Raises:
        ValidationError: There is none, or one is empty.
    """
    if value is None:
        return None
    found = [check_name(field, one) for one in dict.fromkeys([value] if isinstance(value, str) else value)]
    if not found:
        raise refused(field, "is an empty list; leave it out to ask for everything")
    return found


def id_groups(field: str, ids: Iterable[str] | None) -> list[list[str]] | None:
    """Ids, each once, in groups that fit into the address of a request; no group for no id, None for None.

    Raises:
        ValidationError: It is one text, or an id is empty.
    """
    if ids is None:
        return None
    if isinstance(ids, str):
        raise refused(field, "must be a sequence of ids, not one text")
    return grouped([check_name(field, one) for one in dict.fromkeys(ids)])


def grouped(ids: Sequence[str]) -> list[list[str]]:
    """Split ids into groups that fit into the address of a request."""
    groups: list[list[str]] = []
    length = 0
    for one in ids:
        size = _NAME + len(quote_segment(one))
        if not groups or len(groups[-1]) == _IDS or length + size > _CHARACTERS:
            groups.append([])
            length = 0
        groups[-1].append(one)
        length += size
    return groups


def path_id(field: str, value: str) -> str:
    """Return an id if it can be a part of an address.

    Raises:
        ValidationError: It is empty, or holds a slash, which the server would take for another route.
    """
    if "/" in check_name(field, value):
        raise refused(field, "holds a slash, and this route cannot take one; use the id that the server gave it")
    return value


def known_filters(what: str, query: Mapping[str, object], known: frozenset[str]) -> None:
    """Refuse a filter that does not exist; it would be left out, and everything would fit.

    Raises:
        TypeError: There is no such filter.
    """
    unknown = sorted(set(query) - known)
    if unknown:
        raise TypeError(f"there is no filter of {what} named {', '.join(unknown)}; known: {', '.join(sorted(known))}")


def one_of(field: str, value: str | None, *allowed: str) -> str:
    """Return the value, or the first that is allowed for None.

    Raises:
        ValidationError: It is none of those that are allowed.
    """
    if value is None:
        return allowed[0]
    if value not in allowed:
        raise refused(field, f"must be one of {', '.join(allowed)}, not {shown(value)}")
    return value
