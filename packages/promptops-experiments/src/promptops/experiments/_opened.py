"""Opens what has to be closed in a worker thread, so that a wait which is cancelled leaves nothing open."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from promptops.experiments._blocking import RunBlocking

__all__ = ["opened"]


class _Closable(Protocol):
    def close(self) -> None: ...


P = ParamSpec("P")
C = TypeVar("C", bound=_Closable)


async def opened(run_blocking: RunBlocking, function: Callable[P, C], /, *args: P.args, **kwargs: P.kwargs) -> C:
    """Return what the function opens in a worker thread.

    Some cancellations do not wait for the thread. What it opens then is closed by whoever comes last: the thread, which
    finds nobody to take it, or the one that does not wait any more.
    """
    made: list[C] = []
    first = [None]  # taken once, in one step

    def work() -> C:
        made.append(function(*args, **kwargs))
        if not _took(first):
            made[0].close()
        return made[0]

    try:
        return await run_blocking(work)
    except BaseException:
        if not _took(first):
            made[0].close()
        raise


def _took(first: list[None]) -> bool:
    try:
        first.pop()
    except IndexError:
        return False
    return True
