from __future__ import annotations

from typing import Any

import pytest
from promptops.core import CursorPage, InvalidResponseError, OffsetPage
from promptops.core.bridge import drive
from promptops.core.pagination import iterate_cursor, iterate_offset


async def collect(source: Any, limit: int = 100) -> list[Any]:
    found: list[Any] = []
    async for item in source:
        found.append(item)
        if len(found) >= limit:
            break
    await source.aclose()
    return found


def cursors(pages: dict[str | None, CursorPage[int]], asked: list[str | None]) -> Any:
    async def fetch(cursor: str | None) -> CursorPage[int]:
        asked.append(cursor)
        return pages[cursor]

    return fetch


def test_cursor_pages_are_walked_to_the_end() -> None:
    asked: list[str | None] = []
    pages: dict[str | None, CursorPage[int]] = {
        None: CursorPage(items=[1, 2], has_more=True, next_cursor="a"),
        "a": CursorPage(items=[], has_more=True, next_cursor="b"),
        "b": CursorPage(items=[3], next_cursor="ignored"),
    }
    assert drive(collect(iterate_cursor(cursors(pages, asked)))) == [1, 2, 3]
    assert asked == [None, "a", "b"]


def test_next_page_is_fetched_only_when_needed() -> None:
    asked: list[str | None] = []
    pages: dict[str | None, CursorPage[int]] = {None: CursorPage(items=[1, 2], has_more=True, next_cursor="a")}
    assert drive(collect(iterate_cursor(cursors(pages, asked)), limit=2)) == [1, 2]
    assert asked == [None]


@pytest.mark.parametrize(
    "pages",
    [
        {None: CursorPage(items=[1], has_more=True)},
        {None: CursorPage(items=[1], has_more=True, next_cursor="")},
        {
            None: CursorPage(items=[1], has_more=True, next_cursor="a"),
            "a": CursorPage(items=[2], has_more=True, next_cursor="a"),
        },
    ],
)
def test_list_that_would_never_end_or_be_cut_is_an_error(pages: dict[str | None, CursorPage[int]]) -> None:
    with pytest.raises(InvalidResponseError):
        drive(collect(iterate_cursor(cursors(pages, []))))


def test_offset_pages_are_walked_by_what_arrived() -> None:
    asked: list[int] = []

    async def fetch(offset: int) -> OffsetPage[int]:
        asked.append(offset)
        items = list(range(offset, min(offset + 3, 7)))
        return OffsetPage(items=items, total=7, limit=5, offset=offset, has_more=offset + len(items) < 7)

    assert drive(collect(iterate_offset(fetch))) == list(range(7))
    assert asked == [0, 3, 6]
    assert drive(collect(iterate_offset(fetch, offset=6))) == [6]


def test_empty_page_that_promises_more_is_an_error() -> None:
    async def fetch(offset: int) -> OffsetPage[int]:
        return OffsetPage(items=[], total=7, limit=5, offset=offset, has_more=True)

    with pytest.raises(InvalidResponseError):
        drive(collect(iterate_offset(fetch)))
