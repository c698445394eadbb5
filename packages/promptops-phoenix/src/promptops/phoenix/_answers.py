"""Answers are looked at before they are decoded: web pages are refused, and numbers beyond JSON can be read."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar, cast

import msgspec
from promptops.core import codec
from promptops.core.errors import InvalidResponseError
from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime
from promptops.models import decoder, prepared
from promptops.phoenix._large import LARGE, in_pieces
from promptops.phoenix._versions import VERSION_HEADER

__all__ = ["NOT_ALLOWED", "answer", "any_answer", "missing", "refuse_html", "refuse_missing", "unusable"]

NOT_ALLOWED: Final = 405
_NOT_PHOENIX: Final = "base_url does not lead to a Phoenix server, or a proxy or a login screen answered instead"

T = TypeVar("T")


async def answer(runtime: Runtime, request: Request, response: Response, shape: type[T]) -> T:
    """Decode an answer that is not a web page; a large one in a worker thread.

    Raises:
        InvalidResponseError: It is one, or does not have the shape.
    """
    refuse_html(request, response)
    try:
        if len(response.body) <= LARGE:
            return codec.decode_response(response, decoder(shape))
        return await runtime.run_blocking(_decoded, response, shape, decoder(shape))
    except InvalidResponseError as error:
        if VERSION_HEADER not in response.headers:
            error.message += f" Perhaps {_NOT_PHOENIX}."
            error.args = (error.message,)
        raise


async def any_answer(runtime: Runtime, request: Request, response: Response, shape: Any = list[Any]) -> Any:
    """Decode an answer also with bare ``NaN`` and ``Infinity``; otherwise as :func:`answer`.

    Without a shape, one of any form.
    """
    refuse_html(request, response)
    whole = _TOLERANT if shape == list[Any] else _Tolerant(shape)
    if len(response.body) <= LARGE:
        return codec.decode_response(response, whole)
    return await runtime.run_blocking(_decoded, response, shape, whole)


def _decoded(response: Response, shape: Any, whole: codec.Decoder[T]) -> T:
    try:
        return cast("T", in_pieces(shape, response.body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError):
        # In one go it may be something after all; else this says where in the whole something is wrong.
        return codec.decode_response(response, whole)


def refuse_html(request: Request, response: Response) -> None:
    """Refuse a web page: the server answers a GET of a route that it does not have with one, and status 200.

    Raises:
        InvalidResponseError: It is one; the message has the version of the server, if that is what answered.
    """
    if not codec.looks_like_html(response.body, response.headers.get("content-type", "").lower()):
        return
    raise missing(request, response, "a web page")


def refuse_missing(request: Request, response: Response) -> None:
    """Refuse "method not allowed", by which the server answers a write of a route that it does not have.

    Raises:
        InvalidResponseError: It says so; the message as for :func:`refuse_html`.
    """
    if response.status == NOT_ALLOWED:
        raise missing(request, response, f"status {NOT_ALLOWED}")


def missing(request: Request, response: Response, what: str) -> InvalidResponseError:
    """The error of an answer that says that there is no such route."""
    version = response.headers.get(VERSION_HEADER)
    if version is None:
        reason = _NOT_PHOENIX
    else:
        reason = f"the route is missing in this Phoenix server (version {version:.40}), or base_url is wrong"
    return unusable(response, f"{request.method} {request.path} answered with {what}: {reason}")


def unusable(response: Response, reason: str) -> InvalidResponseError:
    """The error of an answer that says nothing useful."""
    version = response.headers.get(VERSION_HEADER)
    return InvalidResponseError(
        f"{reason.rstrip('.')}.",
        status_code=response.status,
        request_id=response.request_id,
        details={} if version is None else {"server_version": version[:40]},
    )


class _Tolerant:
    """A decoder that goes on where strict JSON ends."""

    def __init__(self, shape: Any = Any) -> None:
        self._shape = shape

    def decode(self, data: bytes, /) -> Any:
        """Decode a whole body; raises msgspec's errors."""
        try:
            return decoder(self._shape).decode(data)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError as exc:
            try:
                found = json.loads(data, parse_constant=float)
            except ValueError:
                raise exc from None
            return msgspec.convert(found, prepared(self._shape))


_TOLERANT: Final = _Tolerant()
