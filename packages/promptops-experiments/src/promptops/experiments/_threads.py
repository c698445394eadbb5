"""Worker threads of one run: daemons, bounded, and gone with the run; what times out in one is left behind, counted."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import anyio

__all__ = ["CallSoon", "Threads"]

CallSoon = Callable[[Callable[[], object]], object]
"""Runs a function in the thread of an event loop, from any thread."""

_MOST_ABANDONED: Final = 64
_JOIN_SECONDS: Final = 1.0


class _Job:
    __slots__ = ("abandoned", "context", "event", "function", "result")

    def __init__(self, function: Callable[[], Any], event: anyio.Event) -> None:
        self.function = function
        self.context = contextvars.copy_context()
        self.event = event
        self.result: Any = None
        self.abandoned = False


class _Worker:
    __slots__ = ("jobs", "thread")

    def __init__(self, number: int, done: Callable[[_Worker, _Job], None]) -> None:
        self.jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        # A daemon: a call that never returns must not keep the program from ending.
        self.thread = threading.Thread(target=self._run, args=(done,), name=f"promptops-task-{number}", daemon=True)
        self.thread.start()

    def _run(self, done: Callable[[_Worker, _Job], None]) -> None:
        while (job := self.jobs.get()) is not None:
            job.result = job.context.run(job.function)
            done(self, job)
            del job


class Threads:
    """Runs functions that must not raise in threads of their own; used from one event loop.

    Args:
        most: Most functions at once.
        call_soon: Reaches the event loop from a thread.
    """

    def __init__(self, most: int, call_soon: CallSoon) -> None:
        import anyio

        self._most = most
        self._call_soon = call_soon
        self._event = anyio.Event
        self._idle: list[_Worker] = []
        self._all: list[_Worker] = []
        self._abandoned = 0
        self._freed = anyio.Event()
        self._closed = False

    @property
    def abandoned(self) -> int:
        """How many functions go on although nobody waits for them."""
        return self._abandoned

    async def run(self, function: Callable[[], Any]) -> Any:
        """Run ``function`` and return its result; when this is cancelled the function goes on, unheeded.

        At most 64 functions may go on so; from then on this waits until one of them returns.
        """
        job = _Job(function, self._event())
        while not self._idle and (self._abandoned >= _MOST_ABANDONED or len(self._all) - self._abandoned >= self._most):
            freed = self._freed
            await freed.wait()
        worker = self._idle.pop() if self._idle else self._started()
        worker.jobs.put(job)
        try:
            await job.event.wait()
        except BaseException:
            if not job.event.is_set():
                job.abandoned = True
                self._abandoned += 1
            raise
        return job.result

    def close(self) -> None:
        """End the threads that are idle; the others end by themselves when their function returns."""
        self._closed = True
        for worker in self._all:
            worker.jobs.put(None)
        for worker in self._idle:
            worker.thread.join(_JOIN_SECONDS)

    def _started(self) -> _Worker:
        worker = _Worker(len(self._all), self._done)
        self._all.append(worker)
        return worker

    def _done(self, worker: _Worker, job: _Job) -> None:
        if self._closed:
            return
        try:
            self._call_soon(lambda: self._settle(worker, job))
        except RuntimeError:  # the loop ended before the function did
            return

    def _settle(self, worker: _Worker, job: _Job) -> None:
        self._abandoned -= job.abandoned
        self._idle.append(worker)
        if self._freed.statistics().tasks_waiting:
            freed, self._freed = self._freed, self._event()
            freed.set()
        job.event.set()
