"""Work that no caller waits for: one daemon thread for each process, started with its first job."""

from __future__ import annotations

import os
import time
from _queue import Empty, SimpleQueue  # as concurrent.futures does: no import of threading
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable, Hashable
from heapq import heappop, heappush
from itertools import count
from typing import Final

__all__ = ["BACKGROUND", "Background"]

Job = Callable[[], None]
MOST_JOBS: Final = 10_000


class _Worker:
    """The queue and the thread of one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.incoming: SimpleQueue[tuple[float, int, Hashable, Job]] = SimpleQueue()
        self.known: set[Hashable] = set()
        self.started = False


class Background:
    """Runs jobs one after another, each at its time. It keeps no process alive, and a forked child starts with none.

    A job must not raise; one that does is reported to ``on_error`` and the next one runs.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._worker = _Worker()
        self._lock = allocate_lock()
        self._numbers = count()
        self.on_error: Callable[[Exception], None] = _report

    def submit(self, key: Hashable, job: Job, *, delay: float = 0.0) -> bool:
        """Run ``job`` after ``delay`` seconds, unless one with this key is waiting already.

        Returns:
            Whether it was taken: not when it waits already, or when 10,000 jobs wait.
        """
        worker = self._worker
        if worker.pid != os.getpid():
            # Nobody else runs in a child yet, or they come here too: the last one to write wins, and each is whole.
            self._lock = allocate_lock()
            worker = self._worker = _Worker()
        with self._lock:
            if key in worker.known or len(worker.known) >= MOST_JOBS:
                return False
            worker.known.add(key)
            if not worker.started:
                worker.started = True
                start_new_thread(self._run, (worker,))
        worker.incoming.put((self._clock() + delay, next(self._numbers), key, job))
        return True

    @property
    def waiting(self) -> int:
        """How many jobs wait or run in this process."""
        return len(self._worker.known) if self._worker.pid == os.getpid() else 0

    def _run(self, worker: _Worker) -> None:
        due: list[tuple[float, int, Hashable, Job]] = []
        while True:
            wait = None if not due else max(0.0, due[0][0] - self._clock())
            try:
                heappush(due, worker.incoming.get(timeout=wait))
                continue
            except Empty:
                pass
            _, _, key, job = heappop(due)
            worker.known.discard(key)  # before it runs: what changes meanwhile may ask for another run
            try:
                job()
            except Exception as error:  # noqa: BLE001 - a job that fails must not end all others
                self.on_error(error)


def _report(error: Exception) -> None:
    import logging

    logging.getLogger("promptops.cache").error("a background job failed: %s", type(error).__name__, exc_info=error)


BACKGROUND: Final = Background()
"""The one of this process."""
