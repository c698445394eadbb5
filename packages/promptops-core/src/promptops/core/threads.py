"""Run several blocking calls at once: coroutines that never suspend, on a few threads of their own."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from typing import Any, TypeVar, cast

from promptops.core.bridge import drive

__all__ = ["run_at_once"]

T = TypeVar("T")


def run_at_once(thunks: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
    """Run the thunks, at most ``limit`` at once, the calling thread among those that do; results in the order given.

    After an error nothing further begins; what is under way ends, and the first error is raised. What interrupts the
    calling thread (Ctrl-C) is raised at once, and the others end with the call that they are at.

    Args:
        thunks: Each makes a coroutine that never suspends.
        limit: Most at once.

    Raises:
        SuspendedInSync: One of them waited for an event loop.
    """
    results: list[Any] = [None] * len(thunks)
    failed: list[BaseException] = []
    pending = iter(enumerate(thunks))
    turn = threading.Lock()

    def work() -> None:
        while not failed:
            with turn:
                index, thunk = next(pending, (-1, None))
            if thunk is None:
                return
            try:
                results[index] = drive(_awaited(thunk))
            except BaseException as exc:  # noqa: BLE001 - raised below, in the calling thread
                failed.append(exc)

    helpers = _started(work, min(limit, len(thunks)) - 1)
    try:
        work()
        if not failed or isinstance(failed[0], Exception):
            for helper in helpers:
                helper.join()
    except BaseException as exc:
        failed.append(exc)  # so that nothing further begins
        raise
    if failed:
        raise failed[0]
    return cast("list[T]", results)


def _started(work: Callable[[], None], count: int) -> list[threading.Thread]:
    helpers: list[threading.Thread] = []
    for _ in range(count):
        # Each sees the deadlines that the caller is under.
        helper = threading.Thread(target=copy_context().run, args=(work,), name="promptops-gather", daemon=True)
        try:
            helper.start()
        except RuntimeError:  # no more threads can be had, or the interpreter is ending: the caller does it alone
            break
        helpers.append(helper)
    return helpers


async def _awaited(thunk: Callable[[], Awaitable[T]]) -> T:
    return await thunk()
