"""Pages of both kinds, and iterators that fetch them one after another."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

import msgspec
from promptops.core.errors import InvalidResponseError

__all__ = ["CursorPage", "OffsetPage", "iterate_cursor", "iterate_offset"]

T = TypeVar("T")


class CursorPage(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list that is walked with opaque cursors.

    Attributes:
        items: The items of this page.
        has_more: Whether another page follows.
        next_cursor: What to ask the next page with, when there is one.
    """

    items: list[T]
    has_more: bool = False
    next_cursor: str | None = None


class OffsetPage(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list that is walked by position.

    Attributes:
        items: The items of this page.
        total: How many there are on all pages.
        limit: The size that was asked for.
        offset: The position of the first item.
        has_more: Whether another page follows.
    """

    items: list[T]
    total: int
    limit: int
    offset: int = 0
    has_more: bool = False


async def iterate_cursor(
    fetch: Callable[[str | None], Awaitable[CursorPage[T]]], *, cursor: str | None = None
) -> AsyncGenerator[T, None]:
    """Yield the items of every page.

    Args:
        fetch: Gets the page of a cursor; None is the first page.
        cursor: Where to start.

    Raises:
        InvalidResponseError: The server promises more without saying where, or sends a cursor for the second time.
    """
    seen: set[str] = set()
    while True:
        page = await fetch(cursor)
        for item in page.items:
            yield item
        if not page.has_more:
            return
        cursor = page.next_cursor
        if not cursor:
            raise InvalidResponseError("The server says that another page follows, but gave no cursor for it.")
        if cursor in seen:
            raise InvalidResponseError("The server sent the same page cursor twice; the list would never end.")
        seen.add(cursor)


async def iterate_offset(
    fetch: Callable[[int], Awaitable[OffsetPage[T]]], *, offset: int = 0
) -> AsyncGenerator[T, None]:
    """Yield the items of every page.

    Args:
        fetch: Gets the page that starts at an offset.
        offset: Where to start.

    Raises:
        InvalidResponseError: The server promises more after an empty page.
    """
    while True:
        page = await fetch(offset)
        for item in page.items:
            yield item
        if not page.has_more:
            return
        if not page.items:
            raise InvalidResponseError("The server says that another page follows, but this one is empty.")
        offset += len(page.items)
