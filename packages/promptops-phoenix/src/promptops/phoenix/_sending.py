"""Writes to a Phoenix server as plain functions over a runtime: sent again only where that does no harm."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec
from promptops.core.errors import NotFoundError, PromptOpsError, ServerError
from promptops.core.messages import WRITE, Profile, Request, Response
from promptops.core.runtime import Runtime
from promptops.phoenix._address import Query
from promptops.phoenix._answers import NOT_ALLOWED, answer, refuse_html, refuse_missing

__all__ = ["delete", "holds_nul", "is_failed", "send", "send_empty", "written"]

_FAILED: Final = 500
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""How JSON spells the character that PostgreSQL keeps in no text; after one more backslash, it is six others."""
_NUL_NOTE: Final = (
    "What was sent holds a NUL character (\\u0000). A Phoenix server over PostgreSQL cannot store one: leave it out."
)

T = TypeVar("T")


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
    return await answer(runtime, request, await written(runtime, request), shape)


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
    refuse_html(request, await written(runtime, request))


async def delete(runtime: Runtime, where: str, *, query: Query = ()) -> None:
    """DELETE the one thing that a path names; "not found" after a lost answer says that it happened.

    What deletes by a filter goes through :func:`send_empty`: there, "not found" is said of the project.

    Raises:
        NotFoundError: There was no such thing before.
    """
    request = Request(method="DELETE", path=where, query=query, profile=WRITE)
    try:
        response = await written(runtime, request)
    except NotFoundError as error:
        if not error.repeated:
            raise
    else:
        refuse_html(request, response)


def is_failed(error: PromptOpsError) -> bool:
    """Whether the server failed at a request (status 500), which it also does at some that it should refuse."""
    return isinstance(error, ServerError) and error.status_code == _FAILED


def holds_nul(body: bytes | None) -> bool:
    """Whether a text of some JSON has a NUL character, which makes a server over PostgreSQL fail (status 500)."""
    return body is not None and _NUL.search(body) is not None


async def written(runtime: Runtime, request: Request) -> Response:
    """Send a write that is ready, and return its answer; errors as for :func:`send`, which decodes it."""
    request = msgspec.structs.replace(request, accept_statuses=(*request.accept_statuses, NOT_ALLOWED))
    try:
        response = await runtime.send(request)
    except ServerError as error:
        if is_failed(error):
            if not request.is_idempotent:
                error.retryable = False
            if holds_nul(request.body):
                error.add_note(_NUL_NOTE)
        raise
    refuse_missing(request, response)
    return response
