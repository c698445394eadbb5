"""Errors on the wire: one exception in, the error shape of the contract's family out.

Messages of unexpected exceptions never leave the server; they go to its log under the request id.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from msgspec import Struct
from promptops.core import errors
from promptops.core.log import log
from promptops.models import prepared
from promptops.server import wire
from promptops.server.calls import JSON, PROBLEM, Reply, Visit
from promptops.server.idempotency import IdempotencyInProgress, Replayed
from promptops.server.refusals import QueryError, RateLimited, RequestRefused

__all__ = ["error_reply", "parse_msgspec_error"]

_encode = msgspec.json.Encoder().encode
_AT: Final = re.compile(r"^(?P<message>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_FIELD: Final = re.compile(r"(?P<kind>unknown|required) field `(?P<name>[^`]*)`")
_TITLES: Final = {
    400: "Bad request",
    401: "Authentication is required",
    403: "Insufficient permissions",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    409: "Conflict",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Invalid request",
    429: "Rate limit exceeded",
    500: "Internal server error",
    503: "Service unavailable",
}


class _Tag(Struct, frozen=True):
    etag: str


class _Tagged(Struct, frozen=True):
    data: _Tag


_decode_tagged = msgspec.json.Decoder(prepared(_Tagged)).decode


class _Failure(Struct, kw_only=True):
    status: int
    code: str
    message: str
    retryable: bool = False
    retry_after: int | None = None
    fields: list[dict[str, Any]] | None = None
    prompt_id: str | None = None
    suggested_prompts: list[str] | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


def parse_msgspec_error(error: msgspec.DecodeError) -> dict[str, Any]:
    """The field, message and code in what msgspec says of a value that it refused."""
    matched = _AT.match(str(error))
    message, path = (matched["message"], matched["path"] or "$") if matched else (str(error), "$")
    field = path.removeprefix("$").removeprefix(".")
    if not isinstance(error, msgspec.ValidationError):
        return {"field": "body", "message": f"not valid JSON: {message}", "code": "invalid_json"}
    named = _FIELD.search(message)
    if named is None:
        return {"field": field or "body", "message": message, "code": "invalid_value"}
    field = f"{field}.{named['name']}" if field else named["name"]
    if named["kind"] == "unknown":
        return {"field": field, "message": "unknown field", "code": "unknown_field"}
    return {"field": field, "message": "missing", "code": "missing_field"}


def error_reply(error: BaseException, visit: Visit) -> Reply:
    """The answer to a failed request; a :class:`Replayed` gives the stored answer instead."""
    if isinstance(error, Replayed):
        return Reply(error.status, error.body, headers=((b"idempotency-replayed", b"true"), *_stored_etag(error.body)))
    failure = _failure(error, visit)
    headers = [*failure.headers, (b"x-should-retry", b"true" if failure.retryable else b"false")]
    if failure.retry_after is not None:
        headers.append((b"retry-after", str(failure.retry_after).encode()))
    if visit.family == "v1":
        return Reply(failure.status, _envelope(failure, visit), headers=tuple(headers), media_type=JSON)
    return Reply(failure.status, _problem(failure, visit), headers=tuple(headers), media_type=PROBLEM)


def _stored_etag(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """The ETag that the first answer had: what has one on ``/v1`` has it in its body too."""
    try:
        tag = _decode_tagged(body).data.etag
    except msgspec.DecodeError:
        return ()
    return ((b"etag", f'"{tag}"'.encode()),)


def _failure(error: BaseException, visit: Visit) -> _Failure:
    if isinstance(error, errors.PromptOpsError):
        return _expected(error, visit)
    if isinstance(error, NotFoundException):
        return _Failure(
            status=404, code="NOT_FOUND_ERROR", message="There is no such route; see the list of operations."
        )
    if isinstance(error, MethodNotAllowedException):
        allow = (error.headers or {}).get("allow", "")
        headers = ((b"allow", allow.encode()),) if allow else ()
        return _Failure(
            status=405, code="METHOD_NOT_ALLOWED", message=f"This route does not take {visit.method}.", headers=headers
        )
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _Failure(status=error.status_code, code="BAD_REQUEST", message="The request could not be read.")
    if isinstance(error, sqlite3.OperationalError):
        log().error("database_failed", request_id=visit.request_id, method=visit.method, exc_info=error)
        return _Failure(
            status=503,
            code="SERVICE_UNAVAILABLE",
            message="The database did not answer; retry shortly.",
            retryable=True,
            retry_after=1,
        )
    log().error("request_failed", request_id=visit.request_id, method=visit.method, exc_info=error)
    return _Failure(
        status=500,
        code="SERVER_ERROR",
        message="The server failed; its log has the cause under this request id.",
        retryable=visit.method == "GET",
    )


def _expected(error: errors.PromptOpsError, visit: Visit) -> _Failure:
    failure = _Failure(
        status=_status(error, visit), code=error.error_code, message=error.message, retryable=error.retryable
    )
    match error:
        case errors.ValidationError():
            failure.fields = error.validation_errors
        case errors.PromptNotFoundError():
            failure.prompt_id = error.prompt_id
            failure.suggested_prompts = error.suggested_prompts
        case errors.RateLimitError():
            failure.retry_after = error.retry_after
            if isinstance(error, RateLimited):
                failure.headers = ((b"retry-after-ms", b"%d" % math.ceil(error.seconds * 1000)),)
        case IdempotencyInProgress():
            failure.retry_after = 1
        case errors.AuthenticationError():
            failure.headers = ((b"www-authenticate", b"Bearer"),)
        case _:
            pass
    return failure


def _status(error: errors.PromptOpsError, visit: Visit) -> int:
    match error:
        case RequestRefused():
            return error.status
        case QueryError():
            return 422 if visit.family == "v1" else 400
        case errors.ValidationError():
            return 422
        case errors.AuthenticationError():
            return 401
        case errors.AuthorizationError():
            return 403
        case errors.NotFoundError():
            return 404
        case errors.ConflictError():
            return 409
        case errors.RateLimitError():
            return 429
        case errors.ServerError():
            return error.status_code
        case _:
            return 500


def _field_problems(fields: Iterable[dict[str, Any]]) -> list[wire.FieldProblem]:
    return [
        wire.FieldProblem(field=str(item["field"]), message=str(item["message"]), code=str(item.get("code", "invalid")))
        for item in fields
    ]


def _envelope(failure: _Failure, visit: Visit) -> bytes:
    details: dict[str, Any] = {}
    if failure.fields is not None:
        details["validation_errors"] = _field_problems(failure.fields)
    if failure.prompt_id is not None:
        details["prompt_id"] = failure.prompt_id
        details["suggested_prompts"] = failure.suggested_prompts
    if failure.retry_after is not None:
        details["retry_after"] = failure.retry_after
    return _encode(
        wire.ErrorEnvelope(
            success=False,
            error=wire.ErrorBody(code=failure.code, message=failure.message, details=details),
            metadata=wire.ResponseMetadata(request_id=visit.request_id, timestamp=visit.timestamp),
        )
    )


def _problem(failure: _Failure, visit: Visit) -> bytes:
    return _encode(
        wire.Problem(
            title=_TITLES.get(failure.status, "Error"),
            status=failure.status,
            detail=failure.message,
            code=failure.code,
            request_id=visit.request_id,
            retryable=failure.retryable,
            errors=_field_problems(failure.fields) if failure.fields else None,
        )
    )
