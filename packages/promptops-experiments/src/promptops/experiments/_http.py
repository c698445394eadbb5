"""The requests of ``/v2`` as plain functions over a runtime: one place for paths, profiles, decoding and pages."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from promptops.core import codec
from promptops.core.errors import InvalidResponseError, NotFoundError, ValidationError
from promptops.core.messages import EXPERIMENT_RESULTS, READ, WRITE, Profile, Request, Response
from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.core.urls import quote_segment
from promptops.models import Pagination, decoder

__all__ = ["EXPERIMENT_RESULTS", "ITEMS_PER_PAGE", "WRITE", "delete", "fetch", "fetch_page", "path", "post", "put"]

ITEMS_PER_PAGE: Final = 500
NAMED_PER_PAGE: Final = 100

T = TypeVar("T")


def path(*segments: str) -> str:
    """Return the path of ``/v2`` with each segment percent-encoded."""
    return "/".join(("/v2", *(quote_segment(segment) for segment in segments)))


async def fetch(runtime: Runtime, where: str, shape: type[T], *, profile: Profile = READ) -> T:
    """GET one thing."""
    response = await runtime.send(Request(method="GET", path=where, profile=profile))
    return codec.decode_response(response, decoder(shape))


async def fetch_page(
    runtime: Runtime,
    where: str,
    page: tuple[type[Any], str],
    *,
    limit: int,
    largest: int,
    cursor: str | None,
    query: Mapping[str, str | None],
    convert: Callable[[Any], T],
) -> CursorPage[T]:
    """GET one page.

    Args:
        runtime: Sends the request.
        where: The path.
        page: The shape of the page, and the name of its list.
        limit: Items per page.
        largest: Most items per page that the contract allows.
        cursor: Where to go on, or None for the start.
        query: Filters; those that are None are left out.
        convert: Makes an item of what was decoded.
    """
    if not 1 <= limit <= largest:
        raise ValidationError(f"limit must be from 1 to {largest}, not {limit}")
    pairs = [("limit", str(limit)), *((name, value) for name, value in query.items() if value is not None)]
    if cursor is not None:
        pairs.append(("cursor", cursor))
    response = await runtime.send(Request(method="GET", path=where, query=tuple(pairs), profile=READ))
    shape, field = page
    body = codec.decode_response(response, decoder(shape))
    pagination: Pagination = body.pagination
    following = pagination.next_cursor
    return CursorPage(
        items=[_converted(convert, item, response) for item in getattr(body, field)],
        has_more=pagination.has_more,
        next_cursor=following if isinstance(following, str) else None,
    )


def _converted(convert: Callable[[Any], T], item: object, response: Response) -> T:
    try:
        return convert(item)
    except msgspec.ValidationError as exc:
        raise InvalidResponseError(
            f"the server sent an item that does not fit: {exc}",
            status_code=response.status,
            request_id=response.request_id,
        ) from exc


async def post(
    runtime: Runtime,
    where: str,
    body: bytes,
    shape: type[T],
    *,
    profile: Profile = WRITE,
    query: tuple[tuple[str, str], ...] = (),
    idempotency_key: str | None = None,
) -> T:
    """POST one body; a try after a lost answer does not write twice."""
    request = Request(
        method="POST",
        path=where,
        query=query,
        body=body,
        profile=profile,
        idempotency_key=idempotency_key or str(uuid.uuid4()),
    )
    return codec.decode_response(await runtime.send(request), decoder(shape))


async def put(runtime: Runtime, where: str, body: Mapping[str, Any], shape: type[T]) -> T:
    """PUT one body."""
    request = Request(
        method="PUT", path=where, body=codec.encode(body), profile=WRITE, idempotency_key=str(uuid.uuid4())
    )
    return codec.decode_response(await runtime.send(request), decoder(shape))


async def delete(runtime: Runtime, where: str) -> None:
    """DELETE one thing; "not found" after an attempt whose answer was lost says that it happened."""
    try:
        await runtime.send(Request(method="DELETE", path=where, profile=WRITE))
    except NotFoundError as error:
        if not error.repeated:
            raise
