"""Bodies of requests, read within their limits before anything looks at them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from promptops.core.codec import depth_exceeds
from promptops.server.calls import Family
from promptops.server.refusals import RequestRefused, invalid
from promptops.server.settings import MAX_BODY_BYTES, MAX_NESTING, TELEMETRY_BODY_BYTES

if TYPE_CHECKING:
    from litestar.types import Receive

__all__ = ["body_limit", "check_body", "read_body"]

_TELEMETRY: Final = "/v1/client/telemetry"
_JSON_TYPES: Final = ("application/json", "application/problem+json")


def body_limit(family: Family, path: str) -> int:
    """How many bytes a body may have; batches of telemetry may be larger than others of their family."""
    return TELEMETRY_BODY_BYTES if path == _TELEMETRY else MAX_BODY_BYTES[family]


async def read_body(receive: Receive, *, limit: int, content_length: str | None, seconds: float) -> bytes:
    """The whole body, as it was sent.

    Raises:
        RequestRefused: It is larger than ``limit`` bytes (413, as soon as that is known), or did not arrive in time
            (408).
    """
    if content_length is not None and content_length.isdigit() and int(content_length[:20]) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise RequestRefused("The caller went away.", status=400, error_code="BAD_REQUEST")
                size += len(message["body"])
                if size > limit:
                    raise _too_large(limit)
                chunks.append(message["body"])
                more = message["more_body"]
    except TimeoutError as error:
        raise RequestRefused(
            f"The body did not arrive within {seconds:g} seconds.",
            status=408,
            error_code="TIMEOUT_ERROR",
            retryable=True,
        ) from error
    return b"".join(chunks)


def check_body(body: bytes, *, content_type: str | None) -> None:
    """Refuse what must not be decoded.

    Raises:
        RequestRefused: It is not JSON (415).
        ValidationError: It nests too deep.
    """
    if body and content_type is not None and content_type.partition(";")[0].strip().lower() not in _JSON_TYPES:
        raise RequestRefused(
            "The body must be JSON: send 'Content-Type: application/json'.",
            status=415,
            error_code="UNSUPPORTED_MEDIA_TYPE",
        )
    if depth_exceeds(body, MAX_NESTING):
        raise invalid("body", f"nests deeper than {MAX_NESTING} levels", "too_deep")


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(
        f"The body is larger than {limit} bytes; send it in smaller pieces.", status=413, error_code="PAYLOAD_TOO_LARGE"
    )
