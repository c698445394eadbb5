"""The requests of a Phoenix server as plain functions over a runtime: paths, queries, bodies, pages, content types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from promptops.core.errors import NotFoundError, ServerError, ValidationError
from promptops.core.messages import READ, WRITE, Profile, Request, Response
from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.phoenix._address import Query, pairs, path
from promptops.phoenix._answers import NOT_ALLOWED, answer, any_answer, refuse_html, refuse_missing, unusable
from promptops.phoenix._checks import is_count, shown
from promptops.phoenix._profiles import EXPORT, UPLOAD
from promptops.phoenix._versions import VERSION_HEADER

__all__ = [
    "EXPORT",
    "ITEMS_PER_PAGE",
    "READ",
    "UPLOAD",
    "WRITE",
    "Query",
    "delete",
    "fetch",
    "fetch_if_there",
    "fetch_json",
    "fetch_page",
    "fetch_text",
    "pairs",
    "path",
    "send",
    "send_empty",
]

ITEMS_PER_PAGE: Final = 100
"""Items of a page when nobody says: the server's own defaults are 10, 50, 100 or everything, by route."""

_FAILED: Final = 500
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
    raise unusable(response, f"GET {where} was answered with 404, and not by a Phoenix server: is a proxy in between?")


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
        problem = {"field": "limit", "message": f"must be at least 1, not {shown(wanted)}", "code": "out_of_range"}
        raise ValidationError(f"limit {problem['message']}.", validation_errors=[problem])
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


async def fetch_json(runtime: Runtime, where: str, *, query: Query = (), profile: Profile = EXPORT) -> Any:
    """GET JSON of any form, also with the bare tokens ``NaN``, ``Infinity`` and ``-Infinity``.

    The server writes these for numbers that were stored so; they come back as the floats that they stand for.

    Raises:
        InvalidResponseError: A web page answered, or it is not JSON even so.
    """
    request = Request(method="GET", path=where, query=query, profile=profile)
    return await any_answer(runtime, request, await runtime.send(request))


async def send(
    runtime: Runtime,
    method: str,
    where: str,
    body: bytes | None,
    shape: type[T],
    *,
    query: Query = (),
    profile: Profile = WRITE,
    timeout: float | None = None,
    repeatable: bool = False,
    content_type: str = "application/json",
) -> T:
    """Send one write and decode its answer.

    Args:
        runtime: Sends the request.
        method: ``POST``, ``PATCH``, ``PUT``.
        where: The path.
        body: The encoded body, or None.
        shape: The whole answer, its envelope included.
        query: Its parameters.
        profile: How patient to be.
        timeout: Seconds for the whole call, instead of the profile's.
        repeatable: Whether sending it twice has the effect of sending it once; then it is tried again when its answer
            was lost.
        content_type: Media type of the body.

    Raises:
        ServerError: The server failed. With status 500 on a write that is not repeatable, it is not ``retryable``:
            the server says that of ids that do not exist, too.
        InvalidResponseError: A web page answered, or the answer does not have the shape.
    """
    request = Request(
        method=method,
        path=where,
        query=query,
        body=body,
        content_type=content_type,
        profile=profile,
        timeout=timeout,
        repeatable=repeatable,
    )
    return await answer(runtime, request, await _written(runtime, request), shape)


async def send_empty(
    runtime: Runtime,
    method: str,
    where: str,
    body: bytes | None = None,
    *,
    query: Query = (),
    profile: Profile = WRITE,
    repeatable: bool = False,
    timeout: float | None = None,
) -> None:
    """Send one write whose answer says nothing that matters; errors as for :func:`send`."""
    request = Request(
        method=method, path=where, query=query, body=body, profile=profile, timeout=timeout, repeatable=repeatable
    )
    refuse_html(request, await _written(runtime, request))


async def delete(runtime: Runtime, where: str, *, query: Query = ()) -> None:
    """DELETE the one thing that a path names; "not found" after a lost answer says that it happened.

    What deletes by a filter goes through :func:`send_empty`: there, "not found" is said of the project.

    Raises:
        NotFoundError: There was no such thing before.
    """
    request = Request(method="DELETE", path=where, query=query, profile=WRITE)
    try:
        response = await _written(runtime, request)
    except NotFoundError as error:
        if not error.repeated:
            raise
    else:
        refuse_html(request, response)


async def _written(runtime: Runtime, request: Request) -> Response:
    request = msgspec.structs.replace(request, accept_statuses=(NOT_ALLOWED,))
    try:
        response = await runtime.send(request)
    except ServerError as error:
        if error.status_code == _FAILED and not request.is_idempotent:
            error.retryable = False
        raise
    refuse_missing(request, response)
    return response
