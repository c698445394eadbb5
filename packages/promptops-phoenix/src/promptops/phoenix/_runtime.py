"""The runtime of a Phoenix client: one of the core's, whose answers also tell the version of the server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime, StreamedResponse
from promptops.phoenix._versions import ServerVersion

if TYPE_CHECKING:
    from promptops.core.config import RuntimeConfig

__all__ = ["PhoenixRuntime"]

P = ParamSpec("P")
T = TypeVar("T")


class PhoenixRuntime:
    """A :class:`~promptops.core.runtime.Runtime` that reads the version of the server from what passes through.

    Args:
        inner: Does the work.
        config: Its settings, where somebody asks for them.

    Attributes:
        config: The same; prompt files and lock files tell servers apart by the address in it.
        version: What is known of the version.
    """

    def __init__(self, inner: Runtime, config: RuntimeConfig | None = None) -> None:
        self._inner = inner
        self.config = config
        self.version = ServerVersion(inner)

    async def send(self, request: Request) -> Response:
        """Send one logical call."""
        response = await self._inner.send(request)
        self.version.learn(response.headers)
        return response

    def stream(self, request: Request) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one attempt of a call and read its body in pieces."""
        return self._stream(request)

    @asynccontextmanager
    async def _stream(self, request: Request) -> AsyncGenerator[StreamedResponse, None]:
        async with self._inner.stream(request) as answer:
            self.version.learn(answer.headers)
            yield answer

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)

    def lock(self) -> AbstractAsyncContextManager[Any]:
        """A new lock, usable by everything that runs on this runtime."""
        return self._inner.lock()

    def deadline(self, seconds: float) -> AbstractContextManager[Any]:
        """A scope in which every ``send`` and ``sleep`` together may take ``seconds``; then ``TimeoutError``."""
        return self._inner.deadline(seconds)

    async def gather(self, *thunks: Callable[[], Awaitable[T]], limit: int | None = None) -> Sequence[T]:
        """Run the thunks, at most ``limit`` at once; results in the order given."""
        return await self._inner.gather(*thunks, limit=limit)

    async def run_blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work: in a worker thread in async code, directly in blocking code."""
        return await self._inner.run_blocking(function, *args, **kwargs)

    async def aclose(self) -> None:
        """Close every connection; safe to call twice."""
        await self._inner.aclose()
