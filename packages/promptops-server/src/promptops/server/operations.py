"""Operations: each is declared once, and its Litestar handler and its place in the OpenAPI document follow from that.

Bodies and queries are decoded here rather than by the framework: bodies strictly and within the limits of their
family, queries leniently, and every refusal names its field in the error shape of the family.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast
from urllib.parse import parse_qsl, unquote

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp
from msgspec import Struct
from promptops.core.errors import AuthorizationError, ValidationError
from promptops.models import prepared
from promptops.server.calls import Call, Reply, Visit
from promptops.server.errors import error_reply, parse_msgspec_error
from promptops.server.grants import Scope
from promptops.server.meter import SELECTED_PROJECT
from promptops.server.refusals import QueryError

if TYPE_CHECKING:
    from promptops.server.services import Services

__all__ = ["NoQuery", "Operation", "operation", "operation_of"]

Q = TypeVar("Q", bound=Struct)
B = TypeVar("B")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

VISIT: Final = "promptops.visit"
_OPERATION: Final = "promptops.operation"
_MAX_QUERY_FIELDS: Final = 100


class NoQuery(Struct, frozen=True):
    """The query of an operation that has none."""


class Operation(Struct, frozen=True, kw_only=True):
    """What is known of an operation without calling it.

    Attributes:
        id: Stable, for generated clients.
        path: In Litestar's spelling (``/v2/datasets/{dataset_id:str}``).
        scope: The right it needs; None when any key will do.
        or_scope: Another right that does as well.
        needs_key: Whether it is refused without a key.
        query: The struct of its query parameters.
        body: The struct of its body, or None.
        response: The struct of its answer, or None for an empty one.
        errors: Statuses that it may answer besides success, 401, 429 and 500.
        headers: Request headers that it understands, with what they mean.
    """

    id: str
    method: Method
    path: str
    tag: str
    summary: str
    scope: Scope | None
    or_scope: Scope | None
    needs_key: bool
    query: type[Struct]
    body: type[Struct] | None
    response: type[Struct] | None
    status: int
    errors: tuple[int, ...]
    headers: tuple[tuple[str, str], ...]


IDEMPOTENCY_KEY: Final = ("Idempotency-Key", "The same key on every attempt makes the write happen once (24 hours).")


def operation(
    id: str,  # noqa: A002 - the published name of the thing
    method: Method,
    path: str,
    *,
    tag: str,
    summary: str,
    scope: Scope | None,
    query: type[Q],
    body: type[B],
    response: type[Struct] | None,
    status: int = 200,
    errors: tuple[int, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
    needs_key: bool = True,
    or_scope: Scope | None = None,
) -> Callable[[Callable[[Call[Q, B]], Awaitable[Reply]]], HTTPRouteHandler]:
    """Make a route of a function that takes a :class:`Call` and returns a :class:`Reply`.

    Give ``body=NoneType`` for an operation without one. The rest is described by :class:`Operation`.
    """
    takes_body = body is not type(None)
    facts = Operation(
        id=id,
        method=method,
        path=path,
        tag=tag,
        summary=summary,
        scope=scope,
        or_scope=or_scope,
        needs_key=needs_key,
        query=query,
        body=cast("type[Struct]", body) if takes_body else None,
        response=response,
        status=status,
        errors=errors,
        headers=headers,
    )
    decode_body = msgspec.json.Decoder(prepared(body)).decode if takes_body else None
    has_query = bool(query.__struct_fields__)
    empty_query: Q | None = None

    def read_query(query_string: bytes) -> Q:
        nonlocal empty_query
        if query_string and has_query:
            return _decode_query(query_string, query)
        if empty_query is None:
            empty_query = query()
        return empty_query

    def wrap(function: Callable[[Call[Q, B]], Awaitable[Reply]]) -> HTTPRouteHandler:
        async def handle(request: Request[Any, Any, Any]) -> ASGIApp:
            scope_ = cast("dict[str, Any]", request.scope)
            visit: Visit = scope_[VISIT]
            services: Services = scope_["litestar_app"].services
            SELECTED_PROJECT.set(None)
            started = time.perf_counter()
            try:
                _check_scope(visit, scope, or_scope)
                call = Call(
                    visit=visit,
                    path={name: _decode_segment(name, value) for name, value in scope_["path_params"].items()},
                    query=read_query(visit.query_string),
                    body=_decode_body(decode_body, visit.body) if decode_body is not None else cast("B", None),
                    headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope_["headers"]},
                    services=services,
                    status=status,
                )
                reply = await function(call)
            except Exception as error:  # noqa: BLE001 - the border of HTTP: every error becomes an answer and a log line
                reply = error_reply(error, visit)
            if visit.grant is not None:
                seconds = time.perf_counter() - started
                services.meter.record(visit.grant, id, failed=reply.status >= 400, seconds=seconds)
            return reply

        handle.__doc__ = function.__doc__
        # A Reply carries its own status; the framework would refuse a handler that returns anything with 204.
        return HTTPRouteHandler(
            path, http_method=cast("Any", method), name=id, operation_id=id, status_code=200, opt={_OPERATION: facts}
        )(handle)

    return wrap


def operation_of(handler: HTTPRouteHandler) -> Operation | None:
    """The declaration behind a handler; None for those that the framework adds (OPTIONS)."""
    found: Operation | None = handler.opt.get(_OPERATION)
    return found


def _check_scope(visit: Visit, scope: Scope | None, or_scope: Scope | None) -> None:
    if scope is None:
        return
    enough = [each for each in (scope, or_scope) if each is not None]
    if visit.grant is None or not any(visit.grant.allows(each) for each in enough):
        named = " or ".join(f"'{each}'" for each in enough)
        raise AuthorizationError(f"This key lacks the scope {named}; use a key that has it.")


def _decode_segment(name: str, value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        message = "not UTF-8 once percent-decoded"
        raise QueryError(
            f"{name}: {message}", validation_errors=[{"field": name, "message": message, "code": "invalid_encoding"}]
        ) from error


def _decode_query(query_string: bytes, query: type[Q]) -> Q:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), errors="strict", max_num_fields=_MAX_QUERY_FIELDS, keep_blank_values=False
        )
        values: dict[str, str] = {}
        for name, value in pairs:
            if name not in values:
                values[name] = value
            elif name == "tags":
                values[name] += f",{value}"
            elif name in query.__struct_encode_fields__:
                raise msgspec.ValidationError(f"given more than once - at `$.{name}`")
        return msgspec.convert(values, prepared(query), strict=False)
    except msgspec.ValidationError as error:
        problem = parse_msgspec_error(error)
        raise QueryError(f"{problem['field']}: {problem['message']}", validation_errors=[problem]) from error
    except ValueError as error:
        message = "not a valid query string"
        raise QueryError(
            f"query: {message}", validation_errors=[{"field": "query", "message": message, "code": "invalid_encoding"}]
        ) from error


def _decode_body(decode: Callable[[bytes], B], body: bytes) -> B:
    try:
        return decode(body)
    except msgspec.DecodeError as error:
        problem = parse_msgspec_error(error)
        raise ValidationError(f"{problem['field']}: {problem['message']}", validation_errors=[problem]) from error
    except UnicodeDecodeError as error:
        problem = {"field": "body", "message": "not valid UTF-8", "code": "invalid_json"}
        raise ValidationError("body: not valid UTF-8", validation_errors=[problem]) from error
