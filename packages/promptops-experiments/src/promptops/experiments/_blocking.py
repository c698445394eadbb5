"""How stores on the local disk wait: in a worker thread of an event loop, or here and now."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

__all__ = ["RunBlocking", "run_here"]

P = ParamSpec("P")
T = TypeVar("T")


class RunBlocking(Protocol):
    """``runtime.run_blocking``, or what does the same."""

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function and return what it returns."""
        ...


async def run_here(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function in this thread."""
    return function(*args, **kwargs)
