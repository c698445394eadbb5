"""The port between resources and the world: what a resource may await, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, ParamSpec, Protocol, TypeVar

from promptops.core.messages import Request, Response

__all__ = ["Runtime", "StreamedResponse"]

P = ParamSpec("P")
T = TypeVar("T")


class StreamedResponse(Protocol):
    """An answer whose body is read piece by piece."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; of repeated headers the values joined by ``, ``."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        ...


class Runtime(Protocol):
    """Everything that a resource may wait for.

    Two implementations exist: ``AsyncRuntime`` waits on the running event loop, ``SyncRuntime`` blocks the calling
    thread, and its coroutines never suspend.
    """

    async def send(self, request: Request) -> Response:
        """Send one logical call: authenticate, retry, keep the deadline, decode errors.

        Returns:
            A response whose status is 200..299 or one of ``request.accept_statuses``.

        Raises:
            PromptOpsError: The typed error of :mod:`promptops.core.errors` for everything else.
        """
        ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one attempt of a call and read its body in pieces; errors as for :meth:`send`."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def lock(self) -> AbstractAsyncContextManager[Any]:
        """A new lock, usable by everything that runs on this runtime."""
        ...

    def deadline(self, seconds: float) -> AbstractContextManager[Any]:
        """A scope in which every ``send`` and ``sleep`` together may take ``seconds``; then ``TimeoutError``."""
        ...

    async def gather(self, *thunks: Callable[[], Awaitable[T]], limit: int | None = None) -> Sequence[T]:
        """Run the thunks, at most ``limit`` at once; results in the order given.

        Blocking code runs them in turn without a limit, and on a few threads with one, so they must not share state
        that threads cannot.
        """
        ...

    async def run_blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work: in a worker thread in async code, directly in blocking code."""
        ...

    async def aclose(self) -> None:
        """Close every connection; safe to call twice."""
        ...
