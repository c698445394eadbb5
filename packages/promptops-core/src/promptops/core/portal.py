"""One event loop in a background thread, for blocking programs that need real concurrency."""

from __future__ import annotations

import atexit
import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

__all__ = ["close_portal", "portal"]

_EXIT_LIMIT = 5.0


class _Process:
    lock = threading.Lock()
    running: tuple[BlockingPortal, threading.Thread] | None = None


def portal() -> BlockingPortal:
    """The portal of this process, started at first use, closed at exit and made anew in a forked child."""
    with _Process.lock:
        if _Process.running is None:
            ready: Future[BlockingPortal] = Future()
            thread = threading.Thread(target=_run, args=(ready,), name="promptops-portal", daemon=True)
            thread.start()
            _Process.running = ready.result(), thread
            atexit.register(close_portal)
        return _Process.running[0]


def close_portal() -> None:
    """Cancel what runs on the portal and end its thread; without a portal, nothing happens."""
    with _Process.lock:
        running, _Process.running = _Process.running, None
    if running is None:
        return
    atexit.unregister(close_portal)
    started, thread = running
    started.start_task_soon(started.stop, True)
    thread.join(_EXIT_LIMIT)


def _run(ready: Future[BlockingPortal]) -> None:
    import anyio

    try:
        anyio.run(_serve, ready)
    except BaseException as exc:
        if ready.done():
            raise
        ready.set_exception(exc)


async def _serve(ready: Future[BlockingPortal]) -> None:
    # Not anyio's start_blocking_portal: dropping its context manager in a forked child waits for a thread that is not
    # there.
    from anyio.from_thread import BlockingPortal

    async with BlockingPortal() as started:
        ready.set_result(started)
        await started.sleep_until_stopped()


def _after_fork() -> None:
    _Process.lock = threading.Lock()
    _Process.running = None  # the thread stayed in the parent
    atexit.unregister(close_portal)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
