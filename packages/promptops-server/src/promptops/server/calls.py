"""One request and its answer, as routes see them: decoded values in, values out, no HTTP library's types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Struct
from promptops.server.grants import Grant
from promptops.server.idempotency import Once, fingerprint_of
from promptops.server.rates import Quota

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send
    from promptops.server.services import Services

__all__ = ["Call", "Family", "Reply", "Visit", "encode_content"]

Family = Literal["v1", "v2"]
Q = TypeVar("Q")
B = TypeVar("B")

_encode = msgspec.json.Encoder().encode
JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"


class Visit(Struct, kw_only=True):
    """What is known of a request before its route is: who asks, its id, its raw body.

    Attributes:
        family: Which contract applies: ``v1`` (envelope) or ``v2`` (bare, problem+json).
        request_id: Accepted from the caller or made here.
        timestamp: When the request arrived.
        method: Upper case.
        path: As it was sent, percent-encoded.
        query_string: As it was sent.
        grant: None only for health without a key.
        body: The whole body, within its limit.
        quotas: Of the key, after this request; empty without keys.
    """

    family: Family
    request_id: str
    timestamp: datetime
    method: str
    path: str
    query_string: bytes = b""
    grant: Grant | None = None
    body: bytes = b""
    quotas: tuple[Quota, ...] = ()


class Call(Struct, Generic[Q, B], frozen=True, kw_only=True):
    """One call of an operation, decoded.

    Attributes:
        visit: What is known of every request.
        path: The path parameters, percent-decoded.
        query: The query parameters.
        body: The request body; None where the operation takes none.
        headers: Names in lower case.
        services: The rules.
        status: The status of success.
    """

    visit: Visit
    path: Mapping[str, str]
    query: Q
    body: B
    headers: Mapping[str, str]
    services: Services
    status: int

    @property
    def grant(self) -> Grant:
        """Who asks."""
        if self.visit.grant is None:
            raise RuntimeError("this operation was reached without a grant")
        return self.visit.grant

    @property
    def once(self) -> Once | None:
        """The idempotency key of the call, with what must be stored beside the write; None without a key."""
        key = self.headers.get("idempotency-key")
        if key is None:
            return None
        visit = self.visit
        return Once.for_call(
            owner=self.grant.owner,
            key=key,
            fingerprint=fingerprint_of(visit.method, visit.path, visit.query_string, visit.body),
            status=self.status,
            encode=lambda content: b"" if self.status == 204 else encode_content(visit, content),
        )

    def reply(self, content: object, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
        """The answer of success: in the envelope on ``/v1``, bare on ``/v2``."""
        if self.status == 204:
            return Reply(204, b"", headers=headers)
        return Reply(self.status, encode_content(self.visit, content), headers=headers)

    def conditional(self, content: object, tag: str) -> Reply:
        """The answer of success under an ETag, or 304 when ``If-None-Match`` has that tag."""
        headers = ((b"etag", f'"{tag}"'.encode()),)
        wanted = self.headers.get("if-none-match")
        if wanted is not None:
            tags = {item.strip().removeprefix("W/").strip('"') for item in wanted.split(",")}
            if "*" in tags or tag in tags:
                return Reply(304, b"", headers=headers)
        return self.reply(content, headers=headers)


class _Metadata(Struct, frozen=True):
    request_id: str
    timestamp: datetime


class _Envelope(Struct, frozen=True):
    success: bool
    data: Any
    metadata: _Metadata


def encode_content(visit: Visit, content: object) -> bytes:
    """The bytes of a successful answer in the shape of its family."""
    if visit.family == "v1":
        return _encode(_Envelope(True, content, _Metadata(visit.request_id, visit.timestamp)))
    return _encode(content)


class Reply:
    """An answer that sends itself: status, headers and encoded body, nothing else."""

    __slots__ = ("body", "headers", "media_type", "status")

    def __init__(
        self, status: int, body: bytes, *, headers: tuple[tuple[bytes, bytes], ...] = (), media_type: bytes = JSON
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.media_type = media_type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send it."""
        headers = [*self.headers]
        if self.status not in {204, 304}:
            headers.append((b"content-type", self.media_type))
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
