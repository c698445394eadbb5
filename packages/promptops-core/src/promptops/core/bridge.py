"""Blocking views of asynchronous resources: the same coroutines, driven without a loop."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from operator import attrgetter
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from promptops.core.errors import SuspendedInSync
from promptops.core.runtime import Runtime

__all__ = ["AsyncResource", "SyncResource", "bridge", "bridge_iter", "drive", "forward"]

P = ParamSpec("P")
T = TypeVar("T")
ResourceT = TypeVar("ResourceT")


class AsyncResource:
    """Base of what talks to one family of routes; it awaits nothing but its runtime."""

    def __init__(self, runtime: Runtime, *, project: str | None = None) -> None:
        self._runtime = runtime
        self._project = project


class SyncResource(Generic[ResourceT]):
    """Base of the blocking view of a resource, which must live on a ``SyncRuntime``."""

    def __init__(self, resource: ResourceT) -> None:
        self._resource = resource

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name, value in vars(cls).items():
            if getattr(value, "__bridged__", False):
                value.__name__ = name
                value.__qualname__ = f"{cls.__qualname__}.{name}"
                value.__module__ = cls.__module__


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result.

    Raises:
        SuspendedInSync: It waited for something that only an event loop can bring; it has been closed.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    name = getattr(coroutine, "__qualname__", type(coroutine).__name__)
    message = (
        f"{name} waited for an event loop in a blocking call. A blocking client needs a SyncRuntime, and caches, "
        "callbacks and transports that block; use the async client for asynchronous ones."
    )
    try:
        coroutine.close()
    except RuntimeError as exc:  # it waited again while being closed
        raise SuspendedInSync(message) from exc
    raise SuspendedInSync(message)


def bridge(method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]], /) -> Callable[Concatenate[Any, P], T]:
    """The blocking twin of a coroutine method, for the body of a :class:`SyncResource`."""

    @functools.wraps(method)
    def blocking(self: SyncResource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            coroutine = method(_resource_of(self), *args, **kwargs)
        except TypeError as exc:
            _rename(exc, method, blocking)
            raise
        return drive(coroutine)

    return _marked(blocking)


def bridge_iter(
    method: Callable[Concatenate[Any, P], AsyncIterator[T]], /
) -> Callable[Concatenate[Any, P], Iterator[T]]:
    """The blocking twin of a method that returns an asynchronous iterator."""

    @functools.wraps(method)
    def blocking(self: SyncResource[Any], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        try:
            source = method(_resource_of(self), *args, **kwargs)
        except TypeError as exc:
            _rename(exc, method, blocking)
            raise
        return _pump(source)

    return _marked(blocking)


def forward(method: Callable[Concatenate[Any, P], T], /) -> Callable[Concatenate[Any, P], T]:
    """The twin of a plain method, which never waits."""

    @functools.wraps(method)
    def plain(self: SyncResource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(_resource_of(self), *args, **kwargs)
        except TypeError as exc:
            _rename(exc, method, plain)
            raise

    return _marked(plain)


_resource_of = attrgetter("_resource")
_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


def _marked(function: _FunctionT) -> _FunctionT:
    function.__bridged__ = True  # type: ignore[attr-defined]  # read by SyncResource.__init_subclass__
    return function


def _rename(error: TypeError, method: Callable[..., Any], twin: Callable[..., Any]) -> None:
    """Let the error of a wrong argument name the method that was called."""
    said, name = str(error), f"{method.__qualname__}()"
    if said.startswith(name):
        error.args = (f"{twin.__qualname__}(){said.removeprefix(name)}",)


def _pump(source: AsyncIterator[T]) -> Iterator[T]:
    try:
        while True:
            try:
                item = drive(_step(source.__anext__()))
            except StopAsyncIteration:
                return
            yield item
    finally:
        # Runs as well when the loop over it ends early: what the generator holds is released now, not by a collector.
        aclose = getattr(source, "aclose", None)
        if aclose is not None:
            drive(_step(aclose()))


async def _step(awaitable: Awaitable[T]) -> T:
    return await awaitable
