"""Reads of a Phoenix server as plain functions over a runtime: one thing, a page, text, JSON of any form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from promptops.core.messages import READ, Profile, Request
from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.phoenix._address import Query, pairs
from promptops.phoenix._answers import answer, any_answer, refuse_html, unusable
from promptops.phoenix._checks import is_count, refused, shown
from promptops.phoenix._profiles import EXPORT
from promptops.phoenix._versions import VERSION_HEADER

__all__ = ["ITEMS_PER_PAGE", "fetch", "fetch_if_there", "fetch_json", "fetch_page", "fetch_text"]

ITEMS_PER_PAGE: Final = 100
"""Items of a page when nobody says: the server's own defaults are 10, 50, 100 or everything, by route."""
_NOT_FOUND: Final = 404

T = TypeVar("T")


def _as_it_is(item: Any) -> Any:
    return item


async def fetch(
    runtime: Runtime,
    where: str,
    shape: type[T],
    *,
    query: Query = (),
    profile: Profile = READ,
    timeout: float | None = None,
) -> T:
    """GET one thing.

    Args:
        runtime: Sends the request.
        where: The path.
        shape: The whole answer, its envelope included.
        query: Its parameters.
        profile: How patient to be.
        timeout: Seconds for the whole call, instead of the profile's.

    Raises:
        InvalidResponseError: A web page answered, or the answer does not have the shape.
    """
    request = Request(method="GET", path=where, query=query, profile=profile, timeout=timeout)
    return await answer(runtime, request, await runtime.send(request), shape)


async def fetch_if_there(
    runtime: Runtime,
    where: str,
    shape: type[T],
    *,
    query: Query = (),
    profile: Profile = READ,
    timeout: float | None = None,
) -> T | None:
    """GET one thing; None when the server itself says that there is none.

    Arguments as for :func:`fetch`.

    Raises:
        InvalidResponseError: As for :func:`fetch`; or something in between said that there is none.
    """
    request = Request(
        method="GET", path=where, query=query, profile=profile, timeout=timeout, accept_statuses=(_NOT_FOUND,)
    )
    response = await runtime.send(request)
    if response.status != _NOT_FOUND:
        return await answer(runtime, request, response, shape)
    if VERSION_HEADER in response.headers:
        return None
    reason = "base_url does not lead to one, or a proxy in between answered instead"
    raise unusable(response, f"GET {where} was answered with 404, and not by a Phoenix server: {reason}")


async def fetch_page(
    runtime: Runtime,
    where: str,
    shape: type[Any],
    *,
    query: Query = (),
    limit: int | None,
    cursor: str | None,
    convert: Callable[[Any], T] = _as_it_is,
    profile: Profile = READ,
    timeout: float | None = None,
) -> CursorPage[T]:
    """GET one page; how many items it may have is always said.

    Args:
        runtime: Sends the request.
        where: The path.
        shape: The whole answer, with ``data`` and ``next_cursor``.
        query: Filters.
        limit: Items per page, or None for 100.
        cursor: Where to go on, or None for the start.
        convert: Makes an item of what was decoded; without it, that is the item.
        profile: How patient to be.
        timeout: Seconds for the whole call, instead of the profile's.

    Raises:
        ValidationError: The limit is not positive.
        InvalidResponseError: A web page answered, or the answer or one of its items does not have the shape.
    """
    wanted = ITEMS_PER_PAGE if limit is None else limit
    if not is_count(wanted):
        raise refused("limit", f"must be at least 1, not {shown(wanted)}", "out_of_range")
    query = (*query, *pairs(limit=wanted, cursor=cursor))
    request = Request(method="GET", path=where, query=query, profile=profile, timeout=timeout)
    response = await runtime.send(request)
    body = await answer(runtime, request, response, shape)
    following: str | None = body.next_cursor
    try:
        items = [convert(item) for item in body.data]
    except msgspec.ValidationError as exc:
        raise unusable(response, f"the server sent an item that does not fit: {exc}") from exc
    return CursorPage(items=items, has_more=bool(following), next_cursor=following or None)


async def fetch_text(runtime: Runtime, where: str, *, media: str, query: Query = (), profile: Profile = EXPORT) -> str:
    """GET text, for example ``media="text/csv"``.

    Raises:
        InvalidResponseError: A web page answered, or the text is not UTF-8.
    """
    request = Request(method="GET", path=where, query=query, headers=(("accept", media),), profile=profile)
    response = await runtime.send(request)
    refuse_html(request, response)
    try:
        return response.body.decode()
    except UnicodeDecodeError as exc:
        raise unusable(response, f"{request.method} {where} did not answer with UTF-8 text: {exc}") from exc


async def fetch_json(
    runtime: Runtime, where: str, shape: Any = list[Any], *, query: Query = (), profile: Profile = EXPORT
) -> Any:
    """GET JSON, also with the bare tokens ``NaN``, ``Infinity`` and ``-Infinity``; without a shape, of any form.

    The server writes these for numbers that were stored so; they come back as the floats that they stand for.

    Raises:
        InvalidResponseError: A web page answered, it is not JSON even so, or it does not have the shape.
    """
    request = Request(method="GET", path=where, query=query, profile=profile)
    return await any_answer(runtime, request, await runtime.send(request), shape)
