"""Streamed answers as the runtimes hand them out: their failures are the public errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from promptops.core.errors import PromptOpsError
from promptops.core.messages import Response
from promptops.core.runtime import StreamedResponse
from promptops.core.transport import TransportError

__all__ = ["TranslatedStream", "read_error"]

_LARGEST_ERROR: Final = 64 * 1024


class TranslatedStream:
    """A streamed answer that raises what ``translate`` makes of a transport's error."""

    def __init__(self, answer: StreamedResponse, translate: Callable[[TransportError], PromptOpsError]) -> None:
        self._answer = answer
        self._translate = translate

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        return self._answer.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        try:
            async for chunk in self._answer.chunks():
                yield chunk
        except TransportError as exc:
            raise self._translate(exc) from exc


async def read_error(answer: StreamedResponse) -> Response:
    """An error answer with as much of its body as a message can use."""
    body = b""
    async for chunk in answer.chunks():
        body += chunk
        if len(body) >= _LARGEST_ERROR:
            break
    return Response(status=answer.status, headers=answer.headers, body=body)
