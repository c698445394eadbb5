"""Blocking calls that cannot be interrupted, in a few daemon threads that exist only while there is work.

The caller waits no longer than its deadline; a thread that hangs is left behind and counts against the cap.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

__all__ = ["Job", "run_within", "start"]

T = TypeVar("T")
_MAX_THREADS: Final = 8


class Job(Generic[T]):
    """One call in a thread.

    Attributes:
        abandoned: Set by a caller that no longer waits; a job that has not begun is then skipped.
    """

    def __init__(self, function: Callable[[], T], done: Callable[[], object]) -> None:
        self.abandoned = False
        self._function = function
        self._done = done
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Make the call; its outcome is kept for :meth:`outcome`."""
        if self.abandoned:
            return
        try:
            self._result = self._function()
        except BaseException as exc:  # noqa: BLE001 - it is raised again where the outcome is asked for
            self._error = exc
        self._done()

    def outcome(self) -> T:
        """The result, or the error raised."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value] # None only if T allows it


class _Threads:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._queue: deque[Job[object]] = deque()
        self._running = 0

    def submit(self, job: Job[object]) -> None:
        with self._lock:
            self._queue.append(job)
            if self._running >= _MAX_THREADS:
                return
            self._running += 1
        try:
            threading.Thread(target=self._work, name="promptops-lookup", daemon=True).start()
        except RuntimeError:
            # No thread starts in an interpreter that is shutting down; whoever asks then does the work.
            self._work()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._running -= 1
                    return
                job = self._queue.popleft()
            job.run()


class _Current:
    threads = _Threads()


def start(function: Callable[[], T], done: Callable[[], object]) -> Job[T]:
    """Call ``function`` in a thread; ``done`` is called there when the outcome is known."""
    threads = _Current.threads
    if threads.pid != os.getpid():
        # Threads do not survive a fork, and one of them may have held the lock.
        threads = _Current.threads = _Threads()
    job = Job(function, done)
    threads.submit(job)  # type: ignore[arg-type] # the queue does not look at the result
    return job


def run_within(function: Callable[[], T], seconds: float) -> T | None:
    """Call ``function`` in a thread and wait; None when it took longer than ``seconds``."""
    gate = threading.Lock()
    gate.acquire()
    job = start(function, gate.release)
    if gate.acquire(timeout=max(0.0, min(seconds, threading.TIMEOUT_MAX))):
        return job.outcome()
    job.abandoned = True
    return None
